"""Whose turn it is among the cameras of one platform.

The platform has a clock of its own that runs slower by the factor its revisits are stretched by:
when the factor changes, no queue has to be sorted again. A camera stands at most once in each
queue; an entry that has become too early is moved when it comes up.
"""

from __future__ import annotations

from heapq import heappop, heappush

from edge.streams.beats import Patrolled, Policy

_CASE_VALUE = 1.0
_SOONER = 0.97


class Turn:
    """What a patrol knows about one camera. Times ending in ``_v`` are the platform's clock."""

    __slots__ = (
        "attempts", "busy", "camera", "code", "deadline_v", "due_v", "events", "exposure_s",
        "first_v", "hold_s", "in_spare", "in_wake", "in_wheel", "last_v", "looked_at",
        "open_cases", "order", "rest_until", "resting", "retry_at", "slow_s", "value", "wake_at",
        "want_v",
    )  # fmt: skip

    def __init__(self, camera: Patrolled, order: int, policy: Policy) -> None:
        self.camera = camera
        self.order = order
        self.hold_s = self.slow_s = policy.first_hold_s
        self.last_v = self.looked_at = -float("inf")
        self.first_v = self.deadline_v = self.due_v = self.want_v = self.value = 0.0
        self.events = self.exposure_s = 0.0
        self.attempts = self.open_cases = 0
        self.code = ""
        self.busy = self.resting = False
        self.in_wheel = self.in_spare = self.in_wake = False
        self.rest_until = self.wake_at = self.retry_at = -float("inf")

    def learn(self, now: float, events: int, policy: Policy) -> None:
        """Count what a look found; what was found long ago counts less."""
        gap_s = now - self.looked_at
        if gap_s < float("inf"):
            fade = 0.5 ** (gap_s / policy.half_life_s)
            self.exposure_s = self.exposure_s * fade + min(gap_s, self.camera.lasts_s)
            self.events *= fade
        self.events += events
        self.looked_at = now

    def rate(self, policy: Policy) -> float:
        """Events a second: what was seen, with one event's weight of what is usual."""
        return (self.events + 1.0) / (self.exposure_s + 1.0 / policy.prior_per_s)

    def took(self, held_s: float) -> None:
        """Learn how long a visit takes: its mean, and a slowly forgotten maximum."""
        self.hold_s += 0.2 * (held_s - self.hold_s)
        self.slow_s = max(held_s, 0.95 * self.slow_s)


_Queue = list[tuple[float, int, Turn]]


class Turns:
    """The queues of one platform."""

    def __init__(self, policy: Policy) -> None:
        self.clock_v = 0.0
        self.stretch = 1.0
        self.looks_wanted = 0.0
        self.streams_wanted = 0.0
        self.failing = 0
        self.due: _Queue = []
        self._policy = policy
        self._early: _Queue = []
        self._waiting: _Queue = []
        self._ready: _Queue = []
        self._retries: _Queue = []

    def advance(self, dt: float) -> None:
        """Let ``dt`` seconds pass."""
        self.clock_v += dt / self.stretch
        while self._early and self._early[0][0] <= self.clock_v:
            _, order, turn = heappop(self._early)
            if turn.due_v > self.clock_v:
                heappush(self._early, (turn.due_v, order, turn))
            else:
                heappush(self.due, (turn.deadline_v, order, turn))
        while self._waiting and self._waiting[0][0] <= self.clock_v:
            _, order, turn = heappop(self._waiting)
            if turn.want_v == float("inf"):
                turn.in_spare = False
            elif turn.want_v > self.clock_v:
                heappush(self._waiting, (turn.want_v, order, turn))
            else:
                heappush(self._ready, (-turn.value, order, turn))

    def count(self, turn: Turn, sign: int) -> None:
        """Add or take away what the camera wants of the budgets."""
        self.looks_wanted += sign * turn.camera.looks / turn.camera.revisit_s
        self.streams_wanted += sign * turn.hold_s / turn.camera.revisit_s

    def begin(self, turn: Turn, phase: float) -> None:
        """A camera that was not looked at for long joins at its place of the round, 0–1."""
        revisit_s = turn.camera.revisit_s
        known_v = turn.last_v + revisit_s
        turn.first_v = self.clock_v + phase * revisit_s
        self._plan(turn, known_v if known_v > self.clock_v else turn.first_v)
        if turn.last_v == -float("inf"):
            turn.want_v, turn.value = self.clock_v, float("inf")
            self._spare(turn)

    def again(self, turn: Turn) -> None:
        """A camera has just been looked at: plan the next look, and one that would be nice."""
        camera = turn.camera
        # The first look comes as soon as may be, the second at the camera's place of the round.
        early = turn.last_v == -float("inf") and turn.first_v > self.clock_v
        turn.last_v = self.clock_v
        self._plan(turn, turn.first_v if early else self.clock_v + camera.revisit_s)
        # A little sooner than what it waits for ends; of the platform's clock.
        want_s = min(_SOONER * camera.lasts_s / self.stretch, camera.revisit_s)
        if turn.open_cases:
            want_s = min(want_s, camera.revisit_s / self.stretch)
        if want_s >= camera.revisit_s * (1.0 - self._policy.window):
            turn.want_v = float("inf")
            return
        turn.want_v = self.clock_v + want_s
        events = turn.rate(self._policy) * want_s * self.stretch
        turn.value = (events + _CASE_VALUE * bool(turn.open_cases)) / camera.looks
        self._spare(turn)

    def _spare(self, turn: Turn) -> None:
        if not turn.in_spare:
            turn.in_spare = True
            heappush(self._waiting, (turn.want_v, turn.order, turn))

    def _plan(self, turn: Turn, deadline_v: float) -> None:
        revisit_s = turn.camera.revisit_s
        turn.deadline_v = deadline_v - min(turn.slow_s, revisit_s / 2)  # opening takes its time
        turn.due_v = turn.deadline_v - self._policy.window * revisit_s
        if not turn.in_wheel:
            turn.in_wheel = True
            heappush(self._early, (turn.due_v, turn.order, turn))

    def first_due(self) -> Turn | None:
        """The due camera whose time runs out first; it stays in the queue."""
        while self.due:
            key, order, turn = self.due[0]
            if turn.busy or turn.resting or turn.attempts:
                heappop(self.due)
                turn.in_wheel = False
            elif turn.deadline_v > key:
                heappop(self.due)
                heappush(self._early, (turn.due_v, order, turn))
            else:
                return turn
        return None

    def first_spare(self) -> Turn | None:
        """The camera at which an additional look is worth most; it stays in the queue."""
        while self._ready:
            _, order, turn = self._ready[0]
            if turn.busy or turn.resting or turn.attempts or turn.want_v == float("inf"):
                heappop(self._ready)
                turn.in_spare = False
            elif turn.want_v > self.clock_v:
                heappop(self._ready)
                heappush(self._waiting, (turn.want_v, order, turn))
            else:
                return turn
        return None

    def first_retry(self, now: float) -> Turn | None:
        """The failing camera that has waited longest beyond its time; it stays in the queue."""
        while self._retries and self._retries[0][0] <= now:
            at, _, turn = self._retries[0]
            # Who was looked at, or tried, because somebody asked left an entry behind.
            if turn.attempts and at == turn.retry_at and not (turn.resting or turn.busy):
                return turn
            heappop(self._retries)
        return None

    def retry(self, turn: Turn, at: float) -> None:
        """Try a failing camera at that time."""
        turn.retry_at = at
        heappush(self._retries, (at, turn.order, turn))

    def take_retry(self) -> None:
        """Take what ``first_retry`` gave."""
        heappop(self._retries)
