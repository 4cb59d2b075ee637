"""The spot check (抽检): which cases a person should judge next.

A sample, not the newest: the camera and category with the fewest verdicts come first, so that none
stays unjudged beside a busy one, and within each the order is a hash of the case's id, which
nothing about the case decides. So each share of right ones is that of a random sample.
"""

from __future__ import annotations

import hashlib
import heapq
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from edge.cases.draft import Source
from edge.cases.reasons import reasons_from_json
from edge.cases.record import CaseRecord, from_row
from edge.cases.store import SCHEMA as CASES
from edge.clock import iso
from edge.review.verdicts import SCHEMA as VERDICTS
from edge.scenes.finding import Words
from edge.sqlite import as_store_error, open_database

ROLES = ("near", "far")
_NEIGHBOURS = 4
_BESIDE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Beside:
    """Another case of the same kind in the same grid cell, about the same time: a duplicate?"""

    case_id: str
    place: str
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class Sampled:
    """A case to be judged.

    Attributes:
        case: as it stands on the box.
        reasons: why it was opened.
        beside: what it may be a duplicate of, nearest in time first.
    """

    case: CaseRecord
    reasons: tuple[Words, ...]
    beside: tuple[Beside, ...]

    @property
    def source(self) -> Source:
        """Camera and zone it was opened from."""
        return self.case.sources[0]


class SpotCheck:
    """The queue, read from the box's one database; each call opens it, so any thread may ask.

    Args:
        database: the file, shared with cases and verdicts.
        evidence: the box's evidence folder.
    """

    def __init__(self, database: Path, evidence: Path) -> None:
        self.database = database
        self._evidence = evidence

    def queue(self, limit: int, *, since: datetime) -> tuple[list[Sampled], int]:
        """The cases to judge next, and how many there are in all.

        Args:
            limit: at most so many.
            since: older ones are not asked for; their streets have changed.

        Raises:
            StoreError: the database cannot be read.
        """
        db = open_database(self.database, CASES + VERDICTS)
        try:
            rows = db.execute(
                "SELECT * FROM cases WHERE first_seen >= ?"
                " AND case_id NOT IN (SELECT case_id FROM verdicts)",
                (iso(since),),
            ).fetchall()
            there = [row for row in rows if self.picture(row["case_id"], "far")]
            chosen = _in_turn([from_row(row) for row in there], _judged(db), limit)
            return [Sampled(c, _reasons(db, c.case_id), _beside(db, c)) for c in chosen], len(there)
        except sqlite3.Error as error:
            raise as_store_error(self.database, error) from error
        finally:
            db.close()

    def cameras(self, case_id: str) -> list[str]:
        """The cameras that saw a case; none for no such case.

        Raises:
            StoreError: the database cannot be read.
        """
        with closing(open_database(self.database, CASES)) as db:
            row = db.execute("SELECT * FROM cases WHERE case_id = ?", (case_id,)).fetchone()
        return sorted({source.camera_id for source in from_row(row).sources}) if row else []

    def picture(self, case_id: str, role: str) -> Path | None:
        """The redacted picture the case was opened with; None when it is no longer kept.

        Args:
            case_id: as in a URL: anything.
            role: of :data:`ROLES`; None for others.
        """
        if role not in ROLES or not case_id.replace("-", "").isalnum():
            return None
        path = self._evidence / case_id / "r1" / f"{role}.jpg"
        return path if path.is_file() else None


def _judged(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Judged cases by camera and category."""
    rows = db.execute("SELECT * FROM cases WHERE case_id IN (SELECT case_id FROM verdicts)")
    return Counter(_group(from_row(row)) for row in rows)


def _group(case: CaseRecord) -> tuple[str, str]:
    return case.sources[0].camera_id, case.category


def _in_turn(
    cases: list[CaseRecord], judged: Counter[tuple[str, str]], limit: int
) -> list[CaseRecord]:
    groups: dict[tuple[str, str], list[CaseRecord]] = {}
    for case in sorted(cases, key=lambda c: hashlib.sha256(c.case_id.encode()).digest()):
        groups.setdefault(_group(case), []).append(case)
    turns = [(judged[group], group, waiting[::-1]) for group, waiting in groups.items()]
    heapq.heapify(turns)
    chosen: list[CaseRecord] = []
    while turns and len(chosen) < limit:
        count, group, waiting = heapq.heappop(turns)
        chosen.append(waiting.pop())
        if waiting:
            heapq.heappush(turns, (count + 1, group, waiting))
    return chosen


def _reasons(db: sqlite3.Connection, case_id: str) -> tuple[Words, ...]:
    row = db.execute(
        "SELECT words FROM reasons WHERE case_id = ? AND revision = 1", (case_id,)
    ).fetchone()
    return reasons_from_json(row["words"]) if row else ()


def _beside(db: sqlite3.Connection, case: CaseRecord) -> tuple[Beside, ...]:
    rows = db.execute(
        "SELECT case_id, place, first_seen FROM cases WHERE grid_cell = ? AND kind = ?"
        " AND case_id <> ? AND first_seen BETWEEN ? AND ?",
        (
            case.grid_cell,
            case.kind,
            case.case_id,
            iso(case.first_seen - _BESIDE),
            iso(case.first_seen + _BESIDE),
        ),
    )
    others = [
        Beside(row["case_id"], row["place"], datetime.fromisoformat(row["first_seen"]))
        for row in rows
    ]
    others.sort(key=lambda other: abs(other.first_seen - case.first_seen))
    return tuple(others[:_NEIGHBOURS])
