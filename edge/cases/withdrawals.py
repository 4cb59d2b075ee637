"""Cases that people want taken back: asked for by another process, done by the running edge.

Only the edge's own thread may revise a case, so ``gridpatrol review withdraw`` leaves its wish in
the one database, and the edge takes it up within seconds, or when it next starts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from edge.cases.store import SCHEMA as CASES
from edge.clock import iso
from edge.errors import Code, ReviewError
from edge.scenes.finding import Words
from edge.sqlite import open_database, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS withdrawals (
    case_id TEXT PRIMARY KEY REFERENCES cases (case_id),
    reason TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    done_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS withdrawals_open ON withdrawals (asked_at) WHERE done_at IS NULL;
"""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One wish: the case, and why."""

    case_id: str
    reason: Words


class Withdrawals:
    """Wishes on disk; one connection, one thread.

    Args:
        path: the database file, shared with the cases.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_database(path, CASES + _SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def ask(self, case_ids: Sequence[str], reason: Words, at: datetime) -> int:
        """Wish cases taken back, all or none; one that was wished for before is not asked again.

        Returns:
            How many wishes are new.

        Raises:
            ReviewError: one of them is no case of this box; nothing was stored.
            StoreError: nothing was stored.
        """
        text = json.dumps(asdict(reason), ensure_ascii=False)
        with transaction(self._db, self._path) as tx:
            for case_id in case_ids:
                known = tx.execute("SELECT 1 FROM cases WHERE case_id = ?", (case_id,)).fetchone()
                if known is None:
                    raise ReviewError(
                        Code.REV_CASE, case_id, "no such case on this box", "Give the full case id"
                    )
            return sum(
                tx.execute(
                    "INSERT OR IGNORE INTO withdrawals (case_id, reason, asked_at)"
                    " VALUES (?, ?, ?)",
                    (case_id, text, iso(at)),
                ).rowcount
                for case_id in case_ids
            )

    def pending(self) -> list[Withdrawal]:
        """Wishes that were not taken up yet, oldest first."""
        rows = self._db.execute(
            "SELECT case_id, reason FROM withdrawals WHERE done_at IS NULL ORDER BY asked_at, rowid"
        )
        return [Withdrawal(row["case_id"], Words(**json.loads(row["reason"]))) for row in rows]

    def done(self, case_id: str, at: datetime) -> None:
        """A wish was taken up.

        Raises:
            StoreError: not written; the desk knows a withdrawn case, so asking again does nothing.
        """
        with transaction(self._db, self._path) as tx:
            tx.execute("UPDATE withdrawals SET done_at = ? WHERE case_id = ?", (iso(at), case_id))
