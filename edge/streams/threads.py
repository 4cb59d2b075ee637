"""The threads of a stream worker: one for each held camera, a few that visit patrolled ones,
and one for a moment where a picture of a main stream is wanted.

Decoding releases the GIL, so threads of one process use several cores.
"""

from __future__ import annotations

import queue
import threading
import time

from edge.clock import utc_now
from edge.errors import StreamError
from edge.streams.backoff import Backoff
from edge.streams.clips import Clipper
from edge.streams.frame import Reason
from edge.streams.mailbox import Mailbox, Outbox
from edge.streams.messages import (
    Clip,
    Closed,
    Cut,
    Fetch,
    FrameHeader,
    Missed,
    Open,
    State,
    StateChange,
)
from edge.streams.pace import Hurry, Pace, Rest
from edge.streams.planes import Picture, shape_of
from edge.streams.ring import PacketRing
from edge.streams.source import Source, pictures
from edge.streams.visit import Visiting

BEAT_S = 1.0
_STALE_LOOKS, _STALE_S = 2, 2.0
"""A picture nobody has come for gives way to a new one after so many looks, and so many seconds."""


class Holder(threading.Thread):
    """Keeps one camera open; every failure is told, then tried again with back-off.

    Attributes:
        active_at: when it last showed that it lives, monotonic seconds.
    """

    def __init__(self, source: Source, mailbox: Mailbox, outbox: Outbox, backoff: Backoff) -> None:
        super().__init__(name=source.camera_id, daemon=True)
        self._source = source
        self._mailbox = mailbox
        self._outbox = outbox
        self._backoff = backoff
        self._sequence = 0
        self._fetcher: Fetcher | None = None
        self._clipper: Clipper | None = None
        kept_s = source.clip_s if source.is_live else 0.0
        self._ring = PacketRing(kept_s) if kept_s else None
        self._due_at = 0.0
        self.pace = Pace(source.look_every_s)
        self.active_at = time.monotonic()

    def run(self) -> None:
        """Until the process ends."""
        attempt = 0
        while True:
            self.active_at = time.monotonic()
            if self.pace.is_off:
                self._wait_for_hours()
            before = self._sequence
            try:
                self._look()
            except StreamError as error:
                attempt = 1 if self._sequence > before else attempt + 1
                self._tell("down", str(error.code), f"{error.what}. {error.fix}")
                self._rest(self._backoff.delay_s(attempt))
            else:
                self._rest(self.pace.every_s())

    def take(self, wish: Hurry | Rest | Fetch | Cut) -> None:
        """What the core wants; the worker's main thread."""
        if isinstance(wish, Fetch):
            self._fetch()
        elif isinstance(wish, Cut):
            self._cut(wish)
        elif isinstance(wish, Hurry):
            self.pace.hurry(wish.every_s, wish.for_s)
        else:
            self.pace.rest_off(wish.off)

    def _fetch(self) -> None:
        """One at a time: a main stream that hangs may cost one thread, not one for each wish."""
        if self._source.evidence_url and not (self._fetcher and self._fetcher.is_alive()):
            self._fetcher = Fetcher(self._source.main, self._mailbox, self._outbox)
            self._fetcher.start()

    def _cut(self, cut: Cut) -> None:
        """One at a time: each decodes some seconds of video."""
        if self._ring is None:
            why = "nothing of its stream is kept: it is a recording, or clips are switched off"
        elif self._clipper and self._clipper.is_alive():
            why = "the clip before it is still being cut"
        else:
            self._clipper = Clipper(cut, self._ring, self._outbox)
            self._clipper.start()
            return
        self._outbox.put(Clip(cut.camera_id, why=why))

    def _look(self) -> None:
        told = False
        # A replay is read ahead of its pace: whether a picture lies there too long shows later.
        every = self._every_s if self._source.is_live else self.pace.every_s
        for picture, reason in pictures(self._source, every, self._is_alive, self._ring):
            self.active_at = time.monotonic()
            if not told:
                self._tell("up")
                told = True
            self._sequence += 1
            self._due_at = self.active_at + self.pace.every_s()
            self._mailbox.put(_header(self._source, picture, reason, self._sequence), picture)
            if self.pace.is_off:
                return

    def _every_s(self) -> float:
        """Seconds to the next picture: more while the core, too busy, leaves the last one lying.

        Decoding what nobody looks at would take from the core what it lacks.
        """
        every_s = self.pace.every_s()
        if not self._mailbox.waits(self.name):
            return every_s
        if (now := time.monotonic()) >= self._due_at:
            self._mailbox.pass_over(self.name)
            self._due_at = now + every_s
        return max(_STALE_LOOKS * every_s, _STALE_S)

    def _is_alive(self) -> None:
        """A camera that sends, but no key frame, is none that hangs."""
        self.active_at = time.monotonic()

    def _wait_for_hours(self) -> None:
        self._tell("resting")
        while self.pace.is_off:
            self.active_at = time.monotonic()
            self.pace.rest(BEAT_S)
        self._tell("starting")

    def _rest(self, seconds: float) -> None:
        """Between attempts, and rounds of a folder; cut short when somebody asks to look now."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.active_at = time.monotonic()
            if self.pace.rest(min(left, BEAT_S)):
                return

    def _tell(self, state: State, code: str = "", detail: str = "") -> None:
        self._outbox.put(StateChange(self._source.camera_id, state, code, detail))


class Fetcher(threading.Thread):
    """Takes one picture of a held camera's main stream and ends.

    The core does not wait for it for ever, so one that hangs costs pictures, not looks.
    """

    def __init__(self, source: Source, mailbox: Mailbox, outbox: Outbox) -> None:
        super().__init__(name=f"{source.camera_id} main", daemon=True)
        self._source = source
        self._mailbox = mailbox
        self._outbox = outbox

    def run(self) -> None:
        """Until the first key frame, or a failure."""
        source = self._source
        try:
            image, _ = next(pictures(source, lambda: 0.0))
        except StreamError as error:
            news = Missed(source.camera_id, str(error.code), f"{error.what}. {error.fix}")
            self._outbox.put(news)
            return
        self._mailbox.put(_header(source, image, "evidence", 0), image)


class Visitor(threading.Thread):
    """Opens one patrolled camera after the other, as it is told.

    Attributes:
        active_at: when it last showed that it lives, monotonic seconds.
        visiting: the camera it is at; empty while it waits.
    """

    def __init__(self, orders: queue.SimpleQueue[Open], mailbox: Mailbox, outbox: Outbox) -> None:
        super().__init__(name="visitor", daemon=True)
        self._orders = orders
        self._mailbox = mailbox
        self._outbox = outbox
        self.active_at = time.monotonic()
        self.visiting = ""

    def run(self) -> None:
        """Until the process ends."""
        while True:
            order = self._orders.get()
            self.active_at = time.monotonic()
            self.visiting = order.source.camera_id
            time.sleep(max(order.not_before - time.monotonic(), 0.0))
            self.active_at = time.monotonic()
            self._outbox.put(self._visit(order))
            self.visiting = ""

    def _visit(self, order: Open) -> Closed:
        visiting = Visiting(order.source, order.looks, measure=order.measure)

        def hand_on(picture: Picture) -> None:
            self.active_at = time.monotonic()
            header = _header(order.source, picture, "visit", visiting.brought, order.number)
            self._mailbox.put(header, picture)

        def is_alive() -> None:
            self.active_at = time.monotonic()

        try:
            visiting.make(hand_on, is_alive)
        except StreamError as error:
            code, detail = str(error.code), f"{error.what}. {error.fix}"
            return Closed(order.number, visiting.brought, code, detail, visiting.timing)
        return Closed(order.number, visiting.brought, timing=visiting.timing)


def _header(
    source: Source, picture: Picture, reason: Reason, sequence: int, visit: int = 0
) -> FrameHeader:
    return FrameHeader(source.camera_id, utc_now(), reason, sequence, shape_of(picture), 0, visit)
