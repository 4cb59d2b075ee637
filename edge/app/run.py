"""Run the edge: collect, analyse, tell, answer, until asked to stop.

The only place that catches everything: a fault in one look is logged, counted, and costs that
look.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edge.app.build import Rooms, build_rooms
from edge.app.configuration import Configuration
from edge.app.in_chinese import unfit_words
from edge.app.looking import lacking
from edge.app.pages import build_console
from edge.app.telling import Teller, camera_views
from edge.app.uplink import box_signer
from edge.clock import utc_now
from edge.config.model import Settings
from edge.console.access.invitation import invitation
from edge.console.board import Board
from edge.console.web import ConsoleServer
from edge.errors import Code, ConfigError, GridpatrolError
from edge.streams.frame import Frame
from edge.streams.messages import Collected
from edge.telemetry import metrics
from edge.telemetry.logs import get_logger
from uploader.commands import Desired

_COLLECT_S, _COLLECT_SOON_S = 0.25, 0.05  # soon: a case goes on once its picture is redacted
_WISHES_EVERY_S = 5.0
_GATHER_S = 0.02
"""A moment more for other cameras' pictures, so that accelerators get batches."""

log = get_logger(__name__)


@dataclass
class Edge:
    """A running edge box.

    Attributes:
        settings: what it runs on.
        rooms: everything that runs.
        board: what the page and the terminal show.
        configuration: the file behind the settings, and what the platform wants of it.
        console: the page, None when it is switched off.
        url: the page's address, empty without a page.
        invitation: one-time link for the first admin; empty when there is one, or no log-in.
        failure: what ended it, when nobody asked it to end.
    """

    settings: Settings
    rooms: Rooms
    board: Board
    configuration: Configuration
    console: ConsoleServer | None = None
    url: str = ""
    invitation: str = ""
    failure: GridpatrolError | None = None
    _reread: threading.Event = field(default_factory=threading.Event)
    _look_at_wishes: float = 0.0

    def __post_init__(self) -> None:
        self._pipeline = self.rooms.pipeline(_timed)
        self._patrolling = self.rooms.patrolling(self.settings)
        self._teller = Teller(self.board, self.settings.active_cameras)
        self.board.ask_purposes(partial(lacking, self.settings))

    def serve(self, stop: threading.Event) -> None:
        """Work until asked to stop; then nothing is left behind.

        Raises:
            GridpatrolError: the disk failed; only a new process may go on.
        """
        try:
            self._start()
            while not stop.is_set():
                try:
                    self.step()
                except GridpatrolError as error:
                    self._teller.complain("edge", error)
                    if error.fatal:
                        self.failure = error
                        raise
                except Exception:  # the supervisor: one bad look must not stop the box
                    log.exception("look_failed")
                    metrics.ERRORS.labels(code="unexpected").inc()
            self._wait_no_more()
        finally:
            log.info("stopping")
            self.rooms.close()
            if self.console is not None:
                self.console.stop()

    def reread(self) -> None:
        """Take in the configuration file again, soon. Any thread, and signal handlers."""
        self._reread.set()

    def step(self) -> None:
        """One round: what has come in, analysed, told and answered."""
        rooms = self.rooms
        if (patrol := self._patrolling.step(time.monotonic(), utc_now())) is not None:
            self._teller.patrol(patrol)
        collected = rooms.pool.collect(_COLLECT_SOON_S if rooms.ahead else _COLLECT_S)
        self._take_streams(collected)
        frames = collected.frames
        room = self.settings.detectors.max_batch - len(frames)
        if frames and room > 0 and len(frames) < len(self.settings.active_cameras):
            more = rooms.pool.collect(_GATHER_S, more=True)
            self._take_streams(more)
            frames = frames + more.frames
        if rooms.closer.step() or (rooms.ahead and rooms.ahead.is_due) or frames:
            self._take_looks(frames)
        self._add_clips()
        self._answer()
        self._take_back()
        self._watch_stores()
        self._announce_checkpoint()
        rooms.looking.step()
        if self._reread.is_set():
            self._reread.clear()
            self._take_file()

    def _take_streams(self, collected: Collected) -> None:
        self._teller.streams(collected)
        for missed in collected.missed:
            self.rooms.closer.missed(missed)
            self.rooms.hearing.desk.no_main(missed.camera_id)
        for clip in collected.clips:
            self.rooms.clipping.came(clip)
        for change in collected.changes:
            if change.state == "down":
                self.rooms.clipping.down(change.camera_id)
                self.rooms.hearing.desk.failed(change.camera_id, change.code, change.detail)

    def _take_looks(self, frames: list[Frame], *, last: bool = False) -> None:
        began = time.monotonic()
        analysed = self._pipeline.analyse(frames, last=last)
        now = time.monotonic()
        self._patrolling.analysed(frames, analysed, now - began, now)
        for fault in analysed.errors:
            if fault.fatal:
                raise fault
        self._teller.looks(frames, analysed)
        if analysed.drafts:
            self.rooms.uploader.wake()
            self.rooms.clipping.wants(analysed.drafts)
        desk = self.rooms.hearing.desk
        for camera_id, why in analysed.unfit:
            desk.blind(camera_id, unfit_words(why))
        for report in analysed.reports:
            desk.sees(report)
        for report in analysed.close:
            desk.sees_main(report)

    def _add_clips(self) -> None:
        for draft in self.rooms.clipping.ready():
            self._teller.case(draft)
            self.rooms.uploader.wake()

    def _wait_no_more(self) -> None:
        """What waits for a better picture becomes a case with the one there is."""
        self.rooms.closer.give_up()
        self._take_looks([], last=True)

    def _answer(self) -> None:
        answers, desired = self.rooms.hearing.step()
        for answered in answers:
            for draft in answered.drafts:
                self._teller.case(draft)
        if answers:
            self.rooms.uploader.wake()
        for wanted in desired[-1:]:  # retained: the newest is what is wanted
            self._take_desired(wanted)

    def _take_back(self) -> None:
        """Withdraw what people have asked for from another process."""
        if time.monotonic() < self._look_at_wishes:
            return
        self._look_at_wishes = time.monotonic() + _WISHES_EVERY_S
        for wish in self.rooms.withdrawals.pending():
            draft = self.rooms.desk.withdraw(wish.case_id, wish.reason)
            self.rooms.withdrawals.done(wish.case_id, utc_now())
            if draft is not None:
                self._teller.case(draft)
                self.rooms.uploader.wake()

    def _announce_checkpoint(self) -> None:
        """How long the evidence chain is, for the platform to keep."""
        checkpoint = self.rooms.seals.checkpoint()
        if checkpoint is not None:
            self.rooms.uploader.announce_checkpoint(checkpoint)

    def _watch_stores(self) -> None:
        """How delivery and the disk stand.

        Raises:
            StoreError: the disk has failed; only a new process may go on.
        """
        uplink, storage = self.rooms.uploader.status(), self.rooms.housekeeper.status()
        if self._teller.uplink(uplink):
            self._report()
        self.board.storage(storage.level, storage.free_bytes)
        self.rooms.originals.tidy()
        for failure in (uplink.failure, storage.failure):
            if failure is not None:
                raise failure

    def _take_desired(self, desired: Desired) -> None:
        """Run on what the platform wants, or say why not and run on as before."""
        if self.configuration.is_answered(desired):
            self._report()
            return
        try:
            settings = self.configuration.read(desired, self.settings)
            if settings is not None:
                before = self.settings
                self._change_to(settings)
                try:
                    self.configuration.adopt(desired)
                except GridpatrolError:
                    self._change_to(before)  # the file and what runs must not differ
                    raise
            self.configuration.applied(desired)
        except GridpatrolError as error:
            self._teller.complain("desired configuration", error)
            self.configuration.refused(desired, error)
        self._report()

    def _take_file(self) -> None:
        try:
            settings = self.configuration.reread(self.settings)
            self._change_to(settings)
        except GridpatrolError as error:
            self._teller.complain("configuration", error)
        self._report()

    def _change_to(self, settings: Settings) -> None:
        """Stop, build with other settings, start; go back to the old ones when that fails.

        Raises:
            GridpatrolError: the new settings cannot work; the old ones are in force again.
        """
        old = self.settings
        log.info("configuration_changes", cameras=len(settings.active_cameras))
        self._wait_no_more()
        self.rooms.close()
        try:
            self._open(settings)
        except Exception as error:  # whatever it is, the box must go on looking
            log.error("configuration_back", why=str(error))
            self._open(old)
            if isinstance(error, GridpatrolError):
                raise
            raise ConfigError(
                Code.CFG_APPLY,
                "configuration",
                f"the rooms could not be built with it ({type(error).__name__})",
                "The old one is in force; look at the box's log",
            ) from error

    def _open(self, settings: Settings) -> None:
        rooms = build_rooms(settings, self.configuration.running)
        self.settings, self.rooms = settings, rooms
        self._pipeline = rooms.pipeline(_timed)
        self._patrolling = rooms.patrolling(settings)
        self.board.ask_purposes(partial(lacking, settings))
        self.board.redact_with(rooms.redactor)
        self._teller.cameras(settings.active_cameras)
        try:
            self._start()
        except BaseException:
            rooms.close()  # or its lock would keep out whoever comes next
            raise

    def _start(self) -> None:
        self._report()
        self.rooms.start()

    def _report(self) -> None:
        names = tuple(detector.name for detector in self.rooms.detectors)
        waiting, signer = self.rooms.uploader.status().waiting, box_signer(self.settings)
        payload = self.configuration.report(self.settings, names, signer, waiting)
        self.rooms.uploader.announce(payload)


def open_edge(settings: Settings, config: Path | None = None) -> Edge:
    """Build everything, open the page; nothing runs until :meth:`Edge.serve`.

    Args:
        settings: what to run on.
        config: the file they came from; without it the platform cannot change them.

    Raises:
        GridpatrolError: something in the settings cannot work.
    """
    configuration = Configuration(config, settings)
    rooms = build_rooms(settings, configuration.running)
    board = Board(settings.box.id, camera_views(settings.active_cameras), rooms.redactor)
    try:
        edge = Edge(settings, rooms, board, configuration)
        if settings.console.enabled:
            edge.console = build_console(settings, board)
            edge.url = edge.console.start()
            edge.invitation = invitation(edge.console.access, edge.url)
            log.info("console_open", url=edge.url, access=settings.console.mode)
    except GridpatrolError:
        rooms.close()
        raise
    return edge


def _timed(stage: str, seconds: float) -> None:
    metrics.LOOK_SECONDS.labels(stage=stage).observe(seconds)
