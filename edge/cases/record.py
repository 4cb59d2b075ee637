"""A case as the desk remembers it, and as a row of the database."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from edge.cases.draft import Location, Source
from edge.clock import iso
from edge.geometry import Box

CaseState = Literal["open", "gone"]


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case as the desk remembers it."""

    case_id: str
    state: CaseState
    revision: int
    kind: str
    merge_key: str
    category: str
    grid_cell: str
    place: str
    location: Location
    box: Box
    sources: tuple[Source, ...]
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None
    sightings: int
    score: float
    withdrawn_at: datetime | None = None
    attached_to: str | None = None
    size_m: tuple[float, float] | None = None
    box_camera: str | None = None

    @property
    def boxed_by(self) -> str:
        """The camera on whose picture :attr:`box` is; cases of older files name the first."""
        return self.box_camera or self.sources[0].camera_id


def to_row(record: CaseRecord) -> dict[str, object]:
    """A record as its row, by column: an older file has them in another order."""
    width_m, depth_m = record.size_m or (None, None)
    return {
        "case_id": record.case_id,
        "state": record.state,
        "revision": record.revision,
        "kind": record.kind,
        "merge_key": record.merge_key,
        "category": record.category,
        "grid_cell": record.grid_cell,
        "place": record.place,
        "lon": record.location.lon,
        "lat": record.location.lat,
        "method": record.location.method,
        "box": json.dumps(asdict(record.box)),
        "sources": json.dumps([asdict(source) for source in record.sources]),
        "first_seen": iso(record.first_seen),
        "last_seen": iso(record.last_seen),
        "gone_at": iso(record.gone_at) if record.gone_at else None,
        "sightings": record.sightings,
        "score": record.score,
        "withdrawn_at": iso(record.withdrawn_at) if record.withdrawn_at else None,
        "attached_to": record.attached_to,
        "width_m": width_m,
        "depth_m": depth_m,
        "box_camera": record.box_camera,
    }


def from_row(row: sqlite3.Row) -> CaseRecord:
    """A row as its record."""
    return CaseRecord(
        case_id=row["case_id"],
        state=row["state"],
        revision=row["revision"],
        kind=row["kind"],
        merge_key=row["merge_key"],
        category=row["category"],
        grid_cell=row["grid_cell"],
        place=row["place"],
        location=Location(row["lon"], row["lat"], row["method"]),
        box=Box(**json.loads(row["box"])),
        sources=tuple(Source(**source) for source in json.loads(row["sources"])),
        first_seen=datetime.fromisoformat(row["first_seen"]),
        last_seen=datetime.fromisoformat(row["last_seen"]),
        gone_at=_moment(row["gone_at"]),
        sightings=row["sightings"],
        score=row["score"],
        withdrawn_at=_moment(row["withdrawn_at"]),
        attached_to=row["attached_to"],
        size_m=None if row["width_m"] is None else (row["width_m"], row["depth_m"]),
        box_camera=row["box_camera"],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
