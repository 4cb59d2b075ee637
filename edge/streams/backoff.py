"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting time between attempts: doubled each time, with jitter, seconds."""

    min_s: float
    max_s: float

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before attempt ``attempt`` (1, 2, …)."""
        ceiling: float = min(self.max_s, self.min_s * 2.0 ** min(attempt - 1, 30))
        return random.uniform(0.5, 1.0) * ceiling  # noqa: S311 - spreads load, hides nothing
