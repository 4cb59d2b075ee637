"""Verdicts of people on cases, kept in the one database beside the cases they judge.

One reviewer has one verdict on a case; a later one replaces it. Of several reviewers the latest
counts.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from edge.cases.reasons import reasons_from_json
from edge.cases.store import SCHEMA as CASES
from edge.clock import iso
from edge.errors import Code, ReviewError
from edge.geometry import Box
from edge.scenes.finding import Words
from edge.sqlite import open_database, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    case_id TEXT NOT NULL REFERENCES cases (case_id),
    reviewer TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('right', 'wrong', 'duplicate', 'pointless')),
    given_at TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (case_id, reviewer)
) STRICT;
"""

Change = Literal["new", "changed", "same"]


class Verdict(StrEnum):
    """What a person says of a case (抽检)."""

    RIGHT = "right"
    WRONG = "wrong"
    DUPLICATE = "duplicate"
    POINTLESS = "pointless"


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with the verdict that counts.

    Attributes:
        camera_id, zone_id: where it was opened.
        kind, category: what it was taken for.
        score: the case's best score, 0–1.
        box: 0–1 picture coordinates, when it was opened.
        first_seen: when it began.
        reasons: why it was opened; empty for cases older than their keeping.
    """

    case_id: str
    camera_id: str
    zone_id: str
    kind: str
    category: str
    score: float
    box: Box
    verdict: Verdict
    reviewer: str
    given_at: datetime
    note: str
    first_seen: datetime
    reasons: tuple[Words, ...] = ()


class VerdictStore:
    """Verdicts on disk, in a connection of its own.

    Args:
        path: the database file, shared with the cases.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_database(path, CASES + SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def give(
        self,
        case_id: str,
        verdict: Verdict,
        *,
        at: datetime | None,
        now: datetime,
        reviewer: str = "",
        note: str = "",
    ) -> Change:
        """Store a verdict; giving the same again changes nothing.

        Args:
            case_id: a case of this box.
            verdict: what the reviewer says.
            at: aware; None when unknown: then it is ``now``, unless the same already stands.
            now: what time it is, aware.
            reviewer: who says so.
            note: anything else.

        Raises:
            ReviewError: no such case.
            StoreError: nothing was stored.
        """
        with transaction(self._db, self._path):
            if not self._knows(case_id):
                raise ReviewError(
                    Code.REV_CASE, case_id, "no such case on this box", "Give the full case id"
                )
            old = self._db.execute(
                "SELECT * FROM verdicts WHERE case_id = ? AND reviewer = ?", (case_id, reviewer)
            ).fetchone()
            given_at = iso(at or now)
            if old is not None:
                alike = (old["verdict"], old["note"]) == (verdict.value, note)
                older = at is not None and given_at < old["given_at"]
                if older or (alike and (at is None or given_at == old["given_at"])):
                    return "same"
            self._db.execute(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)",
                (case_id, reviewer, verdict.value, given_at, note),
            )
            return "new" if old is None else "changed"

    def take_back(self, case_id: str, reviewer: str) -> bool:
        """Forget a reviewer's verdict; whether there was one.

        Raises:
            StoreError: nothing was changed.
        """
        with transaction(self._db, self._path):
            done = self._db.execute(
                "DELETE FROM verdicts WHERE case_id = ? AND reviewer = ?", (case_id, reviewer)
            )
            return done.rowcount > 0

    def judged(self) -> list[Judged]:
        """Every case that has a verdict, with the latest one; oldest verdict first."""
        rows = self._db.execute(
            "SELECT c.*, v.verdict, v.reviewer, v.given_at, v.note, r.words FROM verdicts v"
            " JOIN cases c USING (case_id)"
            " LEFT JOIN reasons r ON r.case_id = c.case_id AND r.revision = 1"
            " ORDER BY v.given_at, v.reviewer"
        )
        latest: dict[str, Judged] = {}
        for row in rows:
            latest.pop(row["case_id"], None)
            latest[row["case_id"]] = _judged(row)
        return list(latest.values())

    def _knows(self, case_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM cases WHERE case_id = ?", (case_id,))
        return found.fetchone() is not None


def _judged(row: sqlite3.Row) -> Judged:
    source = json.loads(row["sources"])[0]
    return Judged(
        case_id=row["case_id"],
        camera_id=source["camera_id"],
        zone_id=source["zone_id"],
        kind=row["kind"],
        category=row["category"],
        score=row["score"],
        box=Box(**json.loads(row["box"])),
        verdict=Verdict(row["verdict"]),
        reviewer=row["reviewer"],
        given_at=datetime.fromisoformat(row["given_at"]),
        note=row["note"],
        first_seen=datetime.fromisoformat(row["first_seen"]),
        reasons=reasons_from_json(row["words"] or "[]"),
    )
