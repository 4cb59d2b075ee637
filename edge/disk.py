"""How much room the disk has left, in levels. Each gives up one more thing, in this order:

======  ==========================================================================
level   what is given up
======  ==========================================================================
ok      nothing
early   it is said aloud; suppressed findings are no longer kept
tight   delivered cases and their pictures before their time, the least important
        and then the oldest first; no new clear originals are kept
full    new case drafts are refused; what is committed stays and is delivered
======  ==========================================================================
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from edge.errors import Code, StoreError
from edge.sqlite import as_store_error

_LOOK_EVERY_S = 0.5
_CALM = 1.1
"""A level is left only with a tenth more room than its mark, so that it does not flicker."""


class Level(IntEnum):
    """See the table above."""

    OK = 0
    EARLY = 1
    TIGHT = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Marks:
    """Free bytes at which each level begins; falling."""

    early: int
    tight: int
    full: int


class DiskWatch:
    """Looks at the free space, at most twice a second. Any thread.

    Args:
        folder: on the disk in question.
        marks: where the levels begin.
        quota_bytes: the box may use so much of the disk altogether; None: all of it.
        free: bytes free on the disk; the system's answer when None.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        folder: Path,
        marks: Marks,
        *,
        quota_bytes: int | None = None,
        free: Callable[[], int] | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._marks = marks
        self._quota_bytes = quota_bytes
        self._used = 0
        self._free = free or self._ask
        self._ticks = ticks
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._level = Level.OK
        self._free_bytes = 0

    @property
    def free_bytes(self) -> int:
        """At the last look."""
        return self._free_bytes

    @property
    def where(self) -> str:
        """The folder that it looks at, for people."""
        return str(self._folder)

    def note_used(self, used_bytes: int) -> None:
        """Told by whoever knows how much of the quota is used."""
        self._used = used_bytes

    def level(self, *, fresh: bool = False) -> Level:
        """How things stand, half a second old unless ``fresh``.

        Raises:
            StoreError: the disk does not even say how full it is.
        """
        with self._lock:
            now = self._ticks()
            if fresh or now - self._looked >= _LOOK_EVERY_S:
                self._free_bytes = self._free()
                if self._quota_bytes is not None:
                    self._free_bytes = min(self._free_bytes, self._quota_bytes - self._used)
                self._level = self._judge(self._free_bytes)
                self._looked = now
            return self._level

    def admit(self) -> None:
        """Before anything of a new case draft is written.

        Raises:
            StoreError: refused (STO-006), nothing was written; or the disk does not answer.
        """
        if self.level() is Level.FULL:
            raise StoreError(
                Code.STO_ROOM,
                str(self._folder),
                f"only {self._free_bytes // 2**20} MB are left: new case drafts are refused",
                "Free space or raise the quota; what is committed is kept and delivered",
            )

    def _judge(self, free: int) -> Level:
        for level, mark in (
            (Level.FULL, self._marks.full),
            (Level.TIGHT, self._marks.tight),
            (Level.EARLY, self._marks.early),
        ):
            if free < mark * (_CALM if self._level >= level else 1.0):
                return level
        return Level.OK

    def _ask(self) -> int:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError as error:
            raise as_store_error(self._folder, error) from error
