"""Patrol (轮巡): which camera is opened next, so that none is left alone for too long.

Pure and deterministic: it reads no clock and does nothing. It is told ``now`` (monotonic seconds)
and says which visits to open; it is told what came of each, and learns.

First come cameras whose revisit time runs out, earliest first (EDF). When the budgets do not
suffice, all revisit times are stretched by one common factor, which is reported; a platform whose
own cap on streams binds stretches the times of its own cameras. What is left of the look budget
goes where a look is worth most: event rate seen (decayed) times the time a look covers, and open
cases that wait to be seen gone. Failing cameras wait ever longer, at most ``retry_max_s`` or as
long as their share of the streams takes to go round, and hold no more than that share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush

from edge.streams.beats import Budget, Patrolled, PatrolState, Policy, Visit, Why
from edge.streams.budgets import Looks, Streams
from edge.streams.platforms import Platforms
from edge.streams.turns import Turn, Turns
from edge.streams.wishes import Wishes

_GOLDEN = 0.6180339887498949
_PLAN_EVERY_S = 1.0


class Patrol:
    """The scheduler. Not thread-safe; O(log cameras + platforms) a visit.

    ``open`` is to be called at least every few seconds: a longer step counts as
    ``policy.leap_s``, so that a box that slept does not find everything overdue at once.

    Args:
        cameras: each id once.
        budget: what all visits together may cost.
        now: monotonic seconds.
        policy: how it decides.
    """

    def __init__(
        self, cameras: Sequence[Patrolled], budget: Budget, now: float, policy: Policy | None = None
    ) -> None:
        self._policy = policy or Policy()
        self._now = now
        self._planned_at = -float("inf")
        self._common = 1.0
        self._visits = 0
        self._phase = 0.0
        self._looks = Looks(budget.looks_per_s, max((c.looks for c in cameras), default=1))
        self._streams = Streams(budget.streams, self._policy.failing_share)
        self._open: dict[int, Visit] = {}
        self._wishes = Wishes()
        self._wakes: list[tuple[float, int, Turn]] = []
        self._turns: dict[str, Turn] = {}
        self._platforms = Platforms(budget, self._policy)
        for order, camera in enumerate(cameras):
            self._add(Turn(camera, order, self._policy))

    def _add(self, turn: Turn) -> None:
        camera = turn.camera
        if camera.camera_id in self._turns:
            raise ValueError(f"camera {camera.camera_id} is given twice")
        self._turns[camera.camera_id] = turn
        turns = self._turns_of(turn)
        turns.count(turn, 1)
        turns.begin(turn, self._next_phase())

    def open(self, now: float) -> list[Visit]:
        """The visits to open now."""
        self._advance(now)
        visits = self._open_asked()
        while self._streams.free_to_retry and not self._looks.in_debt:
            failing = self._platforms.first_retry(self._now)
            if failing is None:
                break
            visits.append(self._visit(failing, "retry"))
        while self._streams.free:
            turn, why = self._platforms.first_due(), "revisit"
            if turn is None:
                turn, why = self._platforms.first_spare(), "spare"
            if turn is None or not self._looks.enough(turn.camera.looks):
                break
            self._looks.charge(turn.camera.looks)
            visits.append(self._visit(turn, "revisit" if why == "revisit" else "spare"))
        return visits

    def looked(self, visit: Visit, now: float, *, events: int = 0, open_cases: int = 0) -> None:
        """A visit brought its looks.

        Args:
            visit: what ``open`` gave; a second outcome of the same visit is ignored.
            now: monotonic seconds.
            events: events seen for the first time.
            open_cases: cases at this camera that wait to be seen gone.
        """
        turn = self._close(visit, now)
        if turn is None:
            return
        turns = self._turns_of(turn)
        if visit.why == "retry":
            self._looks.charge(turn.camera.looks)
        if turn.attempts:
            turn.attempts, turn.code = 0, ""
            turns.failing -= 1
        elif not turn.resting:
            turns.count(turn, -1)
        turn.took(max(self._now - visit.opened_at, 0.0))
        turn.learn(self._now, events, self._policy)
        turn.open_cases = open_cases
        if not turn.resting:
            turns.count(turn, 1)
            turns.again(turn)
        else:
            turn.last_v = turns.clock_v

    def failed(self, visit: Visit, now: float, code: str) -> None:
        """A visit brought nothing; a second outcome of the same visit is ignored."""
        turn = self._close(visit, now)
        if turn is None:
            return
        turns = self._turns_of(turn)
        if visit.why != "retry":
            self._looks.give_back(turn.camera.looks)
        if not turn.attempts:
            turns.failing += 1
            if not turn.resting:
                turns.count(turn, -1)
        turn.attempts += 1
        turn.code = code
        turn.retry_at = self._now + self._delay_s(turn.attempts)
        if not turn.resting:
            turns.retry(turn, turn.retry_at)

    def ask(self, camera_id: str, now: float, every_s: float, until: float) -> None:
        """Somebody wants to look now, and every so many seconds until then.

        Such visits come before all others, also of failing and resting cameras; they keep within
        the caps on streams, and what they take of the look budget others go without. Who asks
        while another does gets the shorter interval and the later end for both.

        Raises:
            KeyError: no such camera.
        """
        turn = self._turns[camera_id]
        self._advance(now)
        self._wishes.add(turn, self._now, every_s, until)

    def budget(self, looks_per_s: float) -> None:
        """The box can do more looks a second, or less, than was thought.

        Raises:
            ValueError: not above 0.
        """
        if not looks_per_s > 0:
            raise ValueError("a patrol needs looks_per_s above 0")
        self._looks.change(looks_per_s)

    def rest(self, camera_id: str, now: float, until: float) -> None:
        """A camera needs no look until then (its hours are over); in the past: from now on.

        Raises:
            KeyError: no such camera.
        """
        turn = self._turns[camera_id]
        self._advance(now)
        if until <= self._now:
            self._wake(turn)
            return
        if not turn.resting:
            turn.resting = True
            if not turn.attempts:
                self._turns_of(turn).count(turn, -1)
        turn.rest_until = until
        if not turn.in_wake or until < turn.wake_at:
            turn.in_wake, turn.wake_at = True, until
            heappush(self._wakes, (until, turn.order, turn))

    def state(self) -> PatrolState:
        """What operators should see; O(cameras)."""
        return PatrolState(
            cameras=len(self._turns),
            stretch=self._common,
            platform_stretch=self._platforms.stretched_beyond(self._common),
            open_streams=self._streams.held,
            overdue=sum(
                turn.deadline_v < turns.clock_v and not (turn.busy or turn.attempts or turn.resting)
                for turn in self._turns.values()
                for turns in (self._turns_of(turn),)
            ),
            failing=Counter(turn.code for turn in self._turns.values() if turn.attempts),
            resting=sum(turn.resting for turn in self._turns.values()),
        )

    def _turns_of(self, turn: Turn) -> Turns:
        return self._platforms.of(turn)[0]

    def _next_phase(self) -> float:
        """Multiples of the golden section: however many follow each other, they lie evenly."""
        self._phase = (self._phase + _GOLDEN) % 1.0
        return self._phase

    def _delay_s(self, attempt: int) -> float:
        policy = self._policy
        ceiling = min(policy.retry_max_s, policy.retry_min_s * 2.0 ** min(attempt - 1, 30))
        return ceiling * (0.75 + 0.25 * self._next_phase())

    def _advance(self, now: float) -> None:
        """Time passes; backwards it does not, and a leap counts for little."""
        dt = now - self._now
        if dt <= 0:
            return
        self._now = now
        dt = min(dt, self._policy.leap_s)
        self._wake_due()
        if self._now - self._planned_at >= _PLAN_EVERY_S:
            self._planned_at = self._now
            self._common = self._platforms.plan(self._looks, self._streams)
        self._looks.advance(dt)
        self._streams.advance(dt)
        self._platforms.advance(dt)

    def _wake_due(self) -> None:
        while self._wakes and self._wakes[0][0] <= self._now:
            at, order, turn = heappop(self._wakes)
            if at != turn.wake_at:
                continue
            turn.in_wake = False
            if turn.resting and turn.rest_until > self._now:
                turn.in_wake, turn.wake_at = True, turn.rest_until
                heappush(self._wakes, (turn.rest_until, order, turn))
            else:
                self._wake(turn)

    def _wake(self, turn: Turn) -> None:
        if not turn.resting:
            return
        turn.resting = False
        turns = self._turns_of(turn)
        if turn.attempts:
            if not turn.busy:
                turns.retry(turn, max(turn.retry_at, self._now))
            return
        turns.count(turn, 1)
        if not turn.busy:
            turns.begin(turn, self._next_phase())

    def _open_asked(self) -> list[Visit]:
        visits = []
        for wish in self._wishes.due(self._now):
            platform = self._platforms.of(wish.turn)[1]
            if platform.free and self._streams.free:
                wish.next_at = self._now + wish.every_s
                self._looks.charge(wish.turn.camera.looks)
                visits.append(self._visit(wish.turn, "asked"))
        return visits

    def _visit(self, turn: Turn, why: Why) -> Visit:
        turns, streams = self._platforms.of(turn)
        retry = why == "retry"
        if retry:
            turns.take_retry()
        self._streams.open(retry=retry)
        streams.open(retry=retry)
        turn.busy = True
        self._visits += 1
        camera = turn.camera
        visit = Visit(
            camera.camera_id, self._visits, why, self._now, camera.looks, preset=camera.preset
        )
        self._open[visit.number] = visit
        return visit

    def _close(self, visit: Visit, now: float) -> Turn | None:
        if self._open.pop(visit.number, None) is None:
            return None
        self._advance(now)
        turn = self._turns[visit.camera_id]
        turn.busy = False
        retry = visit.why == "retry"
        held_s = max(self._now - visit.opened_at, 0.0)
        self._streams.close(held_s, retry=retry)
        self._platforms.of(turn)[1].close(held_s, retry=retry)
        return turn
