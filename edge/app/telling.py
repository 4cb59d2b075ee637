"""What happened, told to whoever watches: the board, the log, the counters."""

from __future__ import annotations

import time
from collections.abc import Sequence

from edge.app.pipeline import Analysed
from edge.cases.draft import CaseDraft
from edge.clock import utc_now
from edge.config.model import CameraSettings
from edge.console.board import Board
from edge.console.drawing import ZoneView
from edge.console.views import CameraView, PatrolView
from edge.errors import Code, GridpatrolError
from edge.streams.beats import PatrolState
from edge.streams.frame import Frame
from edge.streams.messages import Collected
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger
from uploader.publisher import UplinkStatus
from uploader.waiting_view import WaitingView

_QUIET_S = 60.0
"""The same fault of the same camera is logged once in this time; every one is counted."""
_WAITS_EVERY_S = 60.0
"""The platform is told no more often how many cases wait for their turn."""

log = get_logger(__name__)


class Teller:
    """Tells. One thread calls it.

    Args:
        board: what the page and the terminal show.
        cameras: those that run; :meth:`cameras` when they change.
    """

    def __init__(self, board: Board, cameras: Sequence[CameraSettings]) -> None:
        self._board = board
        self._told: dict[tuple[str, str], float] = {}
        self._zones = {camera.id: zone_views(camera) for camera in cameras}
        self._waits: tuple[dict[str, int], int] = ({}, 0)
        self._waits_at = -_WAITS_EVERY_S

    def cameras(self, cameras: Sequence[CameraSettings]) -> None:
        """Other cameras run from now on."""
        self._zones = {camera.id: zone_views(camera) for camera in cameras}
        self._board.replace_cameras(camera_views(cameras))

    def streams(self, collected: Collected) -> None:
        """Cameras that came up or went down, pictures dropped, workers restarted."""
        for change in collected.changes:
            self._board.camera_state(change.camera_id, change.state, change.detail)
            metrics.CAMERA_UP.labels(camera=change.camera_id).set(change.state == "up")
            level = log.warning if change.state == "down" else log.info
            level(
                f"camera_{change.state}",
                camera=change.camera_id,
                code=change.code,
                detail=change.detail,
            )
            if change.state == "down":
                metrics.RECONNECTS.labels(camera=change.camera_id).inc()
                metrics.ERRORS.labels(code=change.code).inc()
        for camera_id, count in collected.dropped.items():
            metrics.DROPPED.labels(camera=camera_id, reason="newer").inc(count)
            self._board.dropped(camera_id, count)
        for name in collected.restarts:
            metrics.WORKER_RESTARTS.labels(worker=name).inc()

    def looks(self, frames: Sequence[Frame], analysed: Analysed) -> None:
        """What a batch of frames came to."""
        for frame in frames:
            metrics.LOOKS.labels(camera=frame.camera_id).inc()
        for camera_id, why in analysed.unfit:
            error = GridpatrolError(
                Code.CAM_PICTURE,
                camera_id,
                why,
                "Clean or repair it; it is not analysed until then",
            )
            self.complain(camera_id, error)
            self._board.camera_state(camera_id, "failed", why)
        for report in analysed.reports:
            self._board.look(report, self._zones[report.look.frame.camera_id])
            for finding in report.findings:
                metrics.FINDINGS.labels(kind=finding.kind).inc()
        for draft in analysed.drafts:
            self.case(draft)
        for held in analysed.suppressed:
            metrics.SUPPRESSED.labels(kind=held.kind, look_alike=held.look_alike).inc()
            log.info(
                "finding_suppressed",
                camera=held.camera_id,
                zone=held.zone_id,
                kind=held.kind,
                look_alike=held.look_alike,
                why="; ".join(words.en for words in held.second_reasons),
            )
        for fault in analysed.errors:
            if fault.code is Code.STO_ROOM:
                metrics.STORAGE_REFUSED.labels(what="case").inc()
            self.complain("cases", fault)

    def case(self, draft: CaseDraft) -> None:
        """A revision was committed."""
        self._board.case(draft)
        metrics.CASES.labels(kind=draft.kind, status=draft.status).inc()
        if draft.attached_to is not None:
            metrics.ATTACHED.labels(kind=draft.kind).inc()
        log.info(
            "case_committed",
            case=draft.case_id,
            revision=draft.revision,
            status=draft.status,
            kind=draft.kind,
            code=draft.category.codes[0].code,
            cell=draft.grid_cell,
            place=draft.place,
            attached_to=draft.attached_to,
        )

    def patrol(self, state: PatrolState) -> None:
        """How the patrol stands."""
        metrics.PATROL_STRETCH.clear()
        metrics.PATROL_STRETCH.labels(platform="").set(state.stretch)
        for platform, factor in state.platform_stretch.items():
            metrics.PATROL_STRETCH.labels(platform=platform).set(factor)
        metrics.PATROL_OVERDUE.set(state.overdue)
        metrics.PATROL_OPEN.set(state.open_streams)
        metrics.PATROL_RESTING.set(state.resting)
        metrics.PATROL_FAILING.clear()
        for code, count in state.failing.items():
            metrics.PATROL_FAILING.labels(code=code).set(count)
        self._board.patrol(
            PatrolView(
                state.cameras,
                state.stretch,
                dict(state.platform_stretch),
                state.overdue,
                state.open_streams,
                sum(state.failing.values()),
            )
        )

    def uplink(self, status: UplinkStatus) -> bool:
        """How delivery stands; whether the platform is to be told anew what waits for its turn."""
        metrics.OUTBOX_PENDING.set(status.pending)
        metrics.OUTBOX_DEAD.set(status.dead)
        metrics.UPLINK_CONNECTED.set(status.connected)
        self._waiting(status.waiting)
        self._board.uplink(
            status.connected,
            status.pending,
            status.dead,
            status.last_error or "",
            status.rejected,
            waiting=status.waiting,
        )
        waits = (status.waiting.by_kind, status.waiting.unseen)
        now = time.monotonic()
        if waits == self._waits or now - self._waits_at < _WAITS_EVERY_S:
            return False
        self._waits, self._waits_at = waits, now
        return True

    def _waiting(self, waiting: WaitingView) -> None:
        metrics.CASES_WAITING.clear()
        for kind, count in waiting.by_kind.items():
            metrics.CASES_WAITING.labels(kind=kind).set(count)
        metrics.CASES_WAITING_OLDEST.set(waiting.oldest_s(utc_now()))
        metrics.CASES_UNSEEN.set(waiting.unseen)
        metrics.CASES_TODAY.set(waiting.sent_today)

    def complain(self, about: str, error: GridpatrolError) -> None:
        """A fault: counted, and logged unless the same was a moment ago."""
        metrics.ERRORS.labels(code=str(error.code)).inc()
        now = time.monotonic()
        key = (about, str(error.code))
        if now - self._told.get(key, -_QUIET_S) >= _QUIET_S:
            self._told[key] = now
            log.error("fault", **error_fields(error))


def camera_views(cameras: Sequence[CameraSettings]) -> tuple[CameraView, ...]:
    """Cameras as the page lists them, before anything is known of them."""
    return tuple(CameraView(c.id, c.name_zh or c.id, c.name_en or c.id) for c in cameras)


def zone_views(camera: CameraSettings) -> tuple[ZoneView, ...]:
    """A camera's zones as the page draws them."""
    return tuple(ZoneView(zone.id, zone.watch, zone.polygon) for zone in camera.zones)
