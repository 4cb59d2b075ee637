"""What a mapping may say of a case: plain values by name, in the city's time zone and datum."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from edge.cases.taxonomy import SCHEME_2013, SCHEME_2026
from edge.grid.coordinates import in_datum
from uploader.contract.messages import CaseData

Value = str | int | float | None
Facts = Mapping[str, Value]


NAMES = frozenset(
    {
        "case_id",
        "revision",
        "status",
        "status_words",
        "box",
        "created_at",
        "first_seen",
        "last_seen",
        "category",
        "kind",
        "code_2013",
        "code_2026",
        "major",
        "name",
        "title",
        "reasons",
        "place",
        "address",
        "x",
        "y",
        "location_method",
        "grid_cell",
        "district_code",
        "street_code",
        "community_code",
        "cameras",
        "gb28181_id",
        "sightings",
        "score",
        "models",
        "urgency",
        "department_code",
        "department_name",
        "attached_to",
    }
)
"""What a mapping may name."""


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """``yyyy-MM-dd HH:mm:ss`` on the city's clocks."""
    try:
        local = at.astimezone(zone)
    except OverflowError:  # a clock at either end of the calendar
        local = at
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def case_facts(
    data: CaseData, *, box: str, zone: ZoneInfo, datum: str, digits: int, words: Mapping[str, str]
) -> dict[str, Value]:
    """Facts of one revision.

    Args:
        data: what the box says.
        box: ``city/node``.
        zone: of the city.
        datum: frame of ``x`` and ``y``; ``none``: they are left out.
        digits: after the decimal point.
        words: for the status, by its name.
    """
    codes = {code.scheme: code.code for code in data.category.codes}
    department, matter = data.suggested_department, data.matter
    x, y = (None, None)
    if datum != "none":
        x, y = in_datum(data.location.lon, data.location.lat, datum)
        x, y = round(x, digits), round(y, digits)
    return {
        "case_id": data.case_id,
        "revision": data.revision,
        "status": data.status,
        "status_words": words.get(data.status, data.status),
        "box": box,
        "created_at": local_time(data.created_at, zone),
        "first_seen": local_time(data.first_seen, zone),
        "last_seen": local_time(data.last_seen, zone),
        "category": data.category.key,
        "kind": data.category.kind,
        "code_2013": codes.get(SCHEME_2013),
        "code_2026": codes.get(SCHEME_2026),
        "major": data.category.major_zh,
        "name": data.category.name_zh,
        "title": data.title.zh or data.category.name_zh,
        "reasons": "；".join(reason.zh for reason in data.reasons if reason.zh) or None,
        "place": data.place,
        "address": (matter.SFWZ if matter else "") or data.place or f"网格 {data.grid_cell}",
        "x": x,
        "y": y,
        "location_method": data.location.method,
        "grid_cell": data.grid_cell,
        **_divisions(data.grid_cell),
        "cameras": "、".join(dict.fromkeys(s.camera_id for s in data.sources)) or None,
        "gb28181_id": next((s.gb28181_id for s in data.sources if s.gb28181_id), None),
        "sightings": data.sightings,
        "score": round(data.score, 2),
        "models": "、".join(data.models) or None,
        "urgency": data.urgency,
        "department_code": department.code if department else None,
        "department_name": department.name if department else None,
        "attached_to": data.attached_to,
    }


def _divisions(cell: str) -> dict[str, Value]:
    """GB/T 2260 division 6, street 9, community 12 digits of a unit grid code (6+3+3+3)."""
    parts = {"district_code": 6, "street_code": 9, "community_code": 12}
    return {name: cell[:size] if len(cell) > size else None for name, size in parts.items()}
