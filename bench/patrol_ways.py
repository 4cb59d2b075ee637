"""The ways that ``bench/patrol.py`` compares, behind one face."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from edge.streams.beats import Budget, Patrolled, Visit
from edge.streams.patrol import Patrol


class Way(Protocol):
    """What the simulation asks and tells."""

    def open(self, now: float) -> list[Visit]:
        """The visits to open now."""

    def looked(self, visit: Visit, now: float, events: int, open_cases: int) -> None:
        """A visit brought a look."""

    def failed(self, visit: Visit, now: float, code: str) -> None:
        """A visit brought nothing."""

    def rest(self, camera_id: str, now: float, until: float) -> None:
        """A camera is outside its hours until then."""

    def stretch(self) -> float:
        """The factor on revisit times now."""


class Patrolling:
    """The product's scheduler."""

    def __init__(self, cameras: Sequence[Patrolled], budget: Budget) -> None:
        self._patrol = Patrol(cameras, budget, 0.0)
        self.open = self._patrol.open
        self.failed = self._patrol.failed
        self.rest = self._patrol.rest

    def looked(self, visit: Visit, now: float, events: int, open_cases: int) -> None:
        """Pass on."""
        self._patrol.looked(visit, now, events=events, open_cases=open_cases)

    def stretch(self) -> float:
        """Ask."""
        state = self._patrol.state()
        return max([state.stretch, *state.platform_stretch.values()])


class RoundRobin:
    """All cameras in turn, under the same budgets; a look is charged when it was brought."""

    def __init__(self, cameras: Sequence[Patrolled], budget: Budget) -> None:
        self._turn = deque(cameras)
        self._budget = budget
        self._tokens, self._now, self._visits = 0.0, 0.0, 0
        self._open: dict[str, int] = {camera.platform: 0 for camera in cameras}
        self._platform = {camera.camera_id: camera.platform for camera in cameras}
        self._resting: dict[str, float] = {}

    def open(self, now: float) -> list[Visit]:
        """Take from the front of the turn, put back at its end."""
        rate = self._budget.looks_per_s
        self._tokens = min(self._tokens + (now - self._now) * rate, max(rate, 1.0))
        self._now = now
        visits: list[Visit] = []
        held = sum(self._open.values())
        for _ in range(len(self._turn)):
            if self._tokens < 1 or held >= self._budget.streams:
                break
            camera = self._turn[0]
            name = camera.platform
            if self._resting.get(camera.camera_id, -1.0) <= now:
                if self._open[name] >= self._budget.platform_streams.get(name, held + 1):
                    break
                self._open[name] += 1
                held += 1
                self._tokens -= 1
                self._visits += 1
                visits.append(Visit(camera.camera_id, self._visits, "revisit", now))
            self._turn.rotate(-1)
        return visits

    def looked(self, visit: Visit, _now: float, _events: int, _open_cases: int) -> None:
        """Close."""
        self._open[self._platform[visit.camera_id]] -= 1

    def failed(self, visit: Visit, _now: float, _code: str) -> None:
        """Close; the look was not used."""
        self._open[self._platform[visit.camera_id]] -= 1
        self._tokens += 1

    def rest(self, camera_id: str, _now: float, until: float) -> None:
        """Pass it over until then."""
        self._resting[camera_id] = until

    def stretch(self) -> float:
        """It promises nothing."""
        return 1.0
