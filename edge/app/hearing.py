"""Hearing the platform: what it says comes in on one thread, is worked on by another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from edge.app.answering import Answered, Answerer
from edge.app.asked import RequestDesk
from edge.app.detecting import ground_watcher
from edge.app.sealing import Seals
from edge.app.sighting import Eyes
from edge.app.uplink import open_outbox
from edge.cases.answers import AnswerRoom
from edge.cases.desk import CaseDesk
from edge.cases.evidence import EvidenceRoom
from edge.cases.known import Attaching, KnownStore
from edge.cases.store import CaseStore
from edge.clock import Clock, utc_now
from edge.config.model import CameraSettings, Settings
from edge.detectors.base import Detector
from edge.errors import Code, GridpatrolError, RequestError
from edge.geometry import Box
from edge.grid.locate import Locator
from edge.review.verdicts import VerdictStore
from edge.scenes.watch import SceneWatcher
from edge.signing import trusted
from edge.telemetry import metrics
from edge.telemetry.logs import get_logger
from uploader.commands import Commands, Desired, Said
from uploader.contract.messages import RequestData
from uploader.requests import MOST_STARTS, RequestStore
from uploader.topics import BoxTopics

_PATIENCE_S = 5.0
"""Beyond the time a camera may take to open: its worker, and the look itself."""

log = get_logger(__name__)


class Hurrying(Protocol):
    """What is needed of the stream pool."""

    def __call__(self, camera_id: str, *, every_s: float, for_s: float) -> None:
        """Look at a camera now, and more often for a while."""
        ...


@dataclass
class Hearing:
    """What the platform said, and the requests in progress. One thread, but for ``commands``.

    Attributes:
        commands: for the uploader's thread.
        desk: the requests in progress.
        store: where they and their answers are kept.
        answerer: makes the answers.
        inbox: from the one thread to the other.
    """

    commands: Commands
    desk: RequestDesk
    store: RequestStore
    answerer: Answerer
    inbox: SimpleQueue[Said]
    _unstored: list[Answered] = field(default_factory=list)

    def begin_again(self) -> None:
        """Take up what was in progress when the box went down.

        Raises:
            StoreError: the database cannot be read.
        """
        for waiting in self.store.begin_again():
            if waiting.starts < MOST_STARTS:
                self.desk.submit(waiting.request)
            else:
                error = _thrice(waiting.starts)
                self._unstored.append(self.answerer.failed(waiting.request, error))

    def step(self) -> tuple[list[Answered], list[Desired]]:
        """Take in what has come, and store the answers that are ready.

        Returns:
            Answers that were stored now, and configurations that the platform wants.

        Raises:
            StoreError: an answer could not be stored; it is kept for the next step.
        """
        desired = []
        while (said := self._next()) is not None:
            if isinstance(said, Desired):
                desired.append(said)
            else:
                self.desk.submit(said)
        self._unstored += self.desk.finished()
        stored = []
        while self._unstored:
            answered = self._unstored[0]
            self.store.answer(answered.reply, answered.evidence)
            stored.append(self._unstored.pop(0))
            reply = answered.reply
            metrics.REQUESTS.labels(action=reply.action, result=reply.result).inc()
            log.info(
                "request_answered",
                request=reply.request_id,
                action=reply.action,
                result=reply.result,
                code=reply.code,
                why=reply.reason.en,
            )
        return stored, desired

    def close(self) -> None:
        """Close every store; the uploader must have stopped."""
        self.commands.close()
        self.store.close()
        self.answerer.close()

    def _next(self) -> RequestData | Desired | None:
        try:
            return self.inbox.get_nowait()
        except Empty:
            return None


def build_hearing(
    settings: Settings,
    database: Path,
    *,
    store: CaseStore,
    desk: CaseDesk,
    room: EvidenceRoom,
    watchers: Mapping[str, SceneWatcher],
    detectors: Sequence[Detector],
    locators: Mapping[str, Locator],
    hurry: Hurrying,
    wish: Callable[[str], bool],
    admit: Callable[[], None],
    seals: Seals | None = None,
    clock: Clock = utc_now,
    ticks: Callable[[], float] = time.monotonic,
) -> Hearing:
    """Everything that hears and answers the platform.

    Args:
        settings: of the box.
        database: the one database file.
        store, desk, room, watchers, detectors, locators: the rooms it works with.
        hurry: asks a camera to look now.
        wish: asks for a main-stream picture of a camera; False where there is none.
        admit: asked before a picture is written; refuses by a StoreError.
        seals: seals answers with pictures; None: they are not sealed.
        clock: what time it is.
        ticks: seconds that only ever grow.

    Raises:
        GridpatrolError: a key of the platform is not in order, or the database cannot be opened.
    """
    cameras = {camera.id: camera for camera in settings.active_cameras}
    answers = AnswerRoom(settings.box.state_dir / "replies", room, admit=admit)
    answerer = Answerer(
        box_id=settings.box.id,
        time_zone=settings.box.time_zone,
        cameras=cameras,
        store=store,
        desk=desk,
        room=answers,
        verdicts=VerdictStore(database),
        clock=clock,
    )
    requests = RequestStore(database, open_outbox(settings, database), clock=clock, sealing=seals)
    answers.sweep(requests.request_ids() | (seals.copies.answers() if seals else set()))
    inbox: SimpleQueue[Said] = SimpleQueue()
    commands = Commands(
        BoxTopics(settings.mqtt.root, settings.box.city, settings.box.id),
        requests=RequestStore(database, open_outbox(settings, database), clock=clock),
        known=KnownStore(database, attaching(settings)),
        cells=cells_of(cameras.values(), locators),
        verifier=trusted(settings.mqtt.trusted_keys),
        hand_on=inbox.put,
        clock=clock,
    )
    request_desk = RequestDesk(
        box_id=settings.box.id,
        cameras=cameras,
        eyes=_eyes(watchers, detectors),
        store=store,
        answerer=answerer,
        hurry=lambda camera_id, every_s, for_s: hurry(camera_id, every_s=every_s, for_s=for_s),
        patience_s=settings.streams.open_timeout_s + _PATIENCE_S,
        wish=wish,
        wish_s=settings.streams.evidence_wait_s,
        clock=clock,
        ticks=ticks,
    )
    return Hearing(commands, request_desk, requests, answerer, inbox)


def attaching(settings: Settings) -> Attaching:
    """When a finding belongs to a case that the platform has open."""
    return Attaching(settings.cases.known_distance_m, settings.cases.known_days)


def cells_of(
    cameras: Iterable[CameraSettings],
    locators: Mapping[str, Locator],
) -> set[str]:
    """Grid cells in which things may be found: each zone's, and what its corners reach."""
    found = set()
    for camera in cameras:
        for zone in camera.zones:
            xs, ys = zip(*zone.polygon, strict=True)
            boxes = [Box(min(xs), min(ys), max(xs), max(ys))]
            boxes += [Box(x, y, x, y) for x, y in zone.polygon]
            found |= {locators[camera.id].locate(zone.id, box).cell for box in boxes}
    return found


def _eyes(watchers: Mapping[str, SceneWatcher], detectors: Sequence[Detector]) -> Eyes:
    watching = ground_watcher(detectors)
    if watching is None:
        return Eyes(watchers, None)
    return Eyes(watchers, watching[0].ground, watching[1])


def _thrice(starts: int) -> GridpatrolError:
    return RequestError(
        Code.ASK_CRASHED,
        "request",
        f"the box went down {starts} times while it was working on it",
        "Ask again; if it happens again, look at the box's log",
    )
