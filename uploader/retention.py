"""What was delivered goes: when its time is over, or sooner when room is short.

So does what was gone before its turn came (:mod:`uploader.waiting`). Nothing else goes: not what
is open, undelivered, waiting or held by a person (:mod:`edge.evidence.holds`).

A case goes as a whole, with its pictures: those of an open case are wanted for the pair before
and after. The decision is one transaction: rows out, the signed link in, the files noted as
leaving. The files go after it, so a crash leaves a file too many, never a file that is gone and
nobody says why. A file that another row refers to stays until that row goes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from edge.errors import Code, StoreError
from edge.evidence.copies import ANSWER, DOCUMENT, MANIFEST
from edge.sqlite import as_store_error, transaction
from uploader.keeping import Kept, Rules, Status, Verdict, order
from uploader.outbox_schema import open_outbox
from uploader.reading import reading
from uploader.reserve import Reserve
from uploader.waiting import forget

_log = structlog.get_logger(__name__)

NEVER_OPEN = "SELECT NULL WHERE 0"

# Of the index alone: the rows hold whole messages.
_SENT = (
    "SELECT o.subject, o.what, o.kind, o.status, c.since, c.pending, c.dead,"
    " o.subject IN ({open_cases}) AS open FROM (SELECT subject, MAX(revision) AS revision,"
    " MAX(settled_at) AS since, TOTAL(state = 'pending') AS pending, TOTAL(state = 'dead') AS dead"
    " FROM outbox INDEXED BY outbox_kept {where} GROUP BY subject) AS c"
    " JOIN outbox AS o INDEXED BY outbox_kept USING (subject, revision)"
)
_UNSENT = (
    "SELECT subject, kind, unseen_at, asked, subject IN ({open_cases}) AS open FROM waiting {where}"
)
_ONE = "WHERE subject = :subject"
_FILES = (
    "SELECT path, MAX(size_bytes) AS size_bytes FROM (SELECT path, size_bytes FROM outbox_evidence"
    " JOIN outbox USING (seq) WHERE subject = :subject UNION ALL SELECT path, size_bytes"
    " FROM waiting_evidence WHERE subject = :subject) AS mine WHERE NOT EXISTS (SELECT 1"
    " FROM outbox_evidence AS e JOIN outbox AS o USING (seq) WHERE e.path = mine.path"
    " AND o.subject != :subject) AND NOT EXISTS (SELECT 1 FROM waiting_evidence AS w"
    " WHERE w.path = mine.path AND w.subject != :subject) GROUP BY path ORDER BY path"
)
_WANTED = (
    "SELECT 1 FROM outbox_evidence WHERE path = :path"
    " UNION ALL SELECT 1 FROM waiting_evidence WHERE path = :path"
)


@dataclass(frozen=True, slots=True)
class Removed:
    """A case that went.

    Attributes:
        kept: what it was.
        verdict: why it went.
        rows: of outbox or waiting room.
        files, size_bytes: that go with it.
    """

    kept: Kept
    verdict: Verdict
    rows: int
    files: tuple[Path, ...]
    size_bytes: int

    @property
    def subject(self) -> str:
        """Case id or request id."""
        return self.kept.subject


Held = Callable[[sqlite3.Connection, str], str]
"""By which hold a case, or an answer, is held; empty: by none. Inside the transaction."""


class Journal(Protocol):
    """Keeps account of what was removed."""

    def removed(self, tx: sqlite3.Connection, gone: Removed) -> list[Path]:
        """A case goes; inside the transaction that removes it. Gives folders that go, too."""
        ...

    def committed(self) -> None:
        """The transaction is over."""
        ...


class Retention:
    """Removes cases, one at a time. One connection of its own; use it from one thread.

    Args:
        path: the database file.
        rules: how long what is kept.
        open_cases: a query that gives the ids of cases whose pictures are still wanted.
        held: says what a person wants kept; None: nothing.
        journal: told of every case that goes.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        rules: Rules | None = None,
        *,
        open_cases: str = NEVER_OPEN,
        held: Held | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._path = path
        self.rules = rules or Rules()
        self._held = held
        self._journal = journal
        self._open_cases = open_cases
        self._db = open_outbox(path)
        self._reserve = Reserve(path.parent)

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

    def reserve(self) -> None:
        """Keep some room back for what a removal has to write on a full disk."""
        self._reserve.keep()

    def kept(self) -> list[Kept]:
        """Everything that lies here, in the order in which it would go for want of room.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            return sorted(self._look(self._db, "", {}), key=order)

    def size_bytes(self, subject: str) -> int:
        """Of the files that would go with a case.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            rows = self._db.execute(_FILES, {"subject": subject}).fetchall()
        return sum(int(row["size_bytes"]) for row in rows)

    def remove(self, subject: str, now: datetime, *, short: bool = False) -> Removed | None:
        """Remove a case if its time is over.

        Args:
            subject: case id or request id.
            now: the present moment.
            short: the disk is nearly full: it may go before its time.

        Returns:
            What went; None when it must stay, as things are now.

        Raises:
            StoreError: it is still there, or the disk failed. A file that the disk does not let go
                of is no reason: the next :meth:`finish` tries again.
        """
        try:
            gone = self._decide(subject, now, short=short)
        except StoreError as fault:
            if fault.code is not Code.STO_FULL or not self._reserve.give():
                raise
            gone = self._decide(subject, now, short=short)
        if gone is None:
            return None
        if self._journal is not None:
            self._journal.committed()
        try:
            self.finish()
        except StoreError as fault:
            if fault.fatal:
                raise
            _log.warning("files_not_deleted", code=str(fault.code), what=fault.what)
        self._reserve.keep()
        return gone

    def finish(self) -> None:
        """Delete the files whose removal is decided; after a crash, what it left over.

        Raises:
            StoreError: some are still there.
        """
        with reading(self._path):
            if self._db.execute("SELECT 1 FROM leaving LIMIT 1").fetchone() is None:
                return
        fault = None
        with transaction(self._db, self._path) as tx:
            # A folder sorts before what is in it, and goes after it.
            rows = tx.execute("SELECT path FROM leaving ORDER BY path DESC").fetchall()
            for row in rows:
                try:
                    if tx.execute(_WANTED, {"path": row["path"]}).fetchone() is None:
                        _delete(Path(row["path"]))
                except OSError as error:
                    fault = as_store_error(Path(row["path"]), error)
                    continue
                tx.execute("DELETE FROM leaving WHERE path = ?", (row["path"],))
        if fault is not None:
            raise fault

    def _decide(self, subject: str, now: datetime, *, short: bool) -> Removed | None:
        # IMMEDIATE: nobody can hold it, or refer to its files, between the look and the removal.
        with transaction(self._db, self._path) as tx:
            kept = next(self._look(tx, _ONE, {"subject": subject}), None)
            if kept is None or (verdict := self.rules.judge(kept, now, short=short)) is None:
                return None
            return self._take_out(tx, kept, verdict)

    def _take_out(self, tx: sqlite3.Connection, kept: Kept, verdict: Verdict) -> Removed:
        mine = {"subject": kept.subject}
        files = tx.execute(_FILES, mine).fetchall()
        tx.execute(
            f"DELETE FROM outbox_evidence WHERE seq IN (SELECT seq FROM outbox {_ONE})",  # noqa: S608
            mine,
        )
        rows = tx.execute(f"DELETE FROM outbox {_ONE}", mine).rowcount  # noqa: S608
        rows += forget(tx, kept.subject)
        paths = tuple(Path(row["path"]) for row in files)
        size = sum(int(row["size_bytes"]) for row in files)
        gone = Removed(kept, verdict, rows, paths, size)
        folders = {path.parent for path in paths}
        if self._journal is not None:
            folders |= set(self._journal.removed(tx, gone))
        leaving = [(str(path), 0) for path in folders]
        leaving += [(row["path"], row["size_bytes"]) for row in files]
        tx.executemany("INSERT OR REPLACE INTO leaving VALUES (?, ?)", leaving)
        return gone

    def _look(self, db: sqlite3.Connection, where: str, values: dict[str, str]) -> Iterator[Kept]:
        chosen = {"where": where, "open_cases": self._open_cases}
        for row in db.execute(_UNSENT.format(**chosen), values):
            yield self._with_hold(db, _unsent(row))
        for row in db.execute(_SENT.format(**chosen), values):
            yield self._with_hold(db, _sent(row))

    def _with_hold(self, db: sqlite3.Connection, kept: Kept) -> Kept:
        if kept.protected or self._held is None:
            return kept
        hold = self._held(db, kept.subject)
        return replace(kept, protected=f"held {hold}") if hold else kept


def _sent(row: sqlite3.Row) -> Kept:
    status: Status = (
        "rejected"
        if row["dead"]
        else "answered"
        if row["what"] == "reply"
        else "withdrawn"
        if row["status"] == "withdrawn"
        else "closed"
    )
    protected = "undelivered" if row["pending"] else "open" if row["open"] else ""
    return Kept(row["subject"], row["kind"], status, _moment(row["since"]), protected)


def _unsent(row: sqlite3.Row) -> Kept:
    protected = (
        "waiting" if row["unseen_at"] is None else "asked" if row["asked"] else
        "open" if row["open"] else ""
    )  # fmt: skip
    return Kept(row["subject"], row["kind"], "unseen", _moment(row["unseen_at"]), protected)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _delete(path: Path) -> None:
    """A file; or a folder in which nothing but manifest and document is left, and the one above."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    left = list(path.iterdir())
    ours = {MANIFEST, DOCUMENT, ANSWER}
    if all(other.name in ours or other.name.endswith(".part") for other in left):
        for other in left:
            other.unlink()
        path.rmdir()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
