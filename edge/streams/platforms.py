"""All queues of a patrol, one set for each upstream platform, and what comes first over all."""

from __future__ import annotations

from collections.abc import Mapping

from edge.streams.beats import Budget, Policy
from edge.streams.budgets import Looks, Streams, at_least_one, common_stretch
from edge.streams.turns import Turn, Turns


class Platforms:
    """The platforms of a patrol.

    Args:
        budget: caps on streams.
        policy: how much of them is planned with.
    """

    def __init__(self, budget: Budget, policy: Policy) -> None:
        self._budget = budget
        self._policy = policy
        self._all: dict[str, tuple[Turns, Streams]] = {}

    def of(self, turn: Turn) -> tuple[Turns, Streams]:
        """The camera's; made when it is the first of its platform."""
        name = turn.camera.platform
        if name not in self._all:
            most = self._budget.streams
            most = min(most, self._budget.platform_streams.get(name, most))
            self._all[name] = Turns(self._policy), Streams(most, self._policy.failing_share)
        return self._all[name]

    def advance(self, dt: float) -> None:
        """Let ``dt`` seconds pass."""
        for turns, streams in self._all.values():
            streams.advance(dt)
            turns.advance(dt)

    def plan(self, looks: Looks, streams: Streams) -> float:
        """Stretch revisit times to what the budgets can bear; the common factor."""
        plan = self._policy.plan
        demands = []
        for turns, own_streams in self._all.values():
            usable = own_streams.usable(failing=turns.failing > 0)
            own = at_least_one(turns.streams_wanted / (plan * usable))
            demands.append((turns.looks_wanted, turns.streams_wanted, own))
        failing = any(turns.failing for turns, _ in self._all.values())
        usable = streams.usable(failing=failing)
        common = common_stretch(demands, plan * looks.rate, plan * usable)
        for (turns, _), (_, _, own) in zip(self._all.values(), demands, strict=True):
            turns.stretch = max(common, own)
        return common

    def stretched_beyond(self, common: float) -> Mapping[str, float]:
        """Platforms whose own cap stretches the revisits of their cameras further."""
        own = {name: turns.stretch for name, (turns, _) in self._all.items()}
        return {name: factor for name, factor in own.items() if factor > common}

    def first_retry(self, now: float) -> Turn | None:
        """The failing camera that has waited longest beyond its time."""
        best = None
        for turns, streams in self._all.values():
            if turns.failing and streams.free_to_retry:
                turn = turns.first_retry(now)
                if turn and (best is None or turn.retry_at < best.retry_at):
                    best = turn
        return best

    def first_due(self) -> Turn | None:
        """The camera whose time runs out first."""
        best, best_at = None, float("inf")
        for turns, streams in self._all.values():
            if turns.due and streams.free and (turn := turns.first_due()):
                # Each platform's clock runs at its own pace: compare what is left in seconds.
                at = (turn.deadline_v - turns.clock_v) * turns.stretch
                if at < best_at:
                    best, best_at = turn, at
        return best

    def first_spare(self) -> Turn | None:
        """The camera at which an additional look is worth most."""
        best = None
        for turns, streams in self._all.values():
            if streams.free:
                turn = turns.first_spare()
                if turn and (best is None or turn.value > best.value):
                    best = turn
        return best
