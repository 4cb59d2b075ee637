"""A thread that keeps the disk from filling up, and says early when it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from edge.cases.taxonomy import load_taxonomy
from edge.clock import Clock, utc_now
from edge.disk import DiskWatch, Level
from edge.errors import GridpatrolError, StoreError
from edge.telemetry import metrics
from uploader.retention import Journal, Removed, Retention

_log = structlog.get_logger(__name__)

_EVERY_S = 1.0
_AT_ONCE = 20
"""Cases removed before others get at the database again."""
_LONGEST_WINDOW = timedelta(hours=max(c.window_hours for c in load_taxonomy().values()))
"""A case gone for longer is never seen again: another one would be opened."""
_ANY_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_GIVES_UP = {
    Level.OK: "nothing",
    Level.EARLY: "suppressed findings are no longer kept",
    Level.TIGHT: "delivered cases go before their time, oldest first",
    Level.FULL: "new case drafts are refused; what is committed is kept and delivered",
}


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """How the disk stands."""

    level: Level = Level.OK
    free_bytes: int = 0
    failure: GridpatrolError | None = None


class Housekeeper:
    """Removes what was delivered when its time is over or its room is wanted.

    Args:
        retention: opens the remover, on the thread that uses it.
        watch: how full the disk is.
        keep_days: delivered cases stay so long while there is room.
        clock: what time it is.
    """

    def __init__(
        self,
        retention: Callable[[], Retention],
        watch: DiskWatch,
        *,
        keep_days: float,
        clock: Clock = utc_now,
    ) -> None:
        self._open = retention
        self._watch = watch
        self._keep = timedelta(days=keep_days)
        self._clock = clock
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
        self._tell(self._watch.level(fresh=True))
        now = self._clock()
        limit, over = now - self._keep, now - _LONGEST_WINDOW
        for _ in range(_AT_ONCE):
            removed = retention.remove_oldest(limit) or retention.remove_unseen(min(limit, over))
            why = "age"
            if removed is None and self._watch.level(fresh=True) >= Level.TIGHT:
                removed = retention.remove_oldest(_ANY_TIME) or retention.remove_unseen(over)
                why = "room"
            if removed is None:
                return False
            _count(removed, why)
            self._watch.note_used(retention.used_bytes())
        return True

    def _tell(self, level: Level) -> None:
        free = self._watch.free_bytes
        if level is not self._status.level:
            say = _log.warning if level > self._status.level else _log.info
            say(
                "storage_level",
                level=level.name.lower(),
                free_mb=free // 2**20,
                gives_up=_GIVES_UP[level],
            )
        self._status = StorageStatus(level, free)
        metrics.STORAGE_LEVEL.set(level)
        metrics.STORAGE_FREE.set(free)


def open_retention(
    path: Path, open_cases: str, journal: Journal | None = None
) -> Callable[[], Retention]:
    """How a housekeeper gets its remover."""
    return lambda: Retention(path, open_cases=open_cases, journal=journal)


def _count(removed: Removed, why: str) -> None:
    _log.info(
        "delivered_removed",
        case=removed.subject,
        rows=removed.rows,
        files=removed.files,
        bytes=removed.size_bytes,
        why=why,
    )
    metrics.RETENTION_REMOVED.labels(what="rows", why=why).inc(removed.rows)
    metrics.RETENTION_REMOVED.labels(what="files", why=why).inc(removed.files)
    metrics.RETENTION_REMOVED.labels(what="bytes", why=why).inc(removed.size_bytes)
