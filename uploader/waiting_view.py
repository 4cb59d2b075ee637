"""Looking at the cases that wait for their turn: for people, metrics and the platform."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from uploader.quota import Quota
from uploader.reading import reading

ORDER = (
    " ORDER BY urgent DESC, IFNULL((SELECT key FROM json_each(:first) WHERE value = kind), 99),"
    " ROUND(score, 1) DESC, id LIMIT :limit"
)
"""In which waiting cases go; needs the names ``first`` and ``limit``."""


@dataclass(frozen=True, slots=True)
class WaitingView:
    """How many cases wait for their turn.

    Attributes:
        by_kind: waiting cases by event kind.
        oldest_at: when the one that waits longest was committed, as stored, UTC.
        unseen: cases that were gone or withdrawn before their turn, and are still kept here.
        sent_today: new cases let go on the box's present day.
        daily: see :class:`uploader.quota.Quota`.
        per_hour: see :class:`uploader.quota.Quota`.
    """

    by_kind: dict[str, int] = field(default_factory=dict)
    oldest_at: str | None = None
    unseen: int = 0
    sent_today: int = 0
    daily: int | None = None
    per_hour: int | None = None

    @property
    def total(self) -> int:
        """Cases of every kind that wait."""
        return sum(self.by_kind.values())

    def oldest_s(self, now: datetime) -> float:
        """How long the oldest has waited; 0 when none does, or the clock was set back."""
        if self.oldest_at is None:
            return 0.0
        return max(0.0, (now - datetime.fromisoformat(self.oldest_at)).total_seconds())


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """One of them, for people; ``unseen_at``: when it was gone before its turn."""

    subject: str
    kind: str
    status: str
    revisions: int
    urgent: bool
    score: float
    since: str
    unseen_at: str | None
    asked: bool


def find(
    db: sqlite3.Connection, path: Path, quota: Quota | None, limit: int, *, unseen: bool
) -> list[WaitingCase]:
    """Cases in the order in which they go; or, newest first, those gone before their turn.

    Raises:
        StoreError: the database cannot be read.
    """
    select = (
        "SELECT *, (SELECT status FROM waiting_letters AS l WHERE l.subject = w.subject"
        " ORDER BY revision DESC LIMIT 1) AS status, (SELECT COUNT(*) FROM waiting_letters AS l"
        " WHERE l.subject = w.subject) AS revisions FROM waiting AS w WHERE unseen_at IS "
    )
    order = " NOT NULL ORDER BY id DESC LIMIT :limit" if unseen else f"NULL{ORDER}"
    first = json.dumps((quota or Quota()).first)
    with reading(path):
        rows = db.execute(select + order, {"first": first, "limit": limit})
        return [
            WaitingCase(
                subject=row["subject"],
                kind=row["kind"],
                status=row["status"],
                revisions=row["revisions"],
                urgent=bool(row["urgent"]),
                score=row["score"],
                since=row["since"],
                unseen_at=row["unseen_at"],
                asked=bool(row["asked"]),
            )
            for row in rows
        ]
