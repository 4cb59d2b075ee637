"""Piled materials: what is left on the ground, and what only looks like it."""

from __future__ import annotations

import numpy as np
from _casting import HOTEL, LANE, PLAZA, crowd, waiting
from _film import Points, Scenario, Script, Truth, Zone
from _goods import bags, bin_, cartons, planter, rubbish_bag, rubble
from _people import carrying, person, van
from _stage import Actor, Lens, Stage, goes, stands
from _weather import (
    clouds,
    day_curve,
    headlights,
    lamp_warmth,
    light,
    noise,
    rain,
    ramp,
    shadow_edge,
    shadow_of_tree,
    soft,
)
from _world import World

KIND = "piled_materials"
FOOTWAY: Points = ((200, 225), (768, 200), (768, 490), (440, 388), (200, 280))
COBBLES: Points = ((20, 700), (330, 510), (560, 510), (780, 718), (40, 718))
PAVEMENT: Points = ((0, 440), (960, 440), (960, 500), (0, 500))
SIDE = Lens((768, 576), [(300, 150), (768, 120), (768, 520), (250, 480)])
NEAR = Lens((1280, 720), [(330, 170), (768, 170), (768, 416), (330, 416)])
SENSOR = (noise(1.8),)
END = 260.0


def _zone(corners: Points = FOOTWAY) -> list[Zone]:
    return [Zone("footway", corners)]


def bags_on_plaza(world: World) -> Script:
    cast = [Actor(bags(5, 2), stands(600, 330, 62)), Actor(cartons(2, 5), stands(690, 345, 62))]
    return Script(Stage(world.plaza, cast), _zone(), [Truth("footway", 62, END)], sensor=SENSOR)


def cartons_in_lane(world: World) -> Script:
    cast = [Actor(cartons(6, 3), stands(190, 640, 66)), *crowd(LANE, 12, 5, END)]
    return Script(
        Stage(world.lane, cast),
        _zone(COBBLES),
        [Truth("footway", 66, END)],
        sensor=(clouds(0.12), noise(2.0)),
    )


def growing(world: World) -> Script:
    spots = ((600, 300), (636, 306), (574, 312), (612, 322), (656, 320), (590, 330))
    cast = [
        Actor(rubbish_bag(50 + n, n), stands(u, v, 60 + 18 * n)) for n, (u, v) in enumerate(spots)
    ]
    return Script(
        Stage(world.plaza, cast, first_look=60), _zone(), [Truth("footway", 60, END)], sensor=SENSOR
    )


def rubble_in_rain(world: World) -> Script:
    cast = [Actor(rubble(), stands(620, 360, 64), shadow=0.3)]
    return Script(
        Stage(world.plaza, cast, first_look=25),
        _zone(),
        [Truth("footway", 64, END)],
        sensor=(rain(450), noise(2.4)),
    )


def bags_at_dusk(world: World) -> Script:
    cast = [Actor(bags(4, 8), stands(640, 640, 70)), *crowd(LANE, 9, 15, END)]
    dusk = light(ramp((0, 0.75), (END, 0.38)), ramp((0, -0.3), (END, 0.5)))
    return Script(
        Stage(world.lane, cast),
        _zone(COBBLES),
        [Truth("footway", 70, END)],
        sensor=(dusk, noise(3.2)),
    )


def side_cartons_low(world: World) -> Script:
    cast = [Actor(cartons(4, 9), stands(610, 300, 60))]
    return Script(
        Stage(world.plaza, cast, lens=SIDE, first_look=90),
        _zone(),
        [Truth("footway", 60, END)],
        sensor=SENSOR,
    )


def removed(world: World) -> Script:
    cast = [
        Actor(bags(4, 3), stands(590, 330, 0, 92)),
        Actor(cartons(3, 4), stands(650, 400, 0, 92)),
    ]
    return Script(Stage(world.plaza, cast, first_look=10), _zone(), sensor=SENSOR)


def parked_van(world: World) -> Script:
    path = goes((56, 800, 360), (62, 620, 330), (214, 620, 330), (220, 400, 250), (224, -60, 215))
    return Script(
        Stage(world.plaza, [Actor(van(), path, size=0.9, shadow=0.75)], first_look=33),
        _zone(),
        sensor=SENSOR,
    )


def moving_shadow(world: World) -> Script:
    scene = (
        shadow_edge(0.15, 0.75, 50, 240, dark=0.5, below=0.69),
        shadow_of_tree(0.55, 0.86, 0.12, drift=1.2),
    )
    bright = light(1.35)
    return Script(
        Stage(world.lane, crowd(LANE, 8, 25, END)),
        _zone(COBBLES),
        scene=(bright, *scene),
        sensor=(noise(1.8),),
    )


def lights_at_night(world: World) -> Script:
    night = light(0.25, 0.6)
    beams = headlights(70, 96, 130, 151, 190, 222, row=0.55, strength=120)
    return Script(Stage(world.plaza, [], first_look=50), _zone(), sensor=(night, beams, noise(4.0)))


