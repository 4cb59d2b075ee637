"""The case store: SQLite, one transaction per revision, the outbox row inside it.

A revision and its outbox row appear together or not at all: there is no moment at which a case is
known here but would not be sent. State machine of a case::

    (finding) ──▶ open ──clear long enough──▶ gone ──seen again within the window──▶ open

A case may be *withdrawn* in either state: it goes on living here, so that what was wrongly taken
for a case does not become another one, but nothing more is said of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from edge.cases.draft import CaseDraft, Location
from edge.cases.reasons import reasons_to_json
from edge.cases.record import CaseRecord, from_row, to_row
from edge.cases.seal import Sealing
from edge.clock import iso
from edge.grid.coordinates import distance_m
from edge.scenes.finding import Words
from edge.sqlite import open_database, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    case_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'gone')),
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    merge_key TEXT NOT NULL,
    category TEXT NOT NULL,
    grid_cell TEXT NOT NULL,
    place TEXT NOT NULL,
    lon REAL NOT NULL,
    lat REAL NOT NULL,
    method TEXT NOT NULL,
    box TEXT NOT NULL,
    sources TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    gone_at TEXT,
    sightings INTEGER NOT NULL,
    score REAL NOT NULL,
    withdrawn_at TEXT,
    attached_to TEXT,
    width_m REAL,
    depth_m REAL,
    box_camera TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS cases_by_place ON cases (grid_cell, merge_key, state);
CREATE TABLE IF NOT EXISTS revisions (
    case_id TEXT NOT NULL REFERENCES cases (case_id),
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (case_id, revision)
) STRICT;
CREATE TABLE IF NOT EXISTS reasons (
    case_id TEXT NOT NULL REFERENCES cases (case_id),
    revision INTEGER NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (case_id, revision)
) STRICT;
"""

_STAYS = frozenset(
    ("case_id", "kind", "merge_key", "grid_cell", "place", "lon", "lat", "method", "first_seen")
)
"""Columns that a case keeps from its first revision."""

_ADDED = {
    "withdrawn_at": "TEXT",
    "attached_to": "TEXT",
    "width_m": "REAL",
    "depth_m": "REAL",
    "box_camera": "TEXT",
}
"""Columns that the first table of cases did not have."""


OPEN_CASES = "SELECT case_id FROM cases WHERE state = 'open'"
"""For whoever shares the database: the cases whose pictures are still wanted."""


@dataclass(frozen=True, slots=True)
class Made:
    """When and why a revision was made."""

    status: str
    created_at: datetime
    reasons: tuple[Words, ...]


class Outbox(Protocol):
    """What the store needs of whoever delivers: a row inside the store's own transaction."""

    def enqueue(self, tx: sqlite3.Connection, draft: CaseDraft) -> int:
        """Add a revision to what must be delivered; returns its sequence number."""
        ...


