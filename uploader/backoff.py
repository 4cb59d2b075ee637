"""One helper for every retry."""

from __future__ import annotations

import random

from edge.errors import Code, GridpatrolError

_FIRST_S = 0.5
_LONGEST_S = 30.0
_FIRST_LOGIN_S = 15.0
_LONGEST_LOGIN_S = 120.0


def backoff_s(attempt: int, *, first_s: float, longest_s: float) -> float:
    """Seconds to wait: doubling, with jitter so that boxes do not come back in step.

    Args:
        attempt: 0 for the first failure.
        first_s: the first wait at most; at least half of it.
        longest_s: where doubling ends.
    """
    longest = min(longest_s, first_s * 2.0 ** min(attempt, 32))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing


class Patience:
    """How long to wait before the next connection."""

    def __init__(self) -> None:
        self._failures = 0

    def delay_s(self, fault: GridpatrolError, lived_s: float) -> float:
        """Seconds to wait after a connection ended.

        Args:
            fault: why it ended.
            lived_s: how long it lasted; one that lasted was no failure to connect.
        """
        if lived_s > _LONGEST_S:
            self._failures = 0
        attempt = self._failures
        self._failures += 1
        if fault.code == Code.MQT_REFUSED:
            # Trying a wrong password often locks accounts and helps nobody.
            return backoff_s(attempt, first_s=_FIRST_LOGIN_S, longest_s=_LONGEST_LOGIN_S)
        return backoff_s(attempt, first_s=_FIRST_S, longest_s=_LONGEST_S)