def shaking(world: World) -> Script:
    def gusts(t: float) -> tuple[float, float, float]:
        force = 1 + 2.5 * max(np.sin(t / 17), 0)
        return (
            float(force * 1.6 * np.sin(t * 2.9)),
            float(force * 1.2 * np.cos(t * 3.7)),
            float(force * 0.08 * np.sin(t * 1.7)),
        )

    return Script(
        Stage(world.plaza, [], lens=NEAR, shake=gusts, first_look=70), _zone(), sensor=SENSOR
    )


def ptz_moves(world: World) -> Script:
    lens = Lens((768, 576), [(240, 120), (768, 120), (768, 516), (240, 516)])
    other = Lens((768, 576), [(60, 80), (560, 80), (560, 455), (60, 455)])
    return Script(
        Stage(world.plaza, [], lens=lens, turn=(120.0, other), first_look=5), _zone(), sensor=SENSOR
    )


def heavy_rain(world: World) -> Script:
    dark = light(ramp((0, 0.9), (100, 0.65), (END, 0.8)))
    return Script(
        Stage(world.lane, crowd(LANE, 6, 35, END)),
        _zone(COBBLES),
        sensor=(dark, rain(1300, 24, 0.16), noise(3.0), soft(0.7)),
    )


def bins_day_to_night(world: World) -> Script:
    cast = [
        Actor(bin_(), stands(410, 476)),
        Actor(bin_(), stands(455, 478)),
        Actor(planter(), stands(640, 476)),
        *crowd(HOTEL, 9, 45, END),
    ]
    fading = light(ramp((40, 1.0), (200, 0.22)), ramp((40, 0.0), (200, 0.6)))
    return Script(
        Stage(world.hotel, cast),
        _zone(PAVEMENT),
        sensor=(fading, noise(ramp((40, 1.8), (200, 4.5)))),
    )


def slow_crowd(world: World) -> Script:
    groups = [
        waiting("man_grey", 600, 320, 50, 120),
        waiting("woman_red", 632, 324, 50, 130),
        waiting("man_bald", 560, 300, 90, 190),
        waiting("man_red", 530, 304, 96, 188),
        waiting("woman_bag", 690, 370, 130, 230),
        waiting("man_jeans", 722, 376, 126, 224),
    ]
    parcel = Actor(
        carrying("man_stripes"),
        goes((70, 800, 400), (80, 650, 380), (112, 650, 380), (122, 800, 420)),
        sway=1,
    )
    slow = crowd(PLAZA, 10, 55, END, takes_s=(50, 90))
    return Script(Stage(world.plaza, [*groups, parcel, *slow]), _zone(), sensor=SENSOR)


def patrol_lane(world: World) -> Script:
    stays = goes((3000, 640, 640), (4900, 640, 640))
    cast = [
        *crowd(LANE, 520, 65, 27000, takes_s=(45, 140)),
        Actor(person("man_side"), stays, sway=2),
    ]
    scene = (shadow_edge(0.9, 0.2, 0, 12000, dark=0.4, below=0.69),)
    return Script(
        Stage(world.lane, cast),
        _zone(COBBLES),
        scene=scene,
        sensor=(
            light(day_curve(14.0), lamp_warmth(14.0)),
            headlights(20500, row=0.85, strength=90, every_s=1320.0),
            noise(2.6),
        ),
    )


def _pos(name: str, make: object, *tags: str, split: str = "report", kb: float = 50) -> Scenario:
    return Scenario(f"pile-{name}", KIND, split, tags, make, kb=kb)  # type: ignore[arg-type]


def _neg(name: str, make: object, *tags: str, split: str = "report", **more: object) -> Scenario:
    return Scenario(f"pile-{name}", KIND, split, ("negative", *tags), make, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _pos("plaza-bags", bags_on_plaza, "bags", "cartons"),
    _pos("lane-cartons", cartons_in_lane, "cartons", "clouds", split="tuning"),
    _pos("plaza-growing", growing, "bags", "growing"),
    _pos("plaza-rubble-rain", rubble_in_rain, "rubble", "rain", kb=60),
    _pos("lane-bags-dusk", bags_at_dusk, "bags", "dusk"),
    _pos(
        "side-cartons-lowrate",
        side_cartons_low,
        "cartons",
        "other view",
        "low-rate",
        split="tuning",
        kb=14,
    ),
    _neg("neg-plaza-removed", removed, "removed", "ghost"),
    _neg("neg-plaza-parked-van", parked_van, "parked van", "vehicle"),
    _neg("neg-lane-shadow", moving_shadow, "moving shadow", split="tuning"),
    _neg("neg-plaza-headlights", lights_at_night, "headlights", "night"),
    _neg("neg-near-shake", shaking, "camera shake", kb=75),
    _neg("neg-plaza-ptz", ptz_moves, "PTZ move"),
    _neg("neg-lane-heavy-rain", heavy_rain, "rain", split="tuning"),
    _neg("neg-hotel-bins-night", bins_day_to_night, "bins", "planters", "day to night"),
    _neg("neg-plaza-slow-crowd", slow_crowd, "slow crowd", "delivery person", split="tuning"),
    _neg(
        "neg-lane-patrol",
        patrol_lane,
        "patrol",
        "day to night",
        "moving shadow",
        "headlights",
        looks=600,
        cadence_s=45.0,
        starts_at="2026-06-01T14:00:00+08:00",
        patrol=True,
    ),
)
