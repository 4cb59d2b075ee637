"""Stream workers as the core sees them: pictures in, restarts when one dies or hangs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing.connection import wait

from edge.errors import Code, StreamError
from edge.streams.backoff import Backoff
from edge.streams.beats import PatrolState
from edge.streams.frame import Frame
from edge.streams.messages import (
    Beat,
    Clip,
    Closed,
    Collected,
    Cut,
    Fetch,
    FrameHeader,
    Missed,
    StateChange,
)
from edge.streams.pace import Hurry, Rest
from edge.streams.process import Crew, WorkerProcess, least_busy
from edge.streams.rounds import Rounds
from edge.streams.source import Source

_CRASHES_BEFORE_SPLIT = 2
_SUSPECTS = Crew(visitors=1, suspects=True)


class StreamPool:
    """All cameras, spread over worker processes.

    Held cameras have a worker, patrolled ones are visited by whoever is free. Not thread-safe: one
    thread collects.

    Args:
        held: the cameras that stay open.
        cameras_per_worker: how many share a process; a crash costs all of them a moment.
        backoff: waiting times, for held cameras and for workers.
        hang_after_s: a worker or camera thread silent for so long is killed.
        rounds: the patrol; None without patrolled cameras.
        visitors: patrolled cameras open at once, by worker.
    """

    def __init__(
        self,
        held: Sequence[Source],
        *,
        cameras_per_worker: int,
        backoff: Backoff,
        hang_after_s: float,
        rounds: Rounds | None = None,
        visitors: Sequence[int] = (),
    ) -> None:
        self._backoff = backoff
        self._hang_after_s = hang_after_s
        self._crews = [
            Crew(tuple(held[i : i + cameras_per_worker]))
            for i in range(0, len(held), cameras_per_worker)
        ]
        self._crews += [Crew(visitors=count) for count in visitors]
        self._rounds = rounds
        self._workers: list[WorkerProcess] = []
        self._waiting: list[tuple[float, Crew, int]] = []
        self._off: set[str] = set()
        self._told: list[StateChange] = []

    def start(self) -> None:
        """Start every worker."""
        self._workers = [self._spawn(crew, 0) for crew in self._crews]

    @property
    def pids(self) -> dict[str, int]:
        """Process id by held camera, for operators and for tests that kill."""
        return {
            source.camera_id: worker.process.pid
            for worker in self._workers
            for source in worker.crew.held
            if worker.process.pid is not None
        }

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process id of every worker that runs."""
        return tuple(w.process.pid for w in self._workers if w.process.pid is not None)

    @property
    def patrol(self) -> PatrolState | None:
        """How the patrol stands; None without patrolled cameras."""
        return self._rounds.state if self._rounds else None

    def collect(self, timeout_s: float, *, more: bool = False) -> Collected:
        """Ask every worker for its next picture and return what comes within the time.

        Returns as soon as there is a picture; workers that died or hang are restarted.

        Args:
            timeout_s: how long to wait.
            more: the pictures of the round before have not been analysed yet.
        """
        round_ = Collected(changes=self._told)
        self._told = []
        if self._rounds and not more:
            self._rounds.settle(time.monotonic())
        self._restart_due(round_)
        self._send_visits()
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
        if self._rounds and camera_id in self._rounds:
            self._rounds.ask(camera_id, time.monotonic(), every_s=every_s, for_s=for_s)
        self._tell_holder(Hurry(camera_id, every_s, for_s))

    def rest(self, camera_id: str, *, off: bool) -> None:
        """A camera's hours are over: it is closed until they begin, or somebody asks to look."""
        if self._rounds and camera_id in self._rounds:
            self._told.append(self._rounds.rest(camera_id, time.monotonic(), off=off))
            return
        (self._off.add if off else self._off.discard)(camera_id)
        self._tell_holder(Rest(camera_id, off))

    def fetch(self, camera_id: str) -> None:
        """Ask for one main-stream picture of a held camera, a frame of reason ``evidence``."""
        self._tell_holder(Fetch(camera_id))

    def cut(self, wish: Cut) -> None:
        """Ask for a clip of what a held camera has just shown; a dead worker gives none."""
        self._tell_holder(wish)

    def found(self, camera_id: str, *, events: int, open_cases: int) -> None:
        """Tell the patrol what a camera's pictures showed; nothing for held cameras."""
        if self._rounds and camera_id in self._rounds:
            self._rounds.found(camera_id, events=events, open_cases=open_cases)

    def budget(self, looks_per_s: float) -> None:
        """Tell the patrol how many looks a second the box has for it."""
        if self._rounds:
            self._rounds.budget(looks_per_s)

    def stop(self) -> None:
        """End every worker; none is left behind."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.bury(patience_s=2.0)
        self._workers.clear()
        self._waiting.clear()

    def _tell_holder(self, wish: Hurry | Rest | Fetch | Cut) -> None:
        for worker in self._workers:
            if any(source.camera_id == wish.camera_id for source in worker.crew.held):
                worker.send(wish)

    def _spawn(self, crew: Crew, crashes: int) -> WorkerProcess:
        worker = WorkerProcess.spawn(crew, self._backoff, crashes)
        for source in crew.held:
            if source.camera_id in self._off:
                worker.send(Rest(source.camera_id, off=True))
        return worker

    def _send_visits(self) -> None:
        """Hand due visits to workers that have a visitor free; what is left waits."""
        if self._rounds is None:
            return
        due = self._rounds.due(time.monotonic())
        for _ in range(len(due)):
            order = due.popleft()
            worker = self._free_worker(suspects=self._rounds.is_suspect(order.source.camera_id))
            if worker is None:
                due.append(order)
                continue
            worker.orders[order.number] = order
            worker.send(order)  # a dead one is found out below, with its orders

    def _free_worker(self, *, suspects: bool) -> WorkerProcess | None:
        if suspects and not self._has_suspects_worker():
            self._workers.append(self._spawn(_SUSPECTS, 0))
        return least_busy(self._workers, suspects=suspects)

    def _has_suspects_worker(self) -> bool:
        return any(w.crew.suspects for w in self._workers) or any(
            crew.suspects for _, crew, _ in self._waiting
        )

    def _ask(self, worker: WorkerProcess, round_: Collected) -> None:
        if worker.asked:
            return
        if worker.send(1):
            worker.asked = True
        else:
            self._lost(worker, Code.CAM_WORKER_DIED, "its stream worker died", round_)

    def _receive(self, worker: WorkerProcess, round_: Collected) -> None:
        try:
            while worker.pipe.poll():
                message = worker.pipe.recv()
                worker.heard_at = time.monotonic()
                if isinstance(message, FrameHeader):
                    round_.frames.append(self._frame(worker, message, round_))
                    return
                if isinstance(message, StateChange):
                    round_.changes.append(message)
                elif isinstance(message, Missed):
                    round_.missed.append(message)
                elif isinstance(message, Clip):
                    round_.clips.append(message)
                elif isinstance(message, Closed):
                    self._closed(worker, message, round_)
                elif isinstance(message, Beat):
                    worker.beating = True
                    self._check_threads(worker, message, round_)
        except (EOFError, OSError, StreamError):
            self._lost(worker, Code.CAM_WORKER_DIED, "its stream worker died", round_)

    def _closed(self, worker: WorkerProcess, news: Closed, round_: Collected) -> None:
        worker.crashes = 0
        if self._rounds is None:
            return
        if change := self._rounds.closed(news, time.monotonic()):
            round_.changes.append(change)
        self._tick_off(worker, news.number)
        self._send_visits()  # a visitor may be free

    def _tick_off(self, worker: WorkerProcess, number: int) -> None:
        """A visitor whose pictures were not taken yet is not free: nothing piles up."""
        if self._rounds and self._rounds.has_all(number):
            worker.orders.pop(number, None)

    def _frame(self, worker: WorkerProcess, header: FrameHeader, round_: Collected) -> Frame:
        pixels = worker.slot.read(header.shape)
        worker.asked = False
        if header.dropped:
            round_.dropped[header.camera_id] = (
                round_.dropped.get(header.camera_id, 0) + header.dropped
            )
        sequence = header.sequence
        if header.visit and self._rounds:
            sequence = self._rounds.arrived(header)
            self._tick_off(worker, header.visit)
        return Frame(header.camera_id, header.captured_at, pixels, header.reason, sequence)

    def _check_threads(self, worker: WorkerProcess, beat: Beat, round_: Collected) -> None:
        stuck = {camera for camera, idle_s in beat.idle_s.items() if idle_s > self._hang_after_s}
        if not stuck:
            return
        if self._rounds:  # a visit that does not hang is not to blame: another worker makes it
            for number, order in list(worker.orders.items()):
                if order.source.camera_id not in stuck:
                    self._rounds.again(worker.orders.pop(number))
        what = f"the decoder of {', '.join(sorted(stuck))} hangs"
        self._lost(worker, Code.CAM_WORKER_HUNG, what, round_)

    def _kill_hanging(self, round_: Collected) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.is_silent(now, self._hang_after_s):
                self._lost(worker, Code.CAM_WORKER_HUNG, "its stream worker hangs", round_)

    def _lost(self, worker: WorkerProcess, code: Code, what: str, round_: Collected) -> None:
        """Bury a worker and plan its return; one that keeps dying is taken apart.

        When a group of held cameras dies again and again, one of them is to blame: each then gets
        a process of its own, so that it goes on costing only itself.
        """
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        worker.process.kill()
        worker.bury()
        crashes = worker.crashes + 1
        now = time.monotonic()
        due = now + self._backoff.delay_s(crashes)
        crew = worker.crew
        split = crashes >= _CRASHES_BEFORE_SPLIT and len(crew.held) > 1
        crews = [Crew((source,)) for source in crew.held] if split else [crew]
        self._waiting += [(due, crew, 1 if split else crashes) for crew in crews]
        round_.changes += [
            StateChange(source.camera_id, "down", str(code), f"{what}. It is restarted by itself")
            for source in crew.held
        ]
        if self._rounds:
            round_.changes += self._rounds.lost(tuple(worker.orders.values()), code, what, now)
        round_.restarts.append(crew.name)

    def _restart_due(self, round_: Collected) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._waiting if entry[0] <= now]:
            self._waiting.remove(entry)
            _, crew, crashes = entry
            self._workers.append(self._spawn(crew, crashes))
            round_.changes += [StateChange(source.camera_id, "starting") for source in crew.held]
