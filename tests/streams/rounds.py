"""A clock, cameras and their faults: drives a patrol and writes down all it does."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from edge.streams.beats import Budget, Patrolled, Policy, Visit
from edge.streams.patrol import Patrol


@dataclass
class Round:
    """What a patrol did between two times.

    Attributes:
        opened: (time, visit).
        looked: (time, camera id).
        failed: (time, camera id).
        stretches: (time, the largest factor reported).
        held: most streams open at once, by platform; ``None`` for all.
        after: states after the whole run, for comparing runs.
    """

    opened: list[tuple[float, Visit]] = field(default_factory=list)
    looked: list[tuple[float, str]] = field(default_factory=list)
    failed: list[tuple[float, str]] = field(default_factory=list)
    stretches: list[tuple[float, float]] = field(default_factory=list)
    held: dict[str | None, int] = field(default_factory=dict)
    after: object = None

    def gaps(self, camera_id: str, begin: float, end: float) -> list[tuple[float, float]]:
        """(from, to) without a look, the waits at both ends included."""
        times = [begin, *(at for at, who in self.looked if who == camera_id), end]
        return list(pairwise(times))

    def stretch_between(self, begin: float, end: float) -> float:
        """The largest factor that was reported meanwhile."""
        return max([1.0, *(s for at, s in self.stretches if begin - 1.5 <= at <= end + 1.5)])


def drive(
    cameras: Sequence[Patrolled],
    budget: Budget,
    *,
    until: float,
    step: float = 0.25,
    fails: Callable[[str, float], bool] = lambda _camera, _now: False,
    hold: tuple[float, float] = (0.2, 1.0),
    timeout: float = 5.0,
    clock: Callable[[float], float] = lambda now: now,
    seed: int = 0,
    policy: Policy | None = None,
    tell: Callable[[Patrol, float], None] = lambda _patrol, _now: None,
) -> Round:
    """Run a patrol; ``clock`` bends the time it is told, ``tell`` may call it at every step."""
    rng = random.Random(seed)
    patrol = Patrol(cameras, budget, clock(0.0), policy)
    platform = {camera.camera_id: camera.platform for camera in cameras}
    flying: list[tuple[float, int, Visit]] = []
    out = Round()
    open_now: dict[str | None, int] = {None: 0}
    for tick in range(int(until / step)):
        now = tick * step
        for entry in sorted(entry for entry in flying if entry[0] <= now):
            flying.remove(entry)
            visit = entry[2]
            open_now[None] -= 1
            open_now[platform[visit.camera_id]] -= 1
            if fails(visit.camera_id, now):
                out.failed.append((now, visit.camera_id))
                patrol.failed(visit, clock(now), "CAM-001")
            else:
                out.looked.append((now, visit.camera_id))
                patrol.looked(visit, clock(now), events=rng.random() < 0.05)
        tell(patrol, now)
        for visit in patrol.open(clock(now)):
            out.opened.append((now, visit))
            takes = timeout if fails(visit.camera_id, now) else rng.uniform(*hold)
            flying.append((now + takes, visit.number, visit))
            for key in (None, platform[visit.camera_id]):
                open_now[key] = open_now.get(key, 0) + 1
                out.held[key] = max(out.held.get(key, 0), open_now[key])
        if tick % max(int(1 / step), 1) == 0:
            state = patrol.state()
            assert state.open_streams == len(flying)
            largest = max([state.stretch, *state.platform_stretch.values()])
            out.stretches.append((now, largest))
    out.after = patrol.state()
    return out
