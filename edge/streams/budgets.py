"""Budgets of a patrol: looks a second, open streams, and by how much revisits must stretch."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_CHARGE_S = 120.0
_CREDIT_S = 30.0
_HALVINGS = 40
_EXACT = 1e-6  # what a sum of many shares may be off by; nobody should be told of such a stretch


class Looks:
    """A token bucket: a look is charged when its visit is opened, and given back if it fails.

    In any ``t`` seconds at most ``rate * t + burst`` looks are charged, net; looks that failing
    cameras give after all are charged late, and paid back before anything but an asked visit is
    opened, another failing camera included: those that come back all at once come in turn.

    Args:
        rate: looks a second.
        largest: most looks of one visit; the bucket must hold them.
    """

    def __init__(self, rate: float, largest: int) -> None:
        self._largest = float(largest)
        self._tokens = 0.0  # starting empty spreads the start
        self.change(rate)

    def change(self, rate: float) -> None:
        """Another rate from now on, looks a second."""
        self.rate = rate
        self.burst = max(rate, self._largest)
        self._tokens = min(self._tokens, self.burst)

    def advance(self, dt: float) -> None:
        """Let time pass, seconds."""
        self._tokens = min(self.burst, self._tokens + self.rate * dt)

    def enough(self, looks: int) -> bool:
        """Whether a visit of so many looks may be opened."""
        return self._tokens >= looks - 1e-9  # a sum of tenths is never quite one

    @property
    def in_debt(self) -> bool:
        """Whether looks were taken that nobody had paid for."""
        return self._tokens < -1e-9

    def charge(self, looks: int) -> None:
        """Pay; below zero for looks that nobody counted on."""
        self._tokens -= looks

    def give_back(self, looks: int) -> None:
        """A visit brought none."""
        self._tokens = min(self.burst, self._tokens + looks)


class Streams:
    """Open streams under one cap, and the share of their time that failing cameras may take.

    Args:
        most: streams at once.
        failing_share: of the stream time, for cameras that failed at their last visit.
    """

    def __init__(self, most: int, failing_share: float) -> None:
        self.most = most
        self.held = 0
        self._share = failing_share
        self._retries = 0
        self._most_retries = max(1, int(most * failing_share))
        self._credit_s = 0.0

    def advance(self, dt: float) -> None:
        """Let time pass, seconds."""
        rate = self._share * self.most
        self._credit_s = min(rate * _CREDIT_S, self._credit_s + rate * dt)

    @property
    def free(self) -> bool:
        """Whether another stream may be opened."""
        return self.held < self.most

    @property
    def free_to_retry(self) -> bool:
        """Whether a failing camera may be tried: with one stream only now and then."""
        return self.free and self._retries < self._most_retries and self._credit_s > 0

    def open(self, *, retry: bool) -> None:
        """Take one."""
        self.held += 1
        self._retries += retry

    def close(self, held_s: float, *, retry: bool) -> None:
        """Give it back after so many seconds."""
        self.held -= 1
        if retry:
            self._retries -= 1
            self._credit_s -= min(held_s, _LONGEST_CHARGE_S)

    def usable(self, *, failing: bool) -> float:
        """Streams that healthy cameras can count on."""
        return self.most * (1.0 - self._share) if failing else float(self.most)


def at_least_one(factor: float) -> float:
    """A stretch: 1 where the budget suffices, or misses by no more than the sums are off."""
    return factor if factor > 1.0 + _EXACT else 1.0


def common_stretch(
    demands: Sequence[tuple[float, float, float]], looks: float, streams: float
) -> float:
    """The least common factor on all revisit times with which the shared budgets suffice.

    Args:
        demands: by platform: looks a second and streams that its cameras want, and the factor its
            own cap forces on it (1 if none).
        looks, streams: what may be planned with.

    Returns:
        At least 1.
    """
    wants_looks = sum(demand[0] for demand in demands)
    wants_streams = sum(demand[1] for demand in demands)
    high = at_least_one(max(wants_looks / looks, wants_streams / streams))
    if high == 1.0 or all(demand[2] <= 1.0 for demand in demands):
        return high
    low = 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        used = [(want / max(middle, own), hold / max(middle, own)) for want, hold, own in demands]
        fits = sum(u[0] for u in used) <= looks and sum(u[1] for u in used) <= streams
        low, high = (low, middle) if fits else (middle, high)
    return high
