"""One stream worker as the core holds it: a process, its pipe, its memory, what it was asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from edge.streams.backoff import Backoff
from edge.streams.messages import Open
from edge.streams.slot import Slot
from edge.streams.source import Source
from edge.streams.worker import run_worker

_SPAWN = get_context("spawn")  # a forked child would share the core's locks and sockets
_STARTUP_GRACE_S = 30.0


@dataclass(frozen=True, slots=True)
class Crew:
    """What a worker is for.

    Attributes:
        held: cameras it keeps open.
        visitors: how many patrolled cameras it may have open at once.
        suspects: it visits only cameras whose visits ended in the death of a worker.
    """

    held: tuple[Source, ...] = ()
    visitors: int = 0
    suspects: bool = False

    @property
    def name(self) -> str:
        """For operators: metrics and process lists."""
        if self.held:
            return self.held[0].camera_id
        return "patrol-suspects" if self.suspects else "patrol"


@dataclass
class WorkerProcess:
    """A running worker.

    Attributes:
        orders: visits it was told to make and has not ended, by number.
        crashes: how often in a row a worker of this crew has died.
        asked: whether a picture was asked for and has not come.
    """

    crew: Crew
    process: BaseProcess
    pipe: Connection
    slot: Slot
    heard_at: float
    crashes: int = 0
    asked: bool = False
    beating: bool = False
    orders: dict[int, Open] = field(default_factory=dict)

    @classmethod
    def spawn(cls, crew: Crew, backoff: Backoff, crashes: int) -> WorkerProcess:
        """Start one."""
        ours, theirs = _SPAWN.Pipe(duplex=True)
        slot = Slot()
        process = _SPAWN.Process(
            target=run_worker,
            args=(crew.held, crew.visitors, backoff, theirs, slot),
            name=f"streams-{crew.name}",
            daemon=True,
        )
        process.start()
        theirs.close()
        return cls(crew, process, ours, slot, time.monotonic(), crashes)

    def send(self, message: object) -> bool:
        """False when it is dead; :meth:`is_silent` or the pipe's end will tell soon."""
        try:
            self.pipe.send(message)
        except OSError:
            return False
        return True

    def is_silent(self, now: float, hang_after_s: float) -> bool:
        """Whether it has said nothing for longer than it may."""
        patience = hang_after_s if self.beating else _STARTUP_GRACE_S
        return now - self.heard_at > patience

    def bury(self, *, patience_s: float = 0.0) -> None:
        """End it, by force after so many seconds; nothing of it is left behind."""
        self.pipe.close()
        self.process.join(timeout=patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.slot.close()


def least_busy(workers: Sequence[WorkerProcess], *, suspects: bool) -> WorkerProcess | None:
    """Of the workers that have a visitor free, the one with the fewest visits under way."""
    free = [
        worker
        for worker in workers
        if worker.crew.suspects == suspects and len(worker.orders) < worker.crew.visitors
    ]
    return min(free, key=lambda worker: len(worker.orders), default=None)
