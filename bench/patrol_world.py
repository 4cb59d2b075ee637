"""Cameras, their hours and what happens before them, for ``bench/patrol.py``; and the bound."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge.streams.beats import Patrolled

DAY_S = 86400.0
PLATFORMS = 10


@dataclass(frozen=True)
class Scene:
    """What is different from scene to scene."""

    name: str
    looks_per_s: float
    failing: int = 0  # cameras dead from the 6th to the 12th hour, all at once
    uneven: bool = False


SCENES = (
    Scene("enough", 22.0),
    Scene("overload x2", 7.1),
    Scene("200 failing", 22.0, failing=200),
    Scene("uneven", 22.0, uneven=True),
)


@dataclass
class World:
    """The cameras and what happens before them; arrays by camera or by event."""

    cameras: list[Patrolled]
    rate: np.ndarray  # events a second while on duty
    lasts: np.ndarray  # seconds
    on: np.ndarray  # duty begins, seconds of the day
    off: np.ndarray  # duty ends; a day without end has 0 and DAY_S
    events: list[list[tuple[float, float]]]  # by camera: begin, end
    dead: tuple[float, float]
    n_dead: int


def make_world(scene: Scene, count: int, hours: float, seed: int) -> World:
    """Deal cameras, hours and events from a seed."""
    rng = np.random.default_rng(seed)
    revisit = rng.choice([300.0, 600.0], count, p=[0.7, 0.3])
    lasts = rng.choice([120.0, 600.0, 7200.0], count, p=[0.3, 0.4, 0.3])
    if scene.uneven:  # a few corners have most of it
        rate = rng.pareto(1.1, count) + 0.02
        rate = np.minimum(rate, 200.0)
    else:
        rate = np.ones(count)
    rate *= 3.0 / DAY_S / rate.mean()  # three events a camera and day
    by_day = rng.random(count) < 0.3  # three in ten are watched from 7 to 22 only
    on, off = np.where(by_day, 7 * 3600.0, 0.0), np.where(by_day, 22 * 3600.0, DAY_S)
    events = []
    for i in range(count):
        begin, end = on[i], min(off[i], hours * 3600.0)
        many = rng.poisson(rate[i] * max(end - begin, 0.0))
        starts = np.sort(rng.uniform(begin, end, many)) if many else np.empty(0)
        events.append([(float(t), float(t + lasts[i])) for t in starts])
    cameras = [
        Patrolled(f"c{i}", float(revisit[i]), f"p{i % PLATFORMS}", float(lasts[i]))
        for i in range(count)
    ]
    dead = (hours / 24 * 6 * 3600.0, hours / 24 * 12 * 3600.0)
    return World(cameras, rate, lasts, on, off, events, dead, scene.failing)


def best_possible(world: World, scene: Scene, hours: float, stretch: float | None) -> float:
    """Expected catches of the bound in the module's docstring; ``stretch``: with revisits owed."""
    edges = sorted({0.0, hours * 3600.0, *world.on, *world.off, *world.dead})
    revisit = np.array([camera.revisit_s for camera in world.cameras])
    caught = 0.0
    for begin, end in pairwise(e for e in edges if e <= hours * 3600.0):
        here = (world.on <= begin) & (end <= world.off)
        if world.dead[0] <= begin < world.dead[1]:
            here[: world.n_dead] = False
        most = np.where(here, 1.0 / world.lasts, 0.0)
        owed = np.where(here, 1.0 / (revisit * stretch), 0.0) if stretch else np.zeros(len(most))
        left = max(scene.looks_per_s - owed.sum(), 0.0)
        order = np.argsort(-world.rate * world.lasts, kind="stable")
        more = np.maximum(most - owed, 0.0)[order]
        taken = np.clip(left - (np.cumsum(more) - more), 0.0, more)
        f = owed.copy()
        f[order] += taken
        caught += float((world.rate * np.minimum(1.0, f * world.lasts))[here].sum()) * (end - begin)
        # What has begun when a stretch of time ends may still be caught in the next.
    return caught
