"""Street vending: what is sold on the street, and what only looks like it."""

from __future__ import annotations

from _casting import HOTEL, LANE, PLAZA, crowd, customers, queue, waiting
from _film import Scenario, Script, Truth, Zone
from _goods import blanket, planter, shop_goods, stall, tricycle
from _people import carrying, person, under_parasol, van
from _stage import Actor, Lens, Stage, goes, stands
from _weather import clouds, day_curve, lamp_warmth, light, noise, rain, ramp, soft
from _world import World

KIND = "street_vending"
EAST = ((440, 225), (768, 215), (768, 490), (440, 390))
COBBLES = ((40, 700), (330, 510), (560, 510), (760, 718), (60, 718))
SIDE = Lens((768, 576), [(300, 150), (768, 120), (768, 520), (250, 480)])
NEAR = Lens((768, 576), [(410, 200), (768, 200), (768, 468), (410, 468)])
SENSOR = (noise(1.8),)


def _kerb(corners: object = EAST, **extra: object) -> Zone:
    return Zone("kerb", corners, extra=extra)  # type: ignore[arg-type]


def umbrella_stall(world: World) -> Script:
    vendor = waiting("man_coat", 706, 440, 66)
    cast = [Actor(stall(), stands(620, 436, 66)), vendor]
    return Script(
        Stage(world.plaza, [*cast, *customers((575, 452), 80, 250, 3)]),
        [_kerb()],
        [Truth("kerb", 66, 260)],
        sensor=SENSOR,
    )


def blanket_evening(world: World) -> Script:
    cast = [Actor(blanket(), stands(620, 330, 60), shadow=0.2), waiting("man_back", 702, 316, 60)]
    cast += customers((610, 352), 90, 250, 5)
    evening = light(ramp((0, 0.62), (260, 0.40)), 0.45)
    return Script(
        Stage(world.plaza, cast),
        [_kerb()],
        [Truth("kerb", 60, 260)],
        sensor=(evening, noise(3.0)),
    )


def lane_table(world: World) -> Script:
    goods = Actor(stall(roof=False, table_cloth=(60, 60, 150)), stands(430, 585, 78))
    vendor = Actor(
        person("man_side"), goes((70, 330, 510), (78, 515, 572), (999, 515, 572)), sway=2
    )
    cast = [goods, vendor, *customers((390, 610), 95, 250, 8), *crowd(LANE, 9, 4, 260)]
    return Script(
        Stage(world.lane, cast),
        [_kerb(COBBLES)],
        [Truth("kerb", 78, 260)],
        sensor=(clouds(0.12), noise(2.0)),
    )


def side_tricycle_rain(world: World) -> Script:
    cast = [
        Actor(tricycle(), goes((60, 780, 380), (68, 600, 345), (999, 600, 345))),
        Actor(person("man_wide"), goes((60, 760, 392), (68, 672, 340), (999, 672, 340)), sway=2),
    ]
    cast += customers((585, 368), 100, 250, 9)
    return Script(
        Stage(world.plaza, cast, lens=SIDE),
        [_kerb()],
        [Truth("kerb", 68, 260)],
        sensor=(rain(450), noise(2.4)),
    )


def lane_frontage(world: World) -> Script:
    cast = [
        Actor(shop_goods(1), stands(90, 655, 60)),
        Actor(shop_goods(2, 4), stands(140, 690, 84)),
        Actor(shop_goods(1, 7), stands(170, 620, 100)),
    ]
    cast += [waiting("man_grey", 235, 625, 60, 130), waiting("man_grey", 250, 640, 165, 230)]
    cast += crowd(LANE, 8, 6, 260)
    door = ((0, 640), (260, 520), (420, 560), (420, 718), (0, 718))
    return Script(
        Stage(world.lane, cast),
        [_kerb(door, frontage=True)],
        [Truth("kerb", 60, 260, "0405")],
        sensor=(noise(2.0),),
    )


def near_dusk(world: World) -> Script:
    cast = [Actor(stall("red"), stands(590, 400, 64)), waiting("man_jeans_slow", 672, 402, 64)]
    cast += customers((560, 418), 90, 250, 12)
    dusk = light(ramp((0, 0.7), (260, 0.42)), -0.4)
    return Script(
        Stage(world.plaza, cast, lens=NEAR),
        [_kerb()],
        [Truth("kerb", 64, 260)],
        sensor=(dusk, noise(3.0)),
    )


def crowd_passes(world: World) -> Script:
    return Script(
        Stage(world.plaza, crowd(PLAZA, 44, 21, 260), first_look=40), [_kerb()], sensor=SENSOR
    )


def lane_queue(world: World) -> Script:
    cast = queue((330, 560), (26, 17), 6, since=30, until=260) + crowd(LANE, 6, 2, 260)
    return Script(Stage(world.lane, cast), [_kerb(COBBLES)], sensor=(noise(2.0),))