class CaseStore:
    """Cases on disk. Use from one thread; the uploader has a connection of its own.

    Args:
        path: the database file, shared with the outbox.
        outbox: gets every revision inside the transaction that stores it.
        sealing: seals it there before; None: nothing is sealed.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, path: Path, outbox: Outbox, sealing: Sealing | None = None) -> None:
        self._path = path
        self._outbox = outbox
        self._sealing = sealing
        self._db = open_database(path, SCHEMA)
        with transaction(self._db, path) as tx:
            have = {row["name"] for row in tx.execute("PRAGMA table_info(cases)")}
            for column, kind in _ADDED.items():
                if column not in have:
                    tx.execute(f"ALTER TABLE cases ADD COLUMN {column} {kind}")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def match(
        self,
        *,
        grid_cell: str,
        merge_key: str,
        place: str,
        location: Location,
        merge_distance_m: float,
        not_gone_before: datetime,
    ) -> CaseRecord | None:
        """The case a sighting belongs to: same cell, kind and place; open ones first.

        Same place means the same name, or ground points within ``merge_distance_m`` when both
        are real ground points (a camera's own position says nothing about the thing).
        """
        rows = self._db.execute(
            "SELECT * FROM cases WHERE grid_cell = ? AND merge_key = ?"
            " AND (state = 'open' OR gone_at >= ?) ORDER BY state DESC, last_seen DESC",
            (grid_cell, merge_key, iso(not_gone_before)),
        )
        for record in map(from_row, rows):
            if record.place == place or _near(record.location, location, merge_distance_m):
                return record
        return None

    def case(self, case_id: str) -> CaseRecord | None:
        """One case, in whatever state."""
        row = self._db.execute("SELECT * FROM cases WHERE case_id = ?", (case_id,)).fetchone()
        return from_row(row) if row is not None else None

    def open_cases(self) -> list[CaseRecord]:
        """Every open case."""
        return [from_row(row) for row in self._db.execute("SELECT * FROM cases WHERE state='open'")]

    def seen_revisions(self, case_id: str) -> list[int]:
        """Revisions of a case made while the thing was there, the newest first."""
        rows = self._db.execute(
            "SELECT revision FROM revisions WHERE case_id = ? AND status IN ('new', 'update')"
            " ORDER BY revision DESC",
            (case_id,),
        )
        return [int(row["revision"]) for row in rows]

    def revisions(self) -> set[tuple[str, int]]:
        """Every committed (case id, revision)."""
        return {
            (str(row["case_id"]), int(row["revision"]))
            for row in self._db.execute("SELECT case_id, revision FROM revisions")
        }

    def commit(self, record: CaseRecord, draft: CaseDraft) -> None:
        """Store a new revision, seal it and hand it to the outbox, in one transaction.

        Raises:
            StoreError: nothing was stored.
        """
        with transaction(self._db, self._path) as tx:
            self._write(record)
            tx.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?)",
                (draft.case_id, draft.revision, draft.status, iso(draft.created_at)),
            )
            tx.execute(
                "INSERT INTO reasons VALUES (?, ?, ?)",
                (draft.case_id, draft.revision, reasons_to_json(draft.reasons)),
            )
            if self._sealing is not None:
                draft = self._sealing.seal(tx, draft)
            self._outbox.enqueue(tx, draft)
        if self._sealing is not None:
            self._sealing.committed()

    def restore(
        self, record: CaseRecord, made: Made, enqueue: Callable[[sqlite3.Connection], object]
    ) -> None:
        """Store a revision that was sealed before the database was lost.

        Args:
            record: its case, as it stood then.
            made: what the table of revisions has of it.
            enqueue: hands it to the outbox, inside the transaction.

        Raises:
            StoreError: nothing was stored.
        """
        with transaction(self._db, self._path) as tx:
            self._write(record)
            row = (record.case_id, record.revision)
            tx.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?)",
                (*row, made.status, iso(made.created_at)),
            )
            tx.execute(
                "INSERT INTO reasons VALUES (?, ?, ?)", (*row, reasons_to_json(made.reasons))
            )
            enqueue(tx)

    def touch(self, record: CaseRecord) -> None:
        """Store new counts of a case without a revision.

        Raises:
            StoreError: nothing was stored.
        """
        with transaction(self._db, self._path):
            self._write(record)

    def _write(self, record: CaseRecord) -> None:
        values = to_row(record)
        marks = ", ".join(f":{name}" for name in values)
        follow = ", ".join(f"{name} = excluded.{name}" for name in values if name not in _STAYS)
        self._db.execute(
            f"INSERT INTO cases ({', '.join(values)}) VALUES ({marks})"  # noqa: S608
            f" ON CONFLICT (case_id) DO UPDATE SET {follow}",
            values,
        )


def _near(left: Location, right: Location, within_m: float) -> bool:
    if "camera" in (left.method, right.method):
        return False
    return distance_m((left.lon, left.lat), (right.lon, right.lat)) <= within_m


def window_start(now: datetime, hours: int) -> datetime:
    """Cases that were gone before this moment are over: a new sighting opens a new case."""
    return now - timedelta(hours=hours)
