"""How often something may be tried, in memory that does not grow.

A key (address, name) falls into one of a fixed number of slots by a hash with a secret of this
process. Nothing is ever evicted, so no flood of other keys makes room for new tries; two keys in
one slot share its tries, which an attacker cannot arrange.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable

SLOTS = 4096


class Throttle:
    """``tries`` for a key at once, then one more each ``per_s / tries`` seconds. Thread-safe.

    Args:
        tries: how many.
        per_s: seconds until all of them are there again.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self, tries: int, per_s: float, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._tries = float(tries)
        self._refill = tries / per_s
        self._ticks = ticks
        self._secret = os.urandom(16)
        self._lock = threading.Lock()
        self._left = [self._tries] * SLOTS
        self._at = [ticks()] * SLOTS

    def take(self, key: str) -> float:
        """Use up one try; 0.0, or the seconds until there is one again."""
        slot = self._slot(key)
        with self._lock:
            now = self._ticks()
            left = min(self._tries, self._left[slot] + (now - self._at[slot]) * self._refill)
            self._at[slot] = now
            self._left[slot] = left - 1 if left >= 1 else left
            return 0.0 if left >= 1 else (1 - left) / self._refill

    def give_back(self, key: str) -> None:
        """The try was a good one: it does not count."""
        slot = self._slot(key)
        with self._lock:
            self._left[slot] = min(self._tries, self._left[slot] + 1)

    def _slot(self, key: str) -> int:
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), key=self._secret, digest_size=4)
        return int.from_bytes(digest.digest(), "big") % SLOTS
