"""A stream worker: a process apart that holds a few cameras open and hands on their pictures.

FFmpeg decodes what strangers' cameras send; when it crashes, this process dies and the core does
not. One thread per camera decodes (the GIL is released there) into a mailbox of one picture per
camera: the newest wins, the drops are counted. The main thread sends a picture only when the
core has asked for one, so nothing queues between the two.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Literal

from edge.clock import utc_now
from edge.errors import StreamError
from edge.streams.frame import Reason
from edge.streams.pace import Hurry, Pace
from edge.streams.planes import Picture, Shape, shape_of
from edge.streams.slot import Slot
from edge.streams.source import Source, pictures

State = Literal["starting", "up", "down"]
_BEAT_S = 1.0


@dataclass(frozen=True, slots=True)
class StateChange:
    """A camera came up or went down."""

    camera_id: str
    state: State
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What is told of a picture that lies in the slot."""

    camera_id: str
    captured_at: datetime
    reason: Reason
    sequence: int
    shape: Shape
    dropped: int


@dataclass(frozen=True, slots=True)
class Beat:
    """The worker lives; ``idle_s`` is how long each camera thread has been silent."""

    idle_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting time between attempts: doubled each time, with jitter, seconds."""

    min_s: float
    max_s: float

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before attempt ``attempt`` (1, 2, …)."""
        ceiling: float = min(self.max_s, self.min_s * 2.0 ** min(attempt - 1, 30))
        return random.uniform(0.5, 1.0) * ceiling  # noqa: S311 - spreads load, hides nothing


class _Mailbox:
    """The newest picture of each camera."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pictures: dict[str, tuple[FrameHeader, Picture]] = {}
        self._dropped: dict[str, int] = {}

    def put(self, header: FrameHeader, image: Picture) -> None:
        with self._changed:
            if header.camera_id in self._pictures:
                self._dropped[header.camera_id] = self._dropped.get(header.camera_id, 0) + 1
            else:
                self._changed.notify()
            # A replaced picture keeps its camera's place in the queue of cameras.
            self._pictures[header.camera_id] = (header, image)

    def take(self, timeout_s: float) -> tuple[FrameHeader, Picture] | None:
        """The picture of the camera that has waited longest, with its drops told once."""
        with self._changed:
            if not self._pictures:
                self._changed.wait(timeout_s)
            if not self._pictures:
                return None
            camera_id = next(iter(self._pictures))
            header, image = self._pictures.pop(camera_id)
            dropped = self._dropped.pop(camera_id, 0)
        return FrameHeader(
            camera_id, header.captured_at, header.reason, header.sequence, header.shape, dropped
        ), image


class _Camera(threading.Thread):
    """Keeps one camera open; every failure is told, then tried again with back-off."""

    def __init__(self, source: Source, mailbox: _Mailbox, outbox: _Outbox, backoff: Backoff):
        super().__init__(name=source.camera_id, daemon=True)
        self._source = source
        self._mailbox = mailbox
        self._outbox = outbox
        self._backoff = backoff
        self._sequence = 0
        self.pace = Pace(source.look_every_s)
        self.active_at = time.monotonic()

    def run(self) -> None:
        attempt = 0
        while True:
            self.active_at = time.monotonic()
            before = self._sequence
            try:
                self._look()
                self._rest(self.pace.every_s())
                continue
            except StreamError as error:
                attempt = 1 if self._sequence > before else attempt + 1
                self._tell("down", str(error.code), f"{error.what}. {error.fix}")
            self._rest(self._backoff.delay_s(attempt))

    def _look(self) -> None:
        told = False
        for image, reason in pictures(self._source, self.pace.every_s):
            self.active_at = time.monotonic()
            if not told:
                self._tell("up")
                told = True
            self._sequence += 1
            header = FrameHeader(
                self._source.camera_id, utc_now(), reason, self._sequence, shape_of(image), 0
            )
            self._mailbox.put(header, image)

    def _rest(self, seconds: float) -> None:
        """Between visits and attempts; cut short when somebody asks to look now."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.active_at = time.monotonic()
            if self.pace.rest(min(left, _BEAT_S)):
                return

    def _tell(self, state: State, code: str = "", detail: str = "") -> None:
        self._outbox.put(StateChange(self._source.camera_id, state, code, detail))


class _Outbox:
    """State changes waiting for the main thread, the only one that writes to the pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, StateChange] = {}

    def put(self, change: StateChange) -> None:
        with self._lock:
            self._changes[change.camera_id] = change

    def drain(self) -> list[StateChange]:
        with self._lock:
            changes = list(self._changes.values())
            self._changes.clear()
        return changes


def run_worker(sources: Sequence[Source], backoff: Backoff, pipe: Connection, slot: Slot) -> None:
    """The process' main function: serve until the core closes the pipe or asks to stop."""
    mailbox, outbox = _Mailbox(), _Outbox()
    cameras = [_Camera(source, mailbox, outbox, backoff) for source in sources]
    for camera in cameras:
        camera.start()
    try:
        _serve(pipe, slot, mailbox, outbox, cameras)
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the core is gone: so are we
    finally:
        os._exit(0)  # camera threads may sit in FFmpeg: do not wait for them


def _serve(
    pipe: Connection,
    slot: Slot,
    mailbox: _Mailbox,
    outbox: _Outbox,
    cameras: Sequence[_Camera],
) -> None:
    credit = 0
    next_beat = 0.0
    while True:
        # Without credit there is nothing to send: sleep on the pipe; with it, on the mailbox.
        while pipe.poll(0.0 if credit else 0.1):
            message = pipe.recv()
            if isinstance(message, Hurry):
                _hurry(cameras, message)
            else:
                credit += message
        for change in outbox.drain():
            pipe.send(change)
        now = time.monotonic()
        if now >= next_beat:
            next_beat = now + _BEAT_S
            pipe.send(Beat({camera.name: now - camera.active_at for camera in cameras}))
        if credit and (taken := mailbox.take(0.1)):
            header, image = taken
            slot.write(image)
            pipe.send(header)
            credit -= 1


def _hurry(cameras: Sequence[_Camera], asked: Hurry) -> None:
    for camera in cameras:
        if camera.name == asked.camera_id:
            camera.pace.hurry(asked.every_s, asked.for_s)
