"""Crowds, queues and customers: who walks where, from a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from _people import NAMES, WALKERS, person
from _sprites import Sprite
from _stage import Actor, goes, stands

Line = tuple[float, float, float, float]
"""From ground pixel to ground pixel."""

# Ways people take on each ground.
PLAZA: tuple[Line, ...] = (
    (-20, 235, 790, 470),
    (790, 300, -20, 230),
    (480, 215, 780, 400),
    (790, 440, 430, 230),
)
LANE: tuple[Line, ...] = (
    (300, 505, 560, 760),
    (480, 780, 320, 505),
    (-40, 690, 420, 520),
    (600, 770, 340, 510),
)
HOTEL: tuple[Line, ...] = ((-40, 478, 1000, 480), (1000, 474, -40, 476))


def crowd(
    lines: Sequence[Line],
    count: int,
    seed: int,
    until: float,
    *,
    takes_s: tuple[float, float] = (9.0, 17.0),
    dress: Sequence[Sprite] = (),
) -> list[Actor]:
    """People who cross the picture, one after another and side by side."""
    rng = np.random.default_rng(seed)
    actors = []
    for number in range(count):
        u0, v0, u1, v1 = lines[int(rng.integers(len(lines)))]
        du, dv = rng.normal(0, 16), rng.normal(0, 7)
        start = until * number / count + rng.uniform(-4, 4)
        end = start + rng.uniform(*takes_s)
        sprite = (
            dress[number % len(dress)]
            if dress
            else person(WALKERS[int(rng.integers(len(WALKERS)))])
        )
        if (u1 < u0) == (number % 2 == 0):
            sprite = sprite.mirrored()
        path = goes((start, u0 + du, v0 + dv), (end, u1 + du, v1 + dv))
        actors.append(Actor(sprite, path, sway=1.0))
    return actors


def waiting(name: str, u: float, v: float, since: float = 0.0, until: float = 1e9) -> Actor:
    """Somebody who stands and shifts from foot to foot."""
    return Actor(person(name), stands(u, v, since, until), sway=2.0)


def queue(
    first: tuple[float, float],
    step: tuple[float, float],
    count: int,
    *,
    since: float,
    until: float,
    seed: int = 1,
) -> list[Actor]:
    """A queue that moves up one place every 25 seconds; who leaves is replaced at the end."""
    rng = np.random.default_rng(seed)
    actors = []
    pace = 25.0
    for number in range(count + int((until - since) / pace)):
        joins = max(number - count + 1, 0) * pace + since
        served = (number + 1) * pace + since
        stops = []
        t = joins
        while t < min(served, until):
            place = max((served - t) / pace - 1, 0)
            place = float(round(place))
            at = (first[0] + step[0] * place, first[1] + step[1] * place)
            stops += [(t, *at), (min(t + pace - 2, until), *at)]
            t += pace
        if len(stops) < 2:
            continue
        name = NAMES[int(rng.integers(len(NAMES)))]
        actors.append(Actor(person(name), goes(*stops), sway=1.5))
    return actors


def customers(
    at: tuple[float, float], since: float, until: float, seed: int = 1, *, come_from: float = -120.0
) -> list[Actor]:
    """Customers who come, stay for 15 to 40 seconds before the goods, and go."""
    rng = np.random.default_rng(seed)
    actors = []
    t = since
    while t < until - 30:
        stays = rng.uniform(15, 40)
        u, v = at[0] + rng.normal(0, 14), at[1] + rng.normal(0, 3)
        far = u + come_from * rng.uniform(0.8, 1.4)
        name = WALKERS[int(rng.integers(len(WALKERS)))]
        path = goes((t - 5, far, v + 4), (t, u, v), (t + stays, u, v), (t + stays + 5, far, v + 6))
        actors.append(Actor(person(name), path, sway=1.5))
        t += stays + rng.uniform(4, 22)
    return actors
