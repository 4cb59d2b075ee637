"""What is going on now: written by the app, read by the page and the terminal.

The board holds the latest look of each camera and the latest cases, nothing more; it is bounded
by the number of cameras and :data:`CASES_KEPT`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.cases.draft import CaseDraft
from edge.clock import utc_now
from edge.console.drawing import LEAST_WIDTH, ZoneView, look_jpeg
from edge.console.views import (
    CameraState,
    CameraView,
    CaseView,
    PatrolView,
    Snapshot,
    StorageView,
    UplinkView,
)
from edge.disk import Level
from edge.errors import RedactionError
from edge.redaction.redactor import Redactor
from edge.scenes.finding import SceneReport
from edge.streams.planes import halved
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger, redact
from uploader.letters import LetterView
from uploader.waiting_view import WaitingView

log = get_logger(__name__)

CASES_KEPT = 200
_RATE_SPAN_S = 10.0


@dataclass
class _Seen:
    report: SceneReport
    zones: Sequence[ZoneView]
    jpeg: bytes | None = None
    drawing: threading.Lock = field(default_factory=threading.Lock)


def _light(report: SceneReport) -> SceneReport:
    """With as much of the picture as is shown: of a thousand cameras it stays in memory."""
    frame = report.look.frame
    picture = frame.picture
    while picture.shape[1] >= 2 * LEAST_WIDTH:
        picture = halved(picture)
    if picture is frame.picture:
        return report
    return replace(report, look=replace(report.look, frame=replace(frame, picture=picture)))


class Board:
    """Thread-safe; every reader gets immutable values.

    Args:
        box_id: this edge box.
        cameras: every camera that will be told of.
        redactor: makes looks safe to show; None: no look is shown.
        ticks: seconds that only ever grow; rates must survive a wall clock that jumps.
    """

    def __init__(
        self,
        box_id: str,
        cameras: Sequence[CameraView],
        redactor: Redactor | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._box_id = box_id
        self._redactor = redactor
        self._lock = threading.Lock()
        self._cameras = {camera.id: camera for camera in cameras}
        self._cases: OrderedDict[str, CaseView] = OrderedDict()
        self._cases_version = 0
        self._seen: dict[str, _Seen] = {}
        self._uplink = UplinkView()
        self._storage = StorageView()
        self._patrol = PatrolView()
        self._no_purpose: Callable[[], tuple[str, ...]] = tuple
        self._started_at = utc_now()
        self._ticks = ticks
        self._first_tick = ticks()
        self._recent: deque[float] = deque(maxlen=10_000)

    def camera_state(self, camera_id: str, state: CameraState, detail: str = "") -> None:
        """A camera came up, went down, or shows nothing fit to analyse."""
        with self._lock:
            camera = self._cameras[camera_id]
            findings = camera.findings if state in ("up", "resting") else ()
            self._cameras[camera_id] = replace(
                camera, state=state, detail=redact(detail), findings=findings
            )

    def replace_cameras(self, cameras: Sequence[CameraView]) -> None:
        """Other cameras run from now on; what is known of those that stay is kept."""
        with self._lock:
            self._cameras = {c.id: self._cameras.get(c.id, c) for c in cameras}
            self._seen = {name: seen for name, seen in self._seen.items() if name in self._cameras}

    def redact_with(self, redactor: Redactor) -> None:
        """Other settings run from now on."""
        self._redactor = redactor

    def ask_purposes(self, lacking: Callable[[], tuple[str, ...]]) -> None:
        """Who knows which cameras have no purpose in force now."""
        self._no_purpose = lacking

    def dropped(self, camera_id: str, count: int) -> None:
        """Frames were replaced by newer ones."""
        with self._lock:
            camera = self._cameras[camera_id]
            self._cameras[camera_id] = replace(camera, dropped=camera.dropped + count)

    def look(self, report: SceneReport, zones: Sequence[ZoneView]) -> None:
        """A camera was looked at."""
        frame = report.look.frame
        frame.lighten()
        with self._lock:
            camera = self._cameras[frame.camera_id]
            self._seen[frame.camera_id] = _Seen(_light(report), zones)
            self._recent.append(self._ticks())
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
            known = self._cases.get(draft.case_id)
            before = known.draft.evidence if known and draft.status in ("gone", "withdrawn") else ()
            self._cases[draft.case_id] = CaseView(_whole(draft, known), before)
            self._cases.move_to_end(draft.case_id)
            self._cases_version += 1
            while len(self._cases) > CASES_KEPT:
                self._cases.popitem(last=False)

    def uplink(
        self,
        connected: bool,
        pending: int,
        dead: int,
        last_error: str,
        rejected: tuple[LetterView, ...] = (),
        *,
        waiting: WaitingView | None = None,
    ) -> None:
        """How delivery stands; ``rejected``: the newest dead letters."""
        with self._lock:
            self._uplink = UplinkView(
                connected, pending, dead, redact(last_error), rejected, waiting or WaitingView()
            )

    def storage(self, level: Level, free_bytes: int) -> None:
        """How the disk stands."""
        with self._lock:
            self._storage = StorageView(level, free_bytes)

    def patrol(self, view: PatrolView) -> None:
        """How the patrol stands."""
        with self._lock:
            self._patrol = view

    def snapshot(self) -> Snapshot:
        """Everything now."""
        with self._lock:
            return Snapshot(
                box_id=self._box_id,
                started_at=self._started_at,
                now=utc_now(),
                looks_per_s=self._looks_per_s(),
                cameras=tuple(self._cameras.values()),
                cases=tuple(reversed(self._cases.values())),
                cases_version=self._cases_version,
                uplink=self._uplink,
                storage=self._storage,
                patrol=self._patrol,
                no_purpose=self._no_purpose(),
            )

    def look_jpeg(self, camera_id: str) -> bytes | None:
        """The latest look with zones and boxes, redacted; None before the first.

        None, too, while looks cannot be redacted: what is not safe is not shown.

        Drawn when it is first asked for, once a look, whoever asks.
        """
        with self._lock:
            seen = self._seen.get(camera_id)
        if seen is None or self._redactor is None:
            return None
        with seen.drawing:  # never under the board's own lock: drawing must not hold up the app
            if seen.jpeg is None:
                try:
                    seen.jpeg = look_jpeg(seen.report, seen.zones, self._redactor)
                except RedactionError as error:
                    metrics.ERRORS.labels(code=str(error.code)).inc()
                    log.error("look_not_shown", **error_fields(error))
                    return None
                finally:
                    seen.report.look.frame.lighten()
            return seen.jpeg

    def evidence(self, sha256: str) -> tuple[Path, CaseDraft] | None:
        """File of a picture that a case on the board shows now, and the case."""
        with self._lock:
            for view in self._cases.values():
                for item in (*view.draft.evidence, *view.before):
                    if item.sha256 == sha256:
                        return item.path, view.draft
        return None

    def _looks_per_s(self) -> float:
        now = self._ticks()
        while self._recent and now - self._recent[0] > _RATE_SPAN_S:
            self._recent.popleft()
        # A box that has just started is judged by the time it had, but never by less than 1 s.
        span = min(max(now - self._first_tick, 1.0), _RATE_SPAN_S)
        return round(len(self._recent) / span, 1)


def _whole(draft: CaseDraft, known: CaseView | None) -> CaseDraft:
    """The revision with its clip, and with the pictures where it brings nothing but the clip."""
    if known is None or draft.status in ("gone", "withdrawn"):
        return draft
    brings = {item.role for item in draft.evidence}
    keeps_all = brings == {"clip"}
    kept = tuple(
        item
        for item in known.draft.evidence
        if item.role not in brings and (keeps_all or item.role == "clip")
    )
    pictures = (*kept, *draft.evidence) if keeps_all else (*draft.evidence, *kept)
    return replace(draft, evidence=pictures)
