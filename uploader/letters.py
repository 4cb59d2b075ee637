"""Looking into the outbox from outside: what waits, what was rejected, and sending that again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.clock import Clock, iso, utc_now
from edge.sqlite import transaction
from uploader.outbox_schema import open_outbox
from uploader.quota import Quota
from uploader.reading import reading
from uploader.waiting_view import WaitingCase, find

State = Literal["pending", "dead"]

_ROWS = (
    "SELECT o.seq, o.what, o.subject, o.revision, o.status, o.kind, o.attempts, o.next_at,"
    " o.created_at, o.receipt, (SELECT COUNT(*) FROM outbox_evidence AS e WHERE e.seq = o.seq)"
    " AS files FROM outbox AS o WHERE o.state = "
)
_NEWEST = {
    "pending": _ROWS + "'pending' ORDER BY o.seq LIMIT ?",
    "dead": _ROWS + "'dead' ORDER BY o.seq DESC LIMIT ?",
}


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter for people.

    Attributes:
        seq: its number; what ``resend`` takes.
        what, subject, revision, status, kind: see :class:`uploader.outbox_rows.Letter`.
        attempts: how often it was put off.
        created_at, next_at: as stored, UTC.
        files: how many.
        reason: the platform's last words about it; empty when it said none.
    """

    seq: int
    what: str
    subject: str
    revision: int
    status: str
    kind: str
    attempts: int
    created_at: str
    next_at: str
    files: int
    reason: str


def letters(db: sqlite3.Connection, path: Path, state: State, limit: int) -> list[LetterView]:
    """Pending letters oldest first, dead ones newest first.

    Raises:
        StoreError: the database cannot be read.
    """
    with reading(path):
        return [_view(row) for row in db.execute(_NEWEST[state], (limit,))]


class Letters:
    """The outbox of a box, running or not, from another process.

    Args:
        path: the database file.
        clock: what time it is.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._db = open_outbox(path)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def find(self, state: State, limit: int) -> list[LetterView]:
        """See :func:`letters`."""
        return letters(self._db, self._path, state, limit)

    def waiting(
        self, limit: int, quota: Quota | None = None, *, unseen: bool = False
    ) -> list[WaitingCase]:
        """See :func:`uploader.waiting_view.find`."""
        return find(self._db, self._path, quota, limit, unseen=unseen)

    def release(self, subjects: Sequence[str] | None) -> list[str]:
        """Cases need not wait for their turn any more; the box sends them as soon as it can.

        Args:
            subjects: case ids, also of cases that were gone before their turn; None: every case
                that waits.

        Returns:
            Those that are let go; the others do not wait.

        Raises:
            StoreError: not written.
        """
        with transaction(self._db, self._path) as tx:
            if subjects is None:
                rows = tx.execute("SELECT subject FROM waiting WHERE unseen_at IS NULL")
                subjects = [row["subject"] for row in rows.fetchall()]
            mark = "UPDATE waiting SET asked = 1 WHERE subject = ?"
            return [case for case in subjects if tx.execute(mark, (case,)).rowcount]

    def resend(self, seqs: Sequence[int]) -> list[int]:
        """Dead letters become due again, the same bytes under the same number.

        Returns:
            Those that were dead letters; the others are left as they are.

        Raises:
            StoreError: not written; none is due.
        """
        now = iso(self._clock())
        with transaction(self._db, self._path) as tx:
            return [
                seq
                for seq in seqs
                if tx.execute(
                    "UPDATE outbox SET state = 'pending', receipt = NULL, settled_at = NULL,"
                    " attempts = 0, next_at = ? WHERE seq = ? AND state = 'dead'",
                    (now, seq),
                ).rowcount
            ]


def _view(row: sqlite3.Row) -> LetterView:
    receipt = json.loads(row["receipt"]) if row["receipt"] else {}
    return LetterView(
        seq=row["seq"],
        what=row["what"],
        subject=row["subject"],
        revision=row["revision"],
        status=row["status"],
        kind=row["kind"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        next_at=row["next_at"],
        files=row["files"],
        reason=receipt.get("reason") or "",
    )
