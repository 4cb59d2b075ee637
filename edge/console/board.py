"""What is going on now: written by the app, read by the page and the terminal.

The board holds the latest look of each camera and the latest cases, nothing more; it is bounded
by the number of cameras and :data:`CASES_KEPT`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from edge.cases.caption import blurred
from edge.cases.draft import CaseDraft
from edge.clock import utc_now
from edge.scenes.finding import SceneReport
from edge.streams.frame import Image

CASES_KEPT = 200
_RATE_SPAN_S = 10.0
_MAX_WIDTH = 1280
_JPEG_QUALITY = 82

CameraState = Literal["starting", "up", "down", "failed"]

# BGR, one colour a kind; the page's style sheet uses the same.
KIND_COLOURS = {
    "street_vending": (60, 140, 255),
    "piled_materials": (220, 150, 60),
    "illegal_ads": (190, 90, 220),
}
_BOX_COLOURS = {"person": (170, 200, 120), "vehicle": (180, 180, 180)}
_OTHER = (80, 220, 255)


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone as it is drawn."""

    id: str
    watch: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera and how it does."""

    id: str
    name_zh: str
    name_en: str
    state: CameraState = "starting"
    detail: str = ""
    look_at: datetime | None = None
    sequence: int = 0
    looks: int = 0
    dropped: int = 0
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UplinkView:
    """The way to the platform."""

    connected: bool = False
    pending: int = 0
    dead: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment."""

    box_id: str
    started_at: datetime
    now: datetime
    looks_per_s: float
    cameras: tuple[CameraView, ...]
    cases: tuple[CaseDraft, ...]
    uplink: UplinkView


@dataclass
class _Seen:
    report: SceneReport
    zones: Sequence[ZoneView]
    jpeg: bytes | None = field(default=None)


class Board:
    """Thread-safe; every reader gets immutable values."""

    def __init__(self, box_id: str, cameras: Sequence[CameraView]) -> None:
        self._box_id = box_id
        self._lock = threading.Lock()
        self._cameras = {camera.id: camera for camera in cameras}
        self._cases: OrderedDict[str, CaseDraft] = OrderedDict()
        self._evidence: OrderedDict[str, Path] = OrderedDict()
        self._seen: dict[str, _Seen] = {}
        self._uplink = UplinkView()
        self._started_at = utc_now()
        self._recent: deque[datetime] = deque(maxlen=10_000)

    def camera_state(self, camera_id: str, state: CameraState, detail: str = "") -> None:
        """A camera came up, went down, or shows nothing fit to analyse."""
        with self._lock:
            camera = self._cameras[camera_id]
            findings = camera.findings if state == "up" else ()
            self._cameras[camera_id] = replace(
                camera, state=state, detail=detail, findings=findings
            )

    def dropped(self, camera_id: str, count: int) -> None:
        """Frames were replaced by newer ones."""
        with self._lock:
            camera = self._cameras[camera_id]
            self._cameras[camera_id] = replace(camera, dropped=camera.dropped + count)

    def look(self, report: SceneReport, zones: Sequence[ZoneView]) -> None:
        """A camera was looked at."""
        frame = report.look.frame
        with self._lock:
            camera = self._cameras[frame.camera_id]
            self._seen[frame.camera_id] = _Seen(report, zones)
            self._recent.append(utc_now())
            self._cameras[frame.camera_id] = replace(
                camera,
                state="up",
                detail="",
                look_at=frame.captured_at,
                sequence=camera.sequence + 1,
                looks=camera.looks + 1,
                findings=tuple(finding.kind.value for finding in report.findings),
            )

    def case(self, draft: CaseDraft) -> None:
        """A case has a new revision."""
        with self._lock:
            self._cases[draft.case_id] = draft
            self._cases.move_to_end(draft.case_id)
            for item in draft.evidence:
                self._evidence[item.sha256] = item.path
            while len(self._cases) > CASES_KEPT:
                self._cases.popitem(last=False)
            while len(self._evidence) > 4 * CASES_KEPT:
                self._evidence.popitem(last=False)

    def uplink(self, connected: bool, pending: int, dead: int, last_error: str) -> None:
        """How delivery stands."""
        with self._lock:
            self._uplink = UplinkView(connected, pending, dead, last_error)

    def snapshot(self) -> Snapshot:
        """Everything now; cases newest first."""
        now = utc_now()
        with self._lock:
            recent = sum((now - at).total_seconds() <= _RATE_SPAN_S for at in self._recent)
            return Snapshot(
                self._box_id,
                self._started_at,
                now,
                round(recent / _RATE_SPAN_S, 1),
                tuple(self._cameras.values()),
                tuple(reversed(self._cases.values())),
                self._uplink,
            )

    def look_jpeg(self, camera_id: str) -> bytes | None:
        """The latest look with zones and boxes, heads and plates blurred; None before the first."""
        with self._lock:
            seen = self._seen.get(camera_id)
        if seen is None:
            return None
        if seen.jpeg is None:
            seen.jpeg = _draw(seen.report, seen.zones)
        return seen.jpeg

    def evidence_path(self, sha256: str) -> Path | None:
        """File of a picture of a case on the board."""
        with self._lock:
            return self._evidence.get(sha256)


def _draw(report: SceneReport, zones: Sequence[ZoneView]) -> bytes:
    look = report.look
    image = blurred(look.frame.image, look.detections)
    scale = min(_MAX_WIDTH / image.shape[1], 1.0)
    if scale < 1.0:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)
    height, width = image.shape[:2]
    firing = {finding.zone_id for finding in report.findings}
    for zone in zones:
        _draw_zone(image, zone, zone.id in firing)
    for detection in look.detections:
        x0, y0, x1, y1 = detection.box.pixels(width, height)
        colour = _BOX_COLOURS.get(detection.meaning, _OTHER)
        cv2.rectangle(image, (x0, y0), (x1, y1), colour, 1, cv2.LINE_AA)
        if detection.meaning not in _BOX_COLOURS:
            text = f"{detection.label} {detection.score:.2f}"
            at = (x0, max(y0 - 4, 10))
            cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 3)
            cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(data)


def _draw_zone(image: Image, zone: ZoneView, firing: bool) -> None:
    height, width = image.shape[:2]
    corners = np.array([(x * width, y * height) for x, y in zone.polygon], np.int32)
    colour = KIND_COLOURS[zone.watch]
    if firing:
        tinted = image.copy()
        cv2.fillPoly(tinted, [corners], colour)
        cv2.addWeighted(tinted, 0.22, image, 0.78, 0, dst=image)
    cv2.polylines(image, [corners], True, colour, 2 if firing else 1, cv2.LINE_AA)
