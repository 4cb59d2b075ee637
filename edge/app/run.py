"""Run the edge: collect, analyse, tell, until asked to stop.

The only place that catches everything: a fault in one look is logged, counted, and costs that
look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from edge.app.build import Rooms, build_rooms
from edge.app.pipeline import Analysed
from edge.config.model import CameraSettings, Settings
from edge.console.board import Board, CameraView, ZoneView
from edge.console.web import ConsoleServer
from edge.errors import Code, GridpatrolError
from edge.streams.frame import Frame
from edge.streams.pool import Collected
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger

_COLLECT_S = 0.25
_GATHER_S = 0.02
"""A moment more for other cameras' pictures, so that accelerators get batches."""
_QUIET_S = 60.0
"""The same fault of the same camera is logged once in this time; every one is counted."""

log = get_logger(__name__)


@dataclass
class Edge:
    """A running edge box.

    Attributes:
        settings: what it runs on.
        rooms: everything that runs.
        board: what the page and the terminal show.
        console: the page, None when it is switched off.
        url: the page's address, empty without a page.
        failure: what ended it, when nobody asked it to end.
    """

    settings: Settings
    rooms: Rooms
    board: Board
    console: ConsoleServer | None
    url: str = ""
    failure: GridpatrolError | None = None

    def __post_init__(self) -> None:
        self._pipeline = self.rooms.pipeline(self._timed)
        self._zones = {c.id: zone_views(c) for c in self.settings.active_cameras}
        self._told: dict[tuple[str, str], float] = {}

    def serve(self, stop: threading.Event) -> None:
        """Work until asked to stop; then nothing is left behind.

        Raises:
            GridpatrolError: the disk failed; only a new process may go on.
        """
        try:
            self.rooms.uploader.start()
            self.rooms.housekeeper.start()
            self.rooms.pool.start()
            while not stop.is_set():
                try:
                    self.step()
                except GridpatrolError as error:
                    self._complain("edge", error)
                    if error.fatal:
                        self.failure = error
                        raise
                except Exception:  # the supervisor: one bad look must not stop the box
                    log.exception("look_failed")
                    metrics.ERRORS.labels(code="unexpected").inc()
        finally:
            log.info("stopping")
            self.rooms.close()
            if self.console is not None:
                self.console.stop()

    def step(self) -> None:
        """One round: what has come in, analysed and told."""
        collected = self.rooms.pool.collect(_COLLECT_S)
        self._tell_streams(collected)
        frames = collected.frames
        room = self.settings.detectors.max_batch - len(frames)
        if frames and room > 0 and len(frames) < len(self._zones):
            more = self.rooms.pool.collect(_GATHER_S)
            self._tell_streams(more)
            frames = frames + more.frames
        if frames:
            self._tell_looks(frames, self._pipeline.analyse(frames))
        self._tell_uplink()
        self._tell_storage()

    def _tell_streams(self, collected: Collected) -> None:
        for change in collected.changes:
            self.board.camera_state(change.camera_id, change.state, change.detail)
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
            self.board.dropped(camera_id, count)
        for cameras in collected.restarts:
            metrics.WORKER_RESTARTS.labels(worker=cameras[0]).inc()

    def _tell_looks(self, frames: Sequence[Frame], analysed: Analysed) -> None:
        for frame in frames:
            metrics.LOOKS.labels(camera=frame.camera_id).inc()
        for camera_id, why in analysed.unfit:
            error = GridpatrolError(
                Code.CAM_PICTURE,
                camera_id,
                why,
                "Clean or repair it; it is not analysed until then",
            )
            self._complain(camera_id, error)
            self.board.camera_state(camera_id, "failed", why)
        for report in analysed.reports:
            self.board.look(report, self._zones[report.look.frame.camera_id])
            for finding in report.findings:
                metrics.FINDINGS.labels(kind=finding.kind).inc()
        for draft in analysed.drafts:
            self.board.case(draft)
            metrics.CASES.labels(kind=draft.kind, status=draft.status).inc()
            log.info(
                "case_committed",
                case=draft.case_id,
                revision=draft.revision,
                status=draft.status,
                kind=draft.kind,
                code=draft.category.codes[0].code,
                cell=draft.grid_cell,
                place=draft.place,
            )
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
            if fault.fatal:
                raise fault
            if fault.code is Code.STO_ROOM:
                metrics.STORAGE_REFUSED.labels(what="case").inc()
            self._complain("cases", fault)
        if analysed.drafts:
            self.rooms.uploader.wake()

    def _tell_uplink(self) -> None:
        status = self.rooms.uploader.status()
        metrics.OUTBOX_PENDING.set(status.pending)
        metrics.OUTBOX_DEAD.set(status.dead)
        metrics.UPLINK_CONNECTED.set(status.connected)
        self.board.uplink(
            status.connected,
            status.pending,
            status.dead,
            status.last_error or "",
            status.rejected,
        )

        if status.failure is not None:
            raise status.failure

    def _tell_storage(self) -> None:
        status = self.rooms.housekeeper.status()
        self.board.storage(status.level, status.free_bytes)
        if status.failure is not None:
            raise status.failure

    def _complain(self, about: str, error: GridpatrolError) -> None:
        metrics.ERRORS.labels(code=str(error.code)).inc()
        now = time.monotonic()
        key = (about, str(error.code))
        if now - self._told.get(key, -_QUIET_S) >= _QUIET_S:
            self._told[key] = now
            log.error("fault", **error_fields(error))

    @staticmethod
    def _timed(stage: str, seconds: float) -> None:
        metrics.LOOK_SECONDS.labels(stage=stage).observe(seconds)


def open_edge(settings: Settings) -> Edge:
    """Build everything, open the page; nothing runs until :meth:`Edge.serve`.

    Raises:
        GridpatrolError: something in the settings cannot work.
    """
    rooms = build_rooms(settings)
    board = Board(
        box_id=settings.box.id,
        cameras=tuple(
            CameraView(c.id, c.name_zh or c.id, c.name_en or c.id) for c in settings.active_cameras
        ),
    )
    edge = Edge(settings, rooms, board, None)
    if settings.console.enabled:
        edge.console = ConsoleServer(settings.console.host, settings.console.port, board)
        try:
            edge.url = edge.console.start()
        except GridpatrolError:
            rooms.close()
            raise
        log.info("console_open", url=edge.url)
    return edge


def zone_views(camera: CameraSettings) -> tuple[ZoneView, ...]:
    """A camera's zones as the page draws them."""
    return tuple(ZoneView(zone.id, zone.watch, zone.polygon) for zone in camera.zones)
