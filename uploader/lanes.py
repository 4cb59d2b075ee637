"""Which rows are fresh, and how fast the others may go.

A row is *live* for its first minute in this process, *backlog* after that; whatever lies in the
outbox at the start is backlog. Nothing is stored: after an outage of days no row is rewritten,
and a wall clock that jumps moves no row from one lane to the other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

LIVE_S = 60.0
_STEP_S = 1.0
_BURST_S = 1.0


class Lane(StrEnum):
    """Live rows go first; the backlog fills what room they leave."""

    LIVE = "live"
    BACKLOG = "backlog"


class Boundary:
    """The last sequence number that is backlog: rows above it are live.

    Args:
        ticks: seconds that only ever grow.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, last_seq: int) -> int:
        """Told the newest number there is, often; returns the boundary."""
        now = self._ticks()
        if not self._seen:
            self._seen.append((now - LIVE_S, last_seq))
        elif now - self._seen[-1][0] >= _STEP_S:
            self._seen.append((now, last_seq))
        while len(self._seen) > 1 and now - self._seen[1][0] >= LIVE_S:
            self._seen.popleft()
        return self._seen[0][1]


class Pace:
    """A token bucket of bytes.

    Args:
        bytes_per_s: the rate; 0: no bound.
        ticks: seconds that only ever grow.
    """

    def __init__(self, bytes_per_s: int, ticks: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_s
        self._ticks = ticks
        self._tokens = bytes_per_s * _BURST_S
        self._at = ticks()

    def wait_s(self) -> float:
        """Seconds until the next message may go, 0 when it may go now."""
        if self._rate == 0:
            return 0.0
        now = self._ticks()
        self._tokens = min(self._rate * _BURST_S, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, -self._tokens / self._rate)

    def spend(self, size_bytes: int) -> None:
        """A message of this size went; a large one leaves a debt."""
        self._tokens -= size_bytes
