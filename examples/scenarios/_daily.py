"""What is common to the day-long films: their script and their entry in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from _day import CADENCE_S, LOOKS, Clock, infrared, lamplight, sky
from _film import Points, Scenario, Script, Zone
from _stage import Actor, OnWall, Stage
from _streets import Street
from _weather import Effect, noise
from _words import Quad
from _world import World


def drift(seed: int, sway: float = 0.4) -> Callable[[float], tuple[float, float, float]]:
    """A mast that bends with the sun's warmth and trembles in the wind, pixels."""
    phase = float(np.random.default_rng(seed).uniform(0, 6.3))

    def shake(t: float) -> tuple[float, float, float]:
        slow = np.sin(2 * np.pi * t / 86400 + phase)
        return (
            float(1.2 * slow + sway * np.sin(t * 0.77)),
            float(0.8 * slow + sway * np.cos(t * 1.31)),
            0.0,
        )

    return shake


def day_film(
    world: World, street: Street, clock: Clock, cast: Sequence[Actor], zone: Zone, *,
    walls: Sequence[OnWall] = (), scene: Sequence[Effect] = (), lit: Sequence[Quad] = (),
    seed: int = 1, depth: float = 0.22, grey_at_night: bool = False, windy: bool = False,
    weather: Sequence[Effect] = (),
) -> Script:  # fmt: skip
    """The script of a day: sky, weather, then night over the whole, then the sensor.

    Args:
        scene: shadows and the like, before the light.
        weather: rain and fog, before the lens but after the light.
        lit: what shines at night.
        grey_at_night: an infrared camera instead of lamps.
    """
    night = infrared(clock) if grey_at_night else lamplight(clock, street.lamps, lit)
    stage = Stage(
        street.ground(world, clock), cast, walls, lens=street.lens,
        shake=drift(seed) if windy else None, first_look=(7 * seed) % 150,
    )  # fmt: skip
    grain = noise(lambda t: 1.8 + 2.2 * (1 - clock.day(t)))
    return Script(stage, [zone], scene=(*scene, sky(seed, depth), night), sensor=(*weather, grain))


def ground_zone(street: Street, **extra: object) -> Zone:
    """The street's zone on the ground."""
    return Zone("kerb", street.zone, extra=extra)


def wall_zone(street: Street, *permitted: str) -> Zone:
    """The street's zone on the walls, and the wording that may hang there."""
    front: Points = street.front
    return Zone("wall", front, extra={"permitted_text": list(permitted)} if permitted else {})


def a_day(
    name: str, kind: str, start_h: int, make: Callable[[World, Clock], Script], *tags: str,
    core: bool = True, kb: float = 34.0,
) -> Scenario:  # fmt: skip
    """A catalogue's entry: 24 hours, a look every three minutes, all of it negative."""
    clock = Clock(float(start_h))
    return Scenario(
        name, kind, "report", ("negative", "day on a street", *tags),
        lambda world: make(world, clock), looks=LOOKS, cadence_s=CADENCE_S,
        starts_at=f"2026-06-02T{start_h:02d}:00:00+08:00", kb=kb, core=core, patrol=True,
    )  # fmt: skip
