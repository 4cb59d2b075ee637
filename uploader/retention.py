"""What was delivered goes: after some days, or sooner when room is short.

So does what was gone before its turn came (:mod:`uploader.waiting`). Nothing else goes.

A case goes as a whole, with its pictures, when every revision of it was delivered and it is no
longer open: the pictures of an open case are wanted for the pair before and after. A file that
another row refers to stays until that row goes.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from edge.clock import iso
from edge.evidence.copies import DOCUMENT, MANIFEST
from edge.sqlite import transaction
from uploader.outbox_schema import open_outbox
from uploader.reading import reading
from uploader.waiting import forget

NEVER_OPEN = "SELECT NULL WHERE 0"

# The order is that of the settling; a whole case has to be past the limit.
_OLDEST = (
    "SELECT subject FROM outbox AS o INDEXED BY outbox_done WHERE state = 'done'"
    " AND settled_at < :limit AND subject NOT IN ({open_cases}) AND NOT EXISTS"
    " (SELECT 1 FROM outbox AS other WHERE other.subject = o.subject"
    " AND (other.state != 'done' OR other.settled_at >= :limit))"
    " ORDER BY settled_at, seq LIMIT 1"
)
_UNSEEN = (
    "SELECT subject FROM waiting WHERE unseen_at < :limit AND asked = 0"
    " AND subject NOT IN ({open_cases}) ORDER BY unseen_at LIMIT 1"
)
_FILES = (
    "SELECT path, MAX(size_bytes) AS size_bytes FROM outbox_evidence AS mine"
    " JOIN outbox USING (seq) WHERE subject = ? AND NOT EXISTS (SELECT 1"
    " FROM outbox_evidence AS e JOIN outbox AS o USING (seq)"
    " WHERE e.path = mine.path AND o.subject != outbox.subject) AND NOT EXISTS"
    " (SELECT 1 FROM waiting_evidence AS w WHERE w.path = mine.path) GROUP BY path"
)
_UNSEEN_FILES = (
    "SELECT path, MAX(size_bytes) AS size_bytes FROM waiting_evidence AS mine WHERE subject = ?"
    " AND NOT EXISTS (SELECT 1 FROM outbox_evidence AS e WHERE e.path = mine.path)"
    " AND NOT EXISTS (SELECT 1 FROM waiting_evidence AS w WHERE w.path = mine.path"
    " AND w.subject != mine.subject) GROUP BY path"
)


@dataclass(frozen=True, slots=True)
class Removed:
    """A case that went."""

    subject: str
    rows: int
    files: int
    size_bytes: int


class Journal(Protocol):
    """Keeps account of what was removed."""

    def removed(self, tx: sqlite3.Connection, case_id: str) -> None:
        """A case goes; inside the transaction that removes it."""
        ...

    def committed(self) -> None:
        """The transaction is over."""
        ...


class _NoJournal:
    def removed(self, tx: sqlite3.Connection, case_id: str) -> None:
        """Nobody wants to know."""

    def committed(self) -> None:
        """Nobody wants to know."""


class Retention:
    """Removes delivered cases, one at a time. One connection of its own; use it from one thread.

    Args:
        path: the database file.
        open_cases: a query that gives the ids of cases whose pictures are still wanted.
        journal: told of every case that goes.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        open_cases: str = NEVER_OPEN,
        journal: Journal | None = None,
    ) -> None:
        self._path = path
        self._journal = journal or _NoJournal()
        self._oldest = _OLDEST.format(open_cases=open_cases)
        self._unseen = _UNSEEN.format(open_cases=open_cases)
        self._db = open_outbox(path)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def used_bytes(self) -> int:
        """Evidence of every row, and the database itself.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            files = self._db.execute(
                "SELECT (SELECT TOTAL(size_bytes) FROM outbox_evidence)"
                " + (SELECT TOTAL(size_bytes) FROM waiting_evidence)"
            ).fetchone()
            pages = self._db.execute("PRAGMA page_count").fetchone()
            size = self._db.execute("PRAGMA page_size").fetchone()
        return int(files[0]) + int(pages[0]) * int(size[0])

    def remove_oldest(self, settled_before: datetime) -> Removed | None:
        """Remove the case that was settled first; None when there is none before that time.

        Files go before the rows that name them: a crash in between leaves rows that were
        delivered, and the next call ends the work.

        Raises:
            StoreError: the rows are still there.
        """
        # IMMEDIATE: nobody can begin to refer to a file between the look and the removal.
        with transaction(self._db, self._path) as tx:
            found = tx.execute(self._oldest, {"limit": iso(settled_before)}).fetchone()
            if found is None:
                return None
            subject = str(found["subject"])
            gone = [_unlink(row) for row in tx.execute(_FILES, (subject,)).fetchall()]
            tx.execute(
                "DELETE FROM outbox_evidence WHERE seq IN"
                " (SELECT seq FROM outbox WHERE subject = ?)",
                (subject,),
            )
            rows = tx.execute("DELETE FROM outbox WHERE subject = ?", (subject,)).rowcount
            self._journal.removed(tx, subject)
        self._journal.committed()
        return Removed(subject, rows, len(gone), sum(gone))

    def remove_unseen(self, gone_before: datetime) -> Removed | None:
        """Remove the case that was first gone before its turn; None when there is none.

        Args:
            gone_before: no earlier than its window: it could still be seen again.

        Raises:
            StoreError: the case is still there.
        """
        with transaction(self._db, self._path) as tx:
            found = tx.execute(self._unseen, {"limit": iso(gone_before)}).fetchone()
            if found is None:
                return None
            subject = str(found["subject"])
            gone = [_unlink(row) for row in tx.execute(_UNSEEN_FILES, (subject,)).fetchall()]
            rows = forget(tx, subject)
            self._journal.removed(tx, subject)
        self._journal.committed()
        return Removed(subject, rows, len(gone), sum(gone))


def _unlink(row: sqlite3.Row) -> int:
    """Remove a file, and its folders once only manifest and document are left; bytes freed."""
    path = Path(row["path"])
    with suppress(OSError):  # gone already, or not ours to remove: the row goes all the same
        path.unlink()
        folder = path.parent
        left = list(folder.iterdir())
        if left and {other.name for other in left} <= {MANIFEST, DOCUMENT}:
            for other in left:
                other.unlink()
            folder.rmdir()
            folder.parent.rmdir()
    return int(row["size_bytes"])
