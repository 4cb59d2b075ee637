"""A stream worker: a process apart that opens cameras and hands on their pictures.

FFmpeg decodes what strangers' cameras send; when it crashes, this process dies and the core does
not. Threads decode into a mailbox; the main thread sends a picture only when the core has asked
for one, so nothing queues between the two: the newest picture of a held camera wins, the drops
are counted, and a visit is not over before its picture has been taken.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait

from edge.streams.backoff import Backoff
from edge.streams.mailbox import Doorbell, Mailbox, Outbox
from edge.streams.messages import Beat, Cut, Fetch, Open
from edge.streams.pace import Hurry, Rest
from edge.streams.slot import Slot
from edge.streams.source import Source
from edge.streams.threads import BEAT_S, Holder, Visitor


def run_worker(
    held: Sequence[Source], visitors: int, backoff: Backoff, pipe: Connection, slot: Slot
) -> None:
    """The process' main function: serve until the core closes the pipe or asks to stop."""
    try:
        _Worker(held, visitors, backoff, pipe, slot).serve()
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the core is gone: so are we
    finally:
        os._exit(0)  # camera threads may sit in FFmpeg: do not wait for them


class _Worker:
    def __init__(
        self, held: Sequence[Source], visitors: int, backoff: Backoff, pipe: Connection, slot: Slot
    ) -> None:
        self._pipe = pipe
        self._slot = slot
        self._bell = Doorbell()
        self._mailbox, self._outbox = Mailbox(self._bell), Outbox(self._bell)
        self._orders: queue.SimpleQueue[Open] = queue.SimpleQueue()
        self._holders = [Holder(source, self._mailbox, self._outbox, backoff) for source in held]
        self._visitors = [
            Visitor(self._orders, self._mailbox, self._outbox) for _ in range(visitors)
        ]
        self._credit = 0

    def serve(self) -> None:
        for thread in (*self._holders, *self._visitors):
            thread.start()
        next_beat = time.monotonic()
        while True:
            wait([self._pipe, self._bell.fileno()], max(next_beat - time.monotonic(), 0.0))
            self._bell.heard()
            while self._pipe.poll():
                self._hear(self._pipe.recv())
            for news in self._outbox.drain():
                self._pipe.send(news)
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + BEAT_S
                self._pipe.send(self._beat())
            while self._credit and (taken := self._mailbox.take()):
                header, image = taken
                self._slot.write(image)
                self._pipe.send(header)
                self._credit -= 1

    def _hear(self, message: object) -> None:
        if isinstance(message, Hurry | Rest | Fetch | Cut):
            for holder in self._holders:
                if holder.name == message.camera_id:
                    holder.take(message)
        elif isinstance(message, Open):
            self._orders.put(message)
        elif isinstance(message, int):
            self._credit += message

    def _beat(self) -> Beat:
        now = time.monotonic()
        idle = {holder.name: now - holder.active_at for holder in self._holders}
        for visitor in self._visitors:
            if name := visitor.visiting:
                idle[name] = now - visitor.active_at
        return Beat(idle)