def lone_waiter(world: World) -> Script:
    path = goes((50, 780, 330), (58, 640, 380), (220, 640, 380), (228, 400, 240))
    return Script(
        Stage(world.plaza, [Actor(person("man_coat"), path, sway=2)]), [_kerb()], sensor=SENSOR
    )


def permitted_stall(world: World) -> Script:
    cast = [Actor(stall("green"), stands(620, 436, 60)), waiting("man_coat", 706, 440, 60)]
    cast += customers((575, 452), 80, 250, 31)
    zone = _kerb(permitted_hours=["06:00-10:00", "17:00-22:00"])
    return Script(Stage(world.plaza, cast, first_look=17), [zone], sensor=SENSOR)


def delivery_stop(world: World) -> Script:
    bags = carrying("man_walks")
    first = goes((70, 330, 505), (80, 300, 560), (112, 300, 560), (122, 480, 760))
    again = goes((170, 480, 760), (180, 420, 600), (208, 420, 600), (216, 330, 505))
    cast = [Actor(bags, first, sway=1), Actor(bags, again, sway=1), *crowd(LANE, 6, 14, 260)]
    return Script(Stage(world.lane, cast), [_kerb(COBBLES)], sensor=(noise(2.0),))


def van_waits(world: World) -> Script:
    path = goes((56, 800, 420), (62, 640, 395), (200, 640, 395), (206, 400, 250), (210, -60, 215))
    driver = waiting("man_dark", 712, 410, 66, 190)
    return Script(
        Stage(world.plaza, [Actor(van(), path, size=0.9, shadow=0.75), driver]),
        [_kerb()],
        sensor=SENSOR,
    )


def staff_inside(world: World) -> Script:
    inside = person("man_coat").lit(0.55, 0.55, 0.58)
    staff = Actor(inside, stands(905, 462), sway=2, shadow=0.1)
    cast = [staff, Actor(planter(), stands(640, 474)), *crowd(HOTEL, 10, 3, 260)]
    zone = ((0, 440), (960, 440), (960, 520), (0, 520))
    return Script(Stage(world.hotel, cast), [_kerb(zone)], sensor=(clouds(0.1), noise(2.0)))


def umbrellas_pass(world: World) -> Script:
    dress = [
        under_parasol(name, cloth)
        for name, cloth in (
            ("man_red", "red"),
            ("woman_blue", "blue"),
            ("man_stride", "green"),
            ("woman_red", "red"),
        )
    ]
    cast = crowd(PLAZA, 26, 41, 260, dress=dress)
    return Script(
        Stage(world.plaza, cast, first_look=80),
        [_kerb()],
        sensor=(rain(600), noise(2.2), soft(0.6)),
    )


def patrol_plaza(world: World) -> Script:
    return Script(
        Stage(world.plaza, [*crowd(PLAZA, 500, 51, 22500, takes_s=(40, 130))]),
        [_kerb()],
        sensor=(light(day_curve(15.0), lamp_warmth(15.0)), noise(2.4)),
    )


def _pos(name: str, make: object, *tags: str, split: str = "report", kb: float = 50) -> Scenario:
    return Scenario(f"vend-{name}", KIND, split, tags, make, kb=kb)  # type: ignore[arg-type]


def _neg(name: str, make: object, *tags: str, split: str = "report", **more: object) -> Scenario:
    return Scenario(f"vend-{name}", KIND, split, ("negative", *tags), make, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _pos("plaza-umbrella-stall", umbrella_stall, "stall", "umbrella", "customers"),
    _pos(
        "plaza-blanket-evening", blanket_evening, "blanket", "evening", "customers", split="tuning"
    ),
    _pos("lane-table-arrives", lane_table, "table", "arrives", "customers"),
    _pos("side-tricycle-rain", side_tricycle_rain, "tricycle", "rain", "arrives", kb=60),
    _pos("lane-frontage-goods", lane_frontage, "frontage", "growing", split="tuning"),
    _pos("near-umbrella-dusk", near_dusk, "umbrella", "dusk", "low-rate", kb=16),
    _neg("neg-plaza-crowd", crowd_passes, "crowd", split="tuning"),
    _neg("neg-lane-queue", lane_queue, "queue"),
    _neg("neg-plaza-lone-waiting", lone_waiter, "waiting person"),
    _neg("neg-plaza-permitted-hours", permitted_stall, "permitted stall"),
    _neg("neg-lane-delivery", delivery_stop, "delivery person"),
    _neg("neg-plaza-waiting-van", van_waits, "waiting taxi", "vehicle", split="tuning"),
    _neg("neg-hotel-staff-inside", staff_inside, "staff inside", "planters"),
    _neg("neg-plaza-umbrellas-rain", umbrellas_pass, "umbrellas", "rain", "crowd"),
    _neg(
        "neg-plaza-patrol",
        patrol_plaza,
        "patrol",
        "day to night",
        looks=500,
        cadence_s=45.0,
        starts_at="2026-06-01T15:00:00+08:00",
        patrol=True,
    ),
)
