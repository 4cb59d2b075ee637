"""How sure a figure is: intervals for shares and rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.review.precision import precision


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """95 % interval of a share (Wilson's score interval), None without trials."""
    if trials <= 0:
        return None
    interval = precision(successes, trials)
    return round(interval.low, 4), round(interval.high, 4)


def poisson_upper(count: int) -> float:
    """Upper end of the one-sided 95 % interval of a Poisson mean, given the count seen.

    The mean at which seeing so few has a probability of 5 %: 3.00 for none (the rule of three).
    """
    low, high = float(count), count + 10.0 * math.sqrt(count + 1) + 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, middle) > 0.05 else (low, middle)
    return high


def _at_most(count: int, mean: float) -> float:
    term = total = math.exp(-mean)
    for step in range(1, count + 1):
        term *= mean / step
        total += term
    return total


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
