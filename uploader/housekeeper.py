"""A thread that keeps the disk from filling up, and says early when it does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from edge.clock import Clock, utc_now
from edge.disk import DiskWatch, Level
from edge.errors import Code, GridpatrolError, StoreError
from edge.telemetry import metrics
from uploader.keeping import Rules
from uploader.retention import Held, Journal, Removed, Retention

_log = structlog.get_logger(__name__)

_EVERY_S = 1.0
_AT_ONCE = 20
"""Cases removed before others get at the database again."""
_LOOK_EVERY_S = 60.0
"""A look goes over all that is kept. Days are counted: a minute more is nothing."""
_LOOK_WHEN_SHORT_S = 15.0
_GIVES_UP = {
    Level.OK: "nothing",
    Level.EARLY: "suppressed findings are no longer kept",
    Level.TIGHT: "delivered cases go before their time; no new clear originals",
    Level.FULL: "new case drafts are refused; what is committed is kept and delivered",
}


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """How the disk stands.

    Attributes:
        level, free_bytes: see :mod:`edge.disk`.
        failure: the disk has failed; only a new process may go on.
        stuck: room is short, and nothing that is kept may go for it.
    """

    level: Level = Level.OK
    free_bytes: int = 0
    failure: GridpatrolError | None = None
    stuck: GridpatrolError | None = None


class Housekeeper:
    """Removes what was delivered when its time is over or its room is wanted.

    Args:
        retention: opens the remover, on the thread that uses it.
        watch: how full the disk is.
        clock: what time it is.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        retention: Callable[[], Retention],
        watch: DiskWatch,
        *,
        clock: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = retention
        self._watch = watch
        self._clock = clock
        self._ticks = ticks
        self._queue: deque[str] = deque()
        self._look_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._status = StorageStatus()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def status(self) -> StorageStatus:
        """How the disk stands, about a second old. Any thread."""
        return self._status

    def _run(self) -> None:
        retention: Retention | None = None
        while not self._stopping.is_set():
            try:
                retention = retention or self._open()
                busy = self.step(retention)
            except StoreError as fault:
                _log.warning("housekeeping_fault", code=str(fault.code), what=fault.what)
                metrics.ERRORS.labels(code=str(fault.code)).inc()
                if fault.fatal:
                    self._status = StorageStatus(self._status.level, 0, fault)
                    return
                busy = False
            self._stopping.wait(0.05 if busy else _EVERY_S)
        if retention is not None:
            retention.close()

    def step(self, retention: Retention) -> bool:
        """Look, say, remove some; whether there may be more to remove at once.

        Raises:
            StoreError: the disk or the database refused.
        """
        self._watch.note_used(retention.used_bytes())
        level = self._watch.level(fresh=True)
        changed = self._tell(level)
        if not self._queue and (changed or self._ticks() >= self._look_at):
            self._look(retention, short=level >= Level.TIGHT)
        for _ in range(_AT_ONCE):
            short = self._watch.level(fresh=True) >= Level.TIGHT
            if not self._queue:
                return False
            removed = retention.remove(self._queue.popleft(), self._clock(), short=short)
            if removed is not None:
                _count(removed)
                self._watch.note_used(retention.used_bytes())
        return True

    def _look(self, retention: Retention, *, short: bool) -> None:
        """Line up what may go; each is judged again when its turn comes."""
        retention.finish()
        if not short:
            retention.reserve()
        now, judge = self._clock(), retention.rules.judge
        found = [(kept, judge(kept, now, short=short)) for kept in retention.kept()]
        over = [kept.subject for kept, verdict in found if verdict and verdict.why == "age"]
        early = [kept.subject for kept, verdict in found if verdict and verdict.why == "room"]
        self._queue.extend(over + early)
        self._look_at = self._ticks() + (_LOOK_WHEN_SHORT_S if short else _LOOK_EVERY_S)
        self._complain(stuck=short and not self._queue)

    def _complain(self, *, stuck: bool) -> None:
        if stuck == (self._status.stuck is not None):
            return
        error = None
        if stuck:
            error = StoreError(
                Code.STO_KEPT,
                self._watch.where,
                f"{self._status.free_bytes // 2**20} MB are left, and nothing may go: all that is"
                " kept is open, undelivered, held or too young",
                "gridpatrol retention says what and why; free space, or mend the delivery",
            )
            _log.error("storage_nothing_may_go", code=str(error.code), what=error.what)
            metrics.ERRORS.labels(code=str(error.code)).inc()
        self._status = replace(self._status, stuck=error)

    def _tell(self, level: Level) -> bool:
        """Say a new level; whether it is one."""
        free, before = self._watch.free_bytes, self._status.level
        if level is not before:
            say = _log.warning if level > before else _log.info
            say(
                "storage_level",
                level=level.name.lower(),
                free_mb=free // 2**20,
                gives_up=_GIVES_UP[level],
            )
        self._status = replace(self._status, level=level, free_bytes=free)
        if level < Level.TIGHT:
            self._complain(stuck=False)
        metrics.STORAGE_LEVEL.set(level)
        metrics.STORAGE_FREE.set(free)
        return level is not before


def open_retention(
    path: Path, rules: Rules, open_cases: str, held: Held, journal: Journal
) -> Callable[[], Retention]:
    """How a housekeeper gets its remover."""
    return lambda: Retention(path, rules, open_cases=open_cases, held=held, journal=journal)


def _count(removed: Removed) -> None:
    why = removed.verdict.why
    _log.info(
        "delivered_removed",
        case=removed.subject,
        rows=removed.rows,
        files=len(removed.files),
        bytes=removed.size_bytes,
        why=why,
        rule=removed.verdict.rule,
    )
    metrics.RETENTION_REMOVED.labels(what="rows", why=why).inc(removed.rows)
    metrics.RETENTION_REMOVED.labels(what="files", why=why).inc(len(removed.files))
    metrics.RETENTION_REMOVED.labels(what="bytes", why=why).inc(removed.size_bytes)
