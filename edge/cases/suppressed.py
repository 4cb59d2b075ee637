"""Findings that were not sent: kept for a while, with the reasons, so that people can see why.

They lie in the one database. The table is bounded by count and age; a thing that is suppressed
again and again is one row that grows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from edge.cases.reasons import reasons_from_json, reasons_to_json
from edge.clock import iso
from edge.errors import RedactionError
from edge.geometry import Box
from edge.redaction.redactor import Redactor
from edge.scenes.finding import Finding, Words
from edge.sqlite import open_database, transaction
from edge.telemetry import metrics

_KEPT = 500
_KEPT_DAYS = 30
_SAME_WITHIN = timedelta(minutes=30)
_SAME_IOU = 0.3
_PICTURE_WIDTH = 320

_SCHEMA = """
CREATE TABLE IF NOT EXISTS suppressed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera_id TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    category TEXT NOT NULL,
    look_alike TEXT NOT NULL,
    box TEXT NOT NULL,
    score REAL NOT NULL,
    second_score REAL NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    times INTEGER NOT NULL,
    rule_reasons TEXT NOT NULL,
    second_reasons TEXT NOT NULL,
    picture BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS suppressed_by_zone ON suppressed (camera_id, zone_id, last_seen);
"""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that did not become a case.

    Attributes:
        id: row number; 0 before it is stored.
        look_alike: key of what it was taken for, ``not_seen_again`` or ``too_unsure``.
        box: 0–1 picture coordinates.
        score, second_score: of the rule and of the second look, 0–1.
        first_seen, last_seen: aware UTC.
        times: how often it was judged and suppressed.
        rule_reasons: why the rule fired.
        second_reasons: why nothing was sent.
        picture: JPEG of the place, redacted; empty when that failed.
    """

    id: int
    camera_id: str
    zone_id: str
    kind: str
    category: str
    look_alike: str
    box: Box
    score: float
    second_score: float
    first_seen: datetime
    last_seen: datetime
    times: int
    rule_reasons: tuple[Words, ...]
    second_reasons: tuple[Words, ...]
    picture: bytes

    @classmethod
    def of(
        cls,
        finding: Finding,
        look_alike: str,
        second_score: float,
        why: tuple[Words, ...],
        redactor: Redactor,
    ) -> Suppressed:
        """From a finding and what the second look said of it."""
        return cls(
            id=0,
            camera_id=finding.camera_id,
            zone_id=finding.zone_id,
            kind=finding.kind.value,
            category=finding.category,
            look_alike=look_alike,
            box=finding.box,
            score=finding.score,
            second_score=second_score,
            first_seen=finding.first_seen,
            last_seen=finding.last_seen,
            times=1,
            rule_reasons=finding.reasons,
            second_reasons=why,
            picture=_small_picture(finding, redactor),
        )


class SuppressedStore:
    """Suppressed findings on disk, in a connection of its own.

    Args:
        path: the database file, shared with the cases.
        kept: rows beyond this number are forgotten, oldest first.
        may_keep: whether there is room for what nobody was promised.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(
        self, path: Path, *, kept: int = _KEPT, may_keep: Callable[[], bool] = lambda: True
    ) -> None:
        self._path = path
        self._kept = kept
        self._may_keep = may_keep
        self._db = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def keep(self, item: Suppressed) -> None:
        """Store it, or let the row of the same thing grow; without room it is counted instead.

        Raises:
            StoreError: nothing was stored.
        """
        if not self._may_keep():
            metrics.STORAGE_REFUSED.labels(what="suppressed").inc()
            return
        with transaction(self._db, self._path):
            same = self._same(item)
            if same is None:
                self._insert(item)
                self._forget(item.last_seen)
                return
            self._db.execute(
                "UPDATE suppressed SET last_seen = ?, times = times + 1, score = ?,"
                " second_score = ?, look_alike = ?, second_reasons = ?, picture = ? WHERE id = ?",
                (
                    iso(item.last_seen),
                    item.score,
                    item.second_score,
                    item.look_alike,
                    reasons_to_json(item.second_reasons),
                    item.picture,
                    same,
                ),
            )

    def newest(self, limit: int = 50) -> list[Suppressed]:
        """The latest first."""
        rows = self._db.execute(
            "SELECT * FROM suppressed ORDER BY last_seen DESC, id DESC LIMIT ?", (limit,)
        )
        return [_item(row) for row in rows]

    def _same(self, item: Suppressed) -> int | None:
        rows = self._db.execute(
            "SELECT id, box FROM suppressed WHERE camera_id = ? AND zone_id = ? AND kind = ?"
            " AND last_seen >= ? ORDER BY last_seen DESC",
            (item.camera_id, item.zone_id, item.kind, iso(item.last_seen - _SAME_WITHIN)),
        )
        return next((int(r["id"]) for r in rows if _box(r["box"]).iou(item.box) >= _SAME_IOU), None)

    def _insert(self, item: Suppressed) -> None:
        values = (
            item.camera_id,
            item.zone_id,
            item.kind,
            item.category,
            item.look_alike,
            json.dumps(asdict(item.box)),
            item.score,
            item.second_score,
            iso(item.first_seen),
            iso(item.last_seen),
            item.times,
            reasons_to_json(item.rule_reasons),
            reasons_to_json(item.second_reasons),
            item.picture,
        )
        marks = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO suppressed VALUES (NULL, {marks})", values)  # noqa: S608

    def _forget(self, now: datetime) -> None:
        self._db.execute(
            "DELETE FROM suppressed WHERE last_seen < ? OR id <="
            " (SELECT max(id) FROM suppressed) - ?",
            (iso(now - timedelta(days=_KEPT_DAYS)), self._kept),
        )


def _item(row: sqlite3.Row) -> Suppressed:
    return Suppressed(
        id=row["id"],
        camera_id=row["camera_id"],
        zone_id=row["zone_id"],
        kind=row["kind"],
        category=row["category"],
        look_alike=row["look_alike"],
        box=_box(row["box"]),
        score=row["score"],
        second_score=row["second_score"],
        first_seen=datetime.fromisoformat(row["first_seen"]),
        last_seen=datetime.fromisoformat(row["last_seen"]),
        times=row["times"],
        rule_reasons=reasons_from_json(row["rule_reasons"]),
        second_reasons=reasons_from_json(row["second_reasons"]),
        picture=row["picture"],
    )


def _box(text: str) -> Box:
    return Box(**json.loads(text))


def _small_picture(finding: Finding, redactor: Redactor) -> bytes:
    try:
        crop = redactor.safe_part(finding.look, finding.box.grown(0.5))
    except RedactionError:
        return b""
    scale = min(_PICTURE_WIDTH / max(crop.shape[:2]), 1.0)
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", np.asarray(small), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return bytes(data) if done else b""
