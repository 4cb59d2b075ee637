"""What the platform knows already: its open cases, a citizen's report (随手拍) among them.

A finding that belongs to one of them is attached to it instead of becoming a new case. The
platform publishes the whole list of a unit grid cell each time, so a cell is replaced as a whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from edge.cases.draft import Location
from edge.clock import iso
from edge.grid.coordinates import distance_m
from edge.scenes.finding import EventKind, Finding, Words
from edge.sqlite import open_database, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (
    grid_cell TEXT NOT NULL,
    ref TEXT NOT NULL,
    category TEXT NOT NULL,
    kind TEXT NOT NULL,
    lon REAL,
    lat REAL,
    opened_at TEXT NOT NULL,
    origin TEXT NOT NULL,
    told_at TEXT NOT NULL,
    PRIMARY KEY (grid_cell, ref)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An open case of the platform.

    Attributes:
        ref: the platform's own reference.
        category: taxonomy key.
        kind: street_vending, piled_materials or illegal_ads.
        point: CGCS2000 degrees, or None when the platform does not say where in the cell.
        opened_at: aware UTC.
        origin: who reported it, in the platform's words (``citizen``, ``patrol`` …).
    """

    ref: str
    category: str
    kind: str
    point: tuple[float, float] | None
    opened_at: datetime
    origin: str

    @property
    def words(self) -> Words:
        """Why a finding is no case of its own."""
        since = f"{self.opened_at:%Y-%m-%d}"
        return Words(
            f"平台已有案卷 {self.ref}（{self.origin}，{since}），并入该案，不另立新案",
            f"attached to case {self.ref} that the platform has open ({self.origin}, {since})",
        )


@dataclass(frozen=True, slots=True)
class Attaching:
    """When a finding belongs to a known case.

    Attributes:
        distance_m: ground points so near are one place, where both are known.
        days: what the platform has not repeated for so long is no longer believed.
    """

    distance_m: float = 50.0
    days: float = 30.0


class KnownStore:
    """Known cases on disk; one connection, one thread.

    Args:
        path: the database file, shared with the cases.
        attaching: distance and age.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, path: Path, attaching: Attaching | None = None) -> None:
        self._path = path
        self._attaching = attaching or Attaching()
        self._db = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def replace(self, grid_cell: str, cases: Sequence[Known], told_at: datetime) -> bool:
        """Take in all open cases of a cell; none clears it.

        Args:
            grid_cell: the cell.
            cases: all of them.
            told_at: when the platform wrote the list; an older one than known changes nothing.

        Returns:
            Whether the list was taken.

        Raises:
            StoreError: nothing was stored.
        """
        with transaction(self._db, self._path) as tx:
            newest = tx.execute(
                "SELECT max(told_at) AS at FROM known WHERE grid_cell = ?", (grid_cell,)
            ).fetchone()["at"]
            if newest is not None and newest > iso(told_at):
                return False
            tx.execute("DELETE FROM known WHERE grid_cell = ?", (grid_cell,))
            tx.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(grid_cell, known, told_at) for known in cases],
            )
        return True

    def count(self) -> int:
        """How many known cases are stored."""
        return int(self._db.execute("SELECT count(*) AS n FROM known").fetchone()["n"])

    def match(self, finding: Finding, grid_cell: str, location: Location) -> Known | None:
        """The known case that a finding belongs to: same cell and category, same place.

        Two codes of one trouble (piles, vending) are one category here; ads are told apart by
        their code, as cases are. Where both ground points are known they must be near; the oldest
        case comes first.
        """
        since = iso(finding.last_seen - timedelta(days=self._attaching.days))
        rows = self._db.execute(
            "SELECT * FROM known WHERE grid_cell = ? AND kind = ? AND told_at >= ?"
            " ORDER BY opened_at, ref",
            (grid_cell, str(finding.kind), since),
        )
        for known in map(_known, rows):
            if finding.kind is EventKind.ILLEGAL_ADS and known.category != finding.category:
                continue
            if self._is_here(known, location):
                return known
        return None

    def _is_here(self, known: Known, location: Location) -> bool:
        if known.point is None or location.method == "camera":
            return True  # the cell is all that is known of one of them
        apart_m = distance_m(known.point, (location.lon, location.lat))
        return apart_m <= self._attaching.distance_m


def _row(grid_cell: str, known: Known, told_at: datetime) -> tuple[object, ...]:
    lon, lat = known.point or (None, None)
    return (
        grid_cell,
        known.ref,
        known.category,
        known.kind,
        lon,
        lat,
        iso(known.opened_at),
        known.origin,
        iso(told_at),
    )


def _known(row: sqlite3.Row) -> Known:
    point = None if row["lon"] is None or row["lat"] is None else (row["lon"], row["lat"])
    return Known(
        row["ref"],
        row["category"],
        row["kind"],
        point,
        datetime.fromisoformat(row["opened_at"]),
        row["origin"],
    )
