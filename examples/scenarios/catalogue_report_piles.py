"""Piled materials, the second report set: other grounds, things, arrivals, weather and cadence."""

from __future__ import annotations

from _casting import HOTEL, crowd, waiting
from _film import Points, Scenario, Script, Truth, Zone
from _goods import bags, cartons, planter
from _heaps import branches, brick_stack, full_bin, planks, sacks, sand, sofa
from _people import carrying, person, van
from _stage import Actor, Lens, Stage, goes, stands
from _vehicles import car, lettered_van, scooter
from _views import COBBLES, MIRROR, PAVED, PAVEMENT, ROAD, ROW, WEST, along_row, desk_of
from _weather import (
    clouds,
    headlights,
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
TALL = Lens((640, 480), [(240, 120), (680, 140), (680, 470), (240, 450)])


def _zone(corners: Points) -> list[Zone]:
    return [Zone("footway", corners)]


def mirror_sand(world: World) -> Script:
    tips = goes((58, 830, 400), (66, 560, 330), (84, 560, 330), (92, 830, 410))
    cast = [
        Actor(lettered_van("", "", (70, 120, 190)), tips, size=0.9, shadow=0.7),
        Actor(sand(2), stands(610, 388, 80), shadow=0.25),
    ]
    return Script(
        Stage(world.plaza, cast, lens=MIRROR, first_look=60),
        _zone(PAVED),
        [Truth("footway", 80, 270)],
        sensor=(clouds(0.2, 64), noise(2.0)),
    )


def row_sofa(world: World) -> Script:
    cast = [
        Actor(sofa(), stands(420, 600, 66), shadow=0.5),
        Actor(cartons(2, 21), stands(560, 590, 90)),
        *crowd(ROW, 9, 81, 260),
    ]
    return Script(
        Stage(world.row, cast),
        _zone(ROAD),
        [Truth("footway", 66, 260)],
        sensor=(light(1.1, -0.15), noise(2.0)),
    )


def gate_sacks(world: World) -> Script:
    cast = [
        Actor(sacks(5, 1), stands(160, 590, 70)),
        Actor(sacks(3, 4), stands(80, 640, 130)),
        *crowd(((-60, 690, 420, 600), (430, 610, -60, 700)), 5, 82, 300, takes_s=(8, 12)),
    ]
    return Script(
        Stage(world.gate, cast),
        _zone(COBBLES),
        [Truth("footway", 70, 300)],
        sensor=(clouds(0.25, 110), noise(2.2)),
    )


def west_planks_night(world: World) -> Script:
    cast = [Actor(planks(14, 3), stands(450, 318, 68), shadow=0.4)]
    night = light(0.42, 0.6)
    beams = headlights(120, 170, 226, row=0.45, strength=90)
    return Script(
        Stage(world.plaza, cast, lens=WEST, first_look=110),
        _zone(PAVED),
        [Truth("footway", 68, 270)],
        sensor=(night, beams, noise(3.8)),
    )


def hotel_bin_rain(world: World) -> Script:
    cast = [
        Actor(full_bin(), stands(330, 470, 0)),
        Actor(bags(5, 31), stands(400, 476, 64)),
        Actor(branches(2), stands(560, 478, 86), shadow=0.3),
        *crowd(HOTEL, 8, 83, 280),
    ]
    return Script(
        Stage(world.hotel, cast),
        _zone(PAVEMENT),
        [Truth("footway", 64, 280)],
        sensor=(light(0.75), rain(600, 20), soft(0.6), noise(2.6)),
    )


def containers_real_bags(world: World) -> Script:
    desk = desk_of(world)
    picks = (("20231005_164956", 0), ("20231005_163650", 1))
    cast = [
        Actor(desk.bag(name, part), stands(u, v, since), shadow=0.55)
        for (name, part), u, v, since in zip(picks, (330, 470), (330, 352), (62, 96), strict=True)
    ]
    cast += [Actor(cartons(3, 33), stands(180, 372, 62)), *crowd(along_row(430), 5, 84, 260)]
    return Script(
        Stage(desk.containers, cast),
        _zone(((0, 250), (600, 250), (640, 520), (0, 520))),
        [Truth("footway", 62, 260)],
        sensor=(clouds(0.15), noise(2.0)),
    )


def lot_bricks(world: World) -> Script:
    cast = [
        Actor(brick_stack(3), stands(330, 300, 64), shadow=0.5),
        Actor(sacks(4, 9), stands(560, 318, 100)),
        waiting("man_stripes", 690, 300, 60, 110),
    ]
    return Script(
        Stage(desk_of(world).street("2c2a2d"), cast),
        _zone(((0, 240), (960, 235), (960, 430), (0, 430))),
        [Truth("footway", 64, 280)],
        sensor=(light(1.05), soft(0.6), noise(1.8)),
    )


def row_scooters(world: World) -> Script:
    tints = ((170, 120, 30), (40, 40, 160), (90, 150, 60), (200, 200, 204))
    cast = [
        Actor(
            scooter(tint, box=n % 2 == 0),
            goes(
                (50 + 22 * n, 640, 540),
                (58 + 22 * n, u, v),
                (210 + 8 * n, u, v),
                (220 + 8 * n, 700, 760),
            ),
        )
        for n, (tint, u, v) in enumerate(
            zip(tints, (400, 470, 330, 250), (590, 566, 616, 640), strict=True)
        )
    ]
    return Script(
        Stage(world.row, [*cast, *crowd(ROW, 7, 85, 270)]),
        _zone(ROAD),
        sensor=(clouds(0.1), noise(2.0)),
    )


def mirror_unloads(world: World) -> Script:
    drive = goes((58, 830, 390), (66, 620, 340), (196, 620, 340), (204, 380, 262), (210, -60, 222))
    boxes = [
        Actor(cartons(2, 41), stands(560, 372, 84, 118)),
        Actor(cartons(1, 42), stands(540, 376, 140, 168)),
    ]
    courier = [
        waiting("man_red", 590, 368, 80, 120),
        Actor(carrying("man_walks", 3), goes((118, 590, 368), (138, 300, 255)), sway=1),
        waiting("man_red", 575, 372, 138, 170),
        Actor(carrying("man_walks", 3), goes((170, 575, 372), (188, 300, 255)), sway=1),
    ]
    cast = [Actor(van(), drive, size=0.9, shadow=0.75), *boxes, *courier]
    stage = Stage(world.plaza, cast, lens=MIRROR, first_look=130)
    return Script(stage, _zone(PAVED), sensor=(light(0.95), noise(2.0)))


def tall_wet_dusk(world: World) -> Script:
    dusk = light(ramp((0, 0.95), (90, 0.6), (260, 0.42)), ramp((0, -0.2), (260, 0.4)))
    beams = headlights(140, 176, 214, 240, row=0.6, strength=110)
    return Script(
        Stage(world.plaza, [], lens=TALL, first_look=90),
        _zone(PAVED),
        sensor=(dusk, beams, rain(420, 20, 0.12), noise(ramp((0, 2.0), (260, 3.8)))),
    )


def container_in_use(world: World) -> Script:
    brings = [
        Actor(
            carrying(name, 7 + n),
            goes((a, -100, 430), (a + 9, 250, 410), (a + 14, 250, 410)),
            sway=1,
        )
        for n, (name, a) in enumerate((("man_walks", 62), ("woman_red", 128), ("man_jeans", 190)))
    ]
    leaves = [
        Actor(person(name), goes((a + 14, 250, 410), (a + 24, -100, 430)), sway=1)
        for name, a in (("man_walks", 62), ("woman_red", 128), ("man_jeans", 190))
    ]
    scene = (shadow_of_tree(0.5, 0.75, 0.3, drift=1.5, dark=0.4),
             shadow_edge(0.05, 0.4, 40, 250, dark=0.35, below=0.3))  # fmt: skip
    return Script(
        Stage(desk_of(world).paving, [*brings, *leaves]),
        _zone(((0, 330), (960, 330), (960, 690), (0, 690))),
        scene=scene,
        sensor=(noise(2.0),),
    )


def lot_cars(world: World) -> Script:
    cast = [
        Actor(
            car((60, 58, 120)),
            goes((54, 1250, 300), (62, 380, 285), (208, 380, 285), (216, -300, 300)),
            shadow=0.7,
        ),
        Actor(
            car((190, 192, 196)).mirrored(),
            goes((96, -300, 255), (106, 560, 246), (999, 560, 246)),
            shadow=0.7,
        ),
        Actor(person("man_back"), goes((64, 300, 300), (76, 140, 330), (84, -60, 350)), sway=1),
        Actor(planter(), stands(800, 330)),
    ]
    return Script(
        Stage(desk_of(world).street("7eea5f"), cast),
        _zone(((0, 200), (900, 190), (960, 260), (960, 430), (0, 430))),
        sensor=(clouds(0.2, 75), noise(1.8)),
    )


def _one(name: str, make: object, *tags: str, core: bool = True, **more: object) -> Scenario:
    return Scenario(f"pile-{name}", KIND, "report", tags, make, core=core, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _one("mirror-sand", mirror_sand, "sand", "arrives", "clouds", looks=90, cadence_s=3.0),
    _one("row-sofa", row_sofa, "furniture", "cartons", "growing"),
    _one(
        "gate-sacks", gate_sacks, "sacks", "growing", "near view", "clouds", looks=60, cadence_s=5.0
    ),
    _one(
        "west-planks-night",
        west_planks_night,
        "boards",
        "night",
        "headlights",
        looks=108,
        cadence_s=2.5,
        kb=38,
        starts_at="2026-06-01T20:30:00+08:00",
    ),
    _one(
        "hotel-bin-rain",
        hotel_bin_rain,
        "bags",
        "bins",
        "branches",
        "rain",
        looks=70,
        cadence_s=4.0,
        kb=26,
    ),
    _one(
        "containers-real-bags",
        containers_real_bags,
        "bags",
        "cartons",
        "real bags",
        "bins",
        core=False,
    ),
    _one("lot-bricks", lot_bricks, "bricks", "sacks", "sun", core=False, looks=70, cadence_s=4.0),
    _one(
        "neg-row-scooters", row_scooters, "negative", "parked motorcycle", looks=90, cadence_s=3.0
    ),
    _one(
        "neg-mirror-unloads", mirror_unloads, "negative", "delivery person", "parked van", "cartons"
    ),
    _one(
        "neg-tall-wet-dusk",
        tall_wet_dusk,
        "negative",
        "rain",
        "day to night",
        "headlights",
        kb=30,
        starts_at="2026-06-01T18:40:00+08:00",
    ),
    _one(
        "neg-container-in-use",
        container_in_use,
        "negative",
        "bins",
        "moving shadow",
        "delivery person",
        core=False,
    ),
    _one("neg-lot-cars", lot_cars, "negative", "parked cars", "planters", "clouds", core=False),
)
