"""The purpose record in the chain: under which purpose a camera was watched when.

A link ``purpose`` holds the records of the cameras whose record changed, ``null`` where one ended.
So it can be shown later what was written when a picture was taken, and not only what is now.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from edge.evidence.chain import Chain
from edge.evidence.link import canonical

KIND = "purpose"
_AT_ONCE = 40
"""Cameras in one link: a link has at most 256 KB."""
_LINKS = (
    "SELECT CAST(link AS TEXT) AS link FROM evidence_chain WHERE kind IN ('access', 'purpose')"
    " AND kind = 'purpose' ORDER BY seq"
)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one link says of one camera.

    Attributes:
        seq, at: of the link.
        record: from then on; None: no purpose any more.
    """

    camera_id: str
    seq: int
    at: str
    record: Record | None


def digest(record: Record | None) -> str | None:
    """What a case's manifest calls a record by: SHA-256 of its canonical JSON, hex."""
    return None if record is None else hashlib.sha256(canonical(record)).hexdigest()


def history(db: sqlite3.Connection, camera_id: str | None = None) -> list[Recorded]:
    """Everything that was ever recorded, the oldest first; of one camera or of all.

    Raises:
        sqlite3.Error: the chain cannot be read.
    """
    return [
        Recorded(name, int(body["seq"]), str(body["at"]), record)
        for body in (json.loads(row["link"]) for row in db.execute(_LINKS))
        for name, record in body["cameras"].items()
        if camera_id in (None, name)
    ]


def record(tx: sqlite3.Connection, chain: Chain, wanted: Mapping[str, Record | None]) -> int:
    """Bring the chain up to the records in force; how many cameras' records changed.

    Args:
        tx: a transaction.
        chain: where the links go.
        wanted: by camera; cameras that are not named any more have none.

    Raises:
        sqlite3.Error: not written; the caller rolls back.
    """
    known = {entry.camera_id: entry.record for entry in history(tx)}
    names = sorted(known.keys() | wanted.keys())
    changed = {name: wanted.get(name) for name in names if wanted.get(name) != known.get(name)}
    for part in _parts(changed):
        chain.append(tx, KIND, {"cameras": part})
    return len(changed)


def _parts(records: Mapping[str, Record | None]) -> Iterator[dict[str, Record | None]]:
    rest = iter(records.items())
    while part := dict(islice(rest, _AT_ONCE)):
        yield part
