"""Stream workers as the core sees them: pictures in, restarts when one dies or hangs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from edge.errors import Code, StreamError
from edge.streams.frame import Frame
from edge.streams.pace import Hurry
from edge.streams.slot import Slot
from edge.streams.source import Source
from edge.streams.worker import Backoff, Beat, FrameHeader, StateChange, run_worker

_SPAWN = get_context("spawn")  # a forked child would share the core's locks and sockets
_CRASHES_BEFORE_SPLIT = 2
_STARTUP_GRACE_S = 30.0


@dataclass
class _Worker:
    sources: tuple[Source, ...]
    process: BaseProcess
    pipe: Connection
    slot: Slot
    heard_at: float
    crashes: int = 0
    asked: bool = False
    beating: bool = False


@dataclass
class Collected:
    """What one round brought in.

    Attributes:
        frames: pictures, at most one per worker.
        changes: cameras that came up or went down.
        dropped: pictures that newer ones replaced, by camera.
        restarts: workers restarted, by the camera ids they hold.
    """

    frames: list[Frame] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    restarts: list[tuple[str, ...]] = field(default_factory=list)


class StreamPool:
    """All cameras, spread over worker processes.

    Not thread-safe: one thread collects.

    Args:
        sources: the cameras.
        cameras_per_worker: how many share a process; a crash costs all of them a moment.
        backoff: waiting times, for cameras and for workers.
        hang_after_s: a worker or camera thread silent for so long is killed.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        cameras_per_worker: int,
        backoff: Backoff,
        hang_after_s: float,
    ) -> None:
        self._backoff = backoff
        self._hang_after_s = hang_after_s
        self._groups = [
            tuple(sources[i : i + cameras_per_worker])
            for i in range(0, len(sources), cameras_per_worker)
        ]
        self._workers: list[_Worker] = []
        self._waiting: list[tuple[float, tuple[Source, ...], int]] = []

    def start(self) -> None:
        """Start every worker."""
        self._workers = [self._spawn(group, 0) for group in self._groups]

    @property
    def pids(self) -> dict[str, int]:
        """Process id by camera id, for operators and for tests that kill."""
        return {
            source.camera_id: worker.process.pid
            for worker in self._workers
            for source in worker.sources
            if worker.process.pid is not None
        }

    def collect(self, timeout_s: float) -> Collected:
        """Ask every worker for its next picture and return what comes within the time.

        Returns as soon as there is a picture; workers that died or hang are restarted.
        """
        round_ = Collected()
        self._restart_due(round_)
        for worker in list(self._workers):
            self._ask(worker, round_)
        until = time.monotonic() + timeout_s
        while True:
            left = max(until - time.monotonic(), 0.0)
            by_pipe = {worker.pipe: worker for worker in self._workers}
            for pipe in wait(list(by_pipe), timeout=left):
                self._receive(by_pipe[pipe], round_)  # type: ignore[index]  # only pipes went in
            if round_.frames or time.monotonic() >= until:
                break
        self._kill_hanging(round_)
        return round_

    def hurry(self, camera_id: str, *, every_s: float, for_s: float) -> None:
        """Look at a camera now, before its time, and more often for a while.

        A patrolled camera is opened at once, one that is down is tried at once. A camera whose
        worker is just being restarted is opened by that anyway.

        Args:
            camera_id: which one; an unknown one is ignored.
            every_s: seconds between looks meanwhile.
            for_s: for how long.
        """
        for worker in self._workers:
            if any(source.camera_id == camera_id for source in worker.sources):
                with suppress(OSError):  # the worker died: collect() sees it and restarts it
                    worker.pipe.send(Hurry(camera_id, every_s, for_s))

    def stop(self) -> None:
        """End every worker; none is left behind."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(timeout=2.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.slot.close()
        self._workers.clear()
        self._waiting.clear()

    def _spawn(self, group: tuple[Source, ...], crashes: int) -> _Worker:
        ours, theirs = _SPAWN.Pipe(duplex=True)
        slot = Slot()
        process = _SPAWN.Process(
            target=run_worker,
            args=(group, self._backoff, theirs, slot),
            name=f"streams-{group[0].camera_id}",
            daemon=True,
        )
        process.start()
        theirs.close()
        return _Worker(group, process, ours, slot, time.monotonic(), crashes)

    def _ask(self, worker: _Worker, round_: Collected) -> None:
        if worker.asked:
            return
        try:
            worker.pipe.send(1)
            worker.asked = True
        except OSError:
            self._lost(worker, Code.CAM_WORKER_DIED, "its stream worker died", round_)

    def _receive(self, worker: _Worker, round_: Collected) -> None:
        try:
            while worker.pipe.poll():
                message = worker.pipe.recv()
                worker.heard_at = time.monotonic()
                if isinstance(message, FrameHeader):
                    round_.frames.append(self._frame(worker, message, round_))
                    return
                if isinstance(message, StateChange):
                    round_.changes.append(message)
                elif isinstance(message, Beat):
                    worker.beating = True
                    self._check_threads(worker, message, round_)
        except (EOFError, OSError, StreamError):
            self._lost(worker, Code.CAM_WORKER_DIED, "its stream worker died", round_)

    def _frame(self, worker: _Worker, header: FrameHeader, round_: Collected) -> Frame:
        pixels = worker.slot.read(header.shape)
        worker.asked = False
        if header.dropped:
            round_.dropped[header.camera_id] = (
                round_.dropped.get(header.camera_id, 0) + header.dropped
            )
        return Frame(header.camera_id, header.captured_at, pixels, header.reason, header.sequence)

    def _check_threads(self, worker: _Worker, beat: Beat, round_: Collected) -> None:
        stuck = [camera for camera, idle_s in beat.idle_s.items() if idle_s > self._hang_after_s]
        if stuck:
            self._lost(
                worker, Code.CAM_WORKER_HUNG, f"the decoder of {', '.join(stuck)} hangs", round_
            )

    def _kill_hanging(self, round_: Collected) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            patience = self._hang_after_s if worker.beating else _STARTUP_GRACE_S
            if now - worker.heard_at > patience:
                self._lost(worker, Code.CAM_WORKER_HUNG, "its stream worker hangs", round_)

    def _lost(self, worker: _Worker, code: Code, what: str, round_: Collected) -> None:
        """Bury a worker and plan its return; one that keeps dying is taken apart.

        When a group dies again and again, one of its cameras is to blame: each then gets a
        process of its own, so that it goes on costing only itself.
        """
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        worker.slot.close()
        crashes = worker.crashes + 1
        due = time.monotonic() + self._backoff.delay_s(crashes)
        split = crashes >= _CRASHES_BEFORE_SPLIT and len(worker.sources) > 1
        groups = [(source,) for source in worker.sources] if split else [worker.sources]
        self._waiting += [(due, group, 1 if split else crashes) for group in groups]
        round_.changes += [
            StateChange(source.camera_id, "down", str(code), f"{what}. It is restarted by itself")
            for source in worker.sources
        ]
        round_.restarts.append(tuple(source.camera_id for source in worker.sources))

    def _restart_due(self, round_: Collected) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._waiting if entry[0] <= now]:
            self._waiting.remove(entry)
            _, group, crashes = entry
            self._workers.append(self._spawn(group, crashes))
            round_.changes += [StateChange(source.camera_id, "starting") for source in group]
