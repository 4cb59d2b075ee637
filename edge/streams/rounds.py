"""The patrol at work: which visits are due, who makes them, and what came of them.

A visit is not over when the camera is closed but when its pictures have been analysed: a box that
cannot keep up with them opens fewer cameras, and the patrol stretches all revisit times alike.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.errors import Code
from edge.streams.beats import Budget, Patrolled, PatrolState, Visit
from edge.streams.messages import Closed, FrameHeader, Open, StateChange
from edge.streams.patrol import Patrol
from edge.streams.phase import Phase
from edge.streams.source import Source

_DEATHS_BEFORE_SUSPECT = 2


@dataclass
class _Flying:
    visit: Visit
    arrived: int = 0
    closed: Closed | None = None
    events: int = 0
    open_cases: int = 0

    @property
    def complete(self) -> bool:
        return self.closed is not None and self.arrived >= self.closed.pictures


class Rounds:
    """Drives a patrol. Not thread-safe; ``now`` is monotonic seconds throughout.

    Args:
        cameras: as the patrol must know them.
        sources: how each is opened.
        budget: what all visits together may cost.
        now: the beginning.
    """

    def __init__(
        self, cameras: Sequence[Patrolled], sources: Sequence[Source], budget: Budget, now: float
    ) -> None:
        self._patrol = Patrol(cameras, budget, now)
        self._sources = {source.camera_id: source for source in sources}
        self._flying: dict[int, _Flying] = {}
        self._to_send: deque[Open] = deque()
        self._phases = {name: Phase() for name in self._sources}
        self._up: dict[str, bool] = {}
        self._seen: dict[str, int] = {}
        self._deaths: dict[str, int] = {}

    def __contains__(self, camera_id: str) -> bool:
        return camera_id in self._sources

    @property
    def state(self) -> PatrolState:
        """What operators should see."""
        return self._patrol.state()

    def settle(self, now: float) -> None:
        """The pictures that were handed on have been analysed: their visits are over."""
        for number, flying in list(self._flying.items()):
            if flying.complete:
                del self._flying[number]
                self._patrol.looked(
                    flying.visit, now, events=flying.events, open_cases=flying.open_cases
                )

    def due(self, now: float) -> deque[Open]:
        """Visits that somebody must make now; whoever takes one removes it."""
        for visit in self._patrol.open(now):
            self._flying[visit.number] = _Flying(visit)
            self._to_send.append(self._order(visit, now))
        return self._to_send

    def _order(self, visit: Visit, now: float) -> Open:
        phase = self._phases[visit.camera_id]
        at = 0.0 if visit.why == "asked" else phase.not_before(now)
        source = self._sources[visit.camera_id]
        return Open(visit.number, source, visit.looks, at, phase.measure)

    def has_all(self, number: int) -> bool:
        """Whether nothing of a visit is on its way any more."""
        flying = self._flying.get(number)
        return flying is None or flying.complete

    def ask(self, camera_id: str, now: float, *, every_s: float, for_s: float) -> None:
        """Somebody wants to look now, and again and again for a while."""
        self._patrol.ask(camera_id, now, every_s, now + for_s)

    def budget(self, looks_per_s: float) -> None:
        """The box can do more, or less, than was thought."""
        self._patrol.budget(looks_per_s)

    def rest(self, camera_id: str, now: float, *, off: bool) -> StateChange:
        """A camera's hours are over, or have begun."""
        self._patrol.rest(camera_id, now, math.inf if off else now)
        self._up.pop(camera_id, None)
        return StateChange(camera_id, "resting" if off else "starting")

    def arrived(self, header: FrameHeader) -> int:
        """A picture of a visit was taken; how many there were of this camera."""
        if flying := self._flying.get(header.visit):
            flying.arrived += 1
        count = self._seen.get(header.camera_id, 0) + 1
        self._seen[header.camera_id] = count
        return count

    def closed(self, news: Closed, now: float) -> StateChange | None:
        """A camera was closed again; what this changes for whoever watches."""
        flying = self._flying.get(news.number)
        if flying is None:
            return None
        camera_id = flying.visit.camera_id
        if news.pictures:
            flying.closed = news
            if news.timing is not None:
                self._phases[camera_id].learn(news.timing)
            if not news.code:
                self._deaths.pop(camera_id, None)
            return self._told(camera_id, StateChange(camera_id, "up"))
        del self._flying[news.number]
        self._patrol.failed(flying.visit, now, news.code)
        return self._told(camera_id, StateChange(camera_id, "down", news.code, news.detail))

    def found(self, camera_id: str, *, events: int, open_cases: int) -> None:
        """What the pictures of a camera showed: events seen for the first time, cases open."""
        for flying in self._flying.values():
            if flying.visit.camera_id == camera_id:
                flying.events += events
                flying.open_cases = open_cases

    def lost(self, orders: Sequence[Open], code: Code, what: str, now: float) -> list[StateChange]:
        """The worker that made these visits is dead, and what it had not handed on is lost."""
        changes = []
        for order in orders:
            flying = self._flying.get(order.number)
            if flying is None:
                continue
            camera_id = order.source.camera_id
            if flying.closed is None:
                self._deaths[camera_id] = self._deaths.get(camera_id, 0) + 1
            detail = f"{what}. It is visited again by itself"
            news = Closed(order.number, flying.arrived, str(code), detail)
            if change := self.closed(news, now):
                changes.append(change)
        return changes

    def again(self, order: Open) -> None:
        """A visit that a dying worker had not come to; another one makes it."""
        self._to_send.appendleft(order)

    def is_suspect(self, camera_id: str) -> bool:
        """Whether workers die over this camera: it must not take others with it."""
        return self._deaths.get(camera_id, 0) >= _DEATHS_BEFORE_SUSPECT

    def _told(self, camera_id: str, change: StateChange) -> StateChange | None:
        """Success is news only once; a failure is told each time, as it is counted."""
        is_up = change.state == "up"
        if is_up and self._up.get(camera_id):
            return None
        self._up[camera_id] = is_up
        return change
