"""Street vending, the second report set: other grounds, goods, arrivals, weather and cadence."""

from __future__ import annotations

from _casting import HOTEL, crowd, customers, queue, waiting
from _film import Scenario, Script, Truth, Zone
from _goods import planter, stall, tricycle
from _people import carrying, person
from _sprites import joined
from _stage import Actor, Lens, Stage, goes, stands
from _vehicles import car, scooter
from _views import COBBLES, MIRROR, PAVED, PAVEMENT, ROAD, ROW, WEST, along_row, desk_of
from _wares import baskets, clothes_rack, flower_buckets, folding_table, snack_cart, suitcase
from _weather import clouds, headlights, light, noise, rain, ramp, soft
from _world import World

KIND = "street_vending"
FAR = Lens((1024, 768), [(0, 0), (768, 0), (768, 576), (0, 576)])


def _kerb(corners: object, **extra: object) -> list[Zone]:
    return [Zone("kerb", corners, extra=extra)]  # type: ignore[arg-type]


def mirror_snack_cart(world: World) -> Script:
    come = goes((62, 800, 420), (72, 620, 395), (999, 620, 395))
    seller = goes((62, 830, 428), (72, 690, 392), (999, 690, 392))
    cast = [Actor(snack_cart(), come), Actor(person("man_back"), seller, sway=2)]
    cast += customers((580, 412), 96, 262, 61)
    return Script(
        Stage(world.plaza, cast, lens=MIRROR, first_look=100),
        _kerb(PAVED),
        [Truth("kerb", 68, 270)],
        sensor=(clouds(0.2, 55), noise(2.0)),
    )


def row_clothes_rack(world: World) -> Script:
    cast = [
        Actor(clothes_rack(2), stands(430, 620, 66), shadow=0.25),
        Actor(clothes_rack(5, 1.4), stands(560, 606, 78), shadow=0.25),
        waiting("woman_bag", 500, 600, 66),
        *customers((440, 650), 92, 252, 62, come_from=-260),
        *crowd(ROW, 7, 63, 260),
    ]
    evening = light(ramp((0, 0.85), (260, 0.5)), ramp((0, 0.0), (260, 0.4)))
    return Script(
        Stage(world.row, cast),
        _kerb(ROAD),
        [Truth("kerb", 66, 260)],
        sensor=(evening, noise(2.8)),
    )


def gate_flowers(world: World) -> Script:
    cast = [
        Actor(flower_buckets(4, 3), stands(210, 600, 70)),
        waiting("woman_red", 345, 585, 70),
        *customers((170, 650), 104, 280, 64, come_from=-330),
    ]
    return Script(
        Stage(world.gate, cast),
        _kerb(COBBLES),
        [Truth("kerb", 70, 280)],
        sensor=(clouds(0.15, 90), noise(2.2)),
    )


def far_baskets_rain(world: World) -> Script:
    cast = [
        Actor(baskets(2, 1), stands(640, 392, 64), shadow=0.25),
        waiting("man_wide", 706, 384, 64),
        *customers((620, 410), 88, 250, 65),
    ]
    return Script(
        Stage(world.plaza, cast, lens=FAR, first_look=64),
        _kerb(PAVED),
        [Truth("kerb", 64, 260)],
        sensor=(light(0.82), rain(700, 18), noise(2.2)),
    )


def west_tricycle_night(world: World) -> Script:
    ride = tricycle((50, 120, 50)).mirrored()
    cast = [
        Actor(ride, goes((60, 150, 250), (72, 400, 292), (999, 400, 292))),
        Actor(person("man_jeans"), goes((60, 120, 252), (72, 338, 290), (999, 338, 290)), sway=2),
        *customers((420, 306), 98, 262, 66, come_from=150),
    ]
    night = light(0.46, 0.5)
    return Script(
        Stage(world.plaza, cast, lens=WEST, first_look=20),
        _kerb(PAVED),
        [Truth("kerb", 66, 270)],
        sensor=(night, headlights(110, 190, row=0.5, strength=70), noise(3.6)),
    )


def lot_car_boot(world: World) -> Script:
    come = goes((50, 1200, 320), (58, 300, 312), (999, 300, 312))
    cast = [
        Actor(car((150, 90, 40)), come, shadow=0.7),
        Actor(folding_table(2), stands(520, 345, 72)),
        Actor(folding_table(7, 1.2, (40, 90, 40)), stands(660, 335, 84)),
        waiting("man_red_back", 600, 318, 66),
        *customers((520, 385), 100, 250, 67, come_from=-420),
    ]
    return Script(
        Stage(desk_of(world).street("7eea5f"), cast),
        _kerb(((0, 200), (900, 190), (960, 260), (960, 430), (0, 430))),
        [Truth("kerb", 72, 260)],
        sensor=(light(1.05), noise(1.8)),
    )


def facade_racks_outside(world: World) -> Script:
    cast = [
        Actor(clothes_rack(9), stands(610, 622, 62), shadow=0.25),
        Actor(clothes_rack(11, 1.3), stands(770, 624, 84), shadow=0.25),
        Actor(folding_table(12, 1.1, (130, 130, 130)), stands(500, 628, 102)),
        waiting("woman_blue", 690, 610, 62, 140),
        waiting("woman_blue", 660, 616, 180, 250),
        *crowd(along_row(645), 8, 68, 260),
    ]
    return Script(
        Stage(desk_of(world).facade("img_487"), cast),
        _kerb(((360, 590), (960, 590), (960, 656), (360, 656)), frontage=True),
        [Truth("kerb", 62, 260, "0405")],
        sensor=(clouds(0.12), noise(2.0)),
    )


def row_bus_queue(world: World) -> Script:
    cast = queue((640, 560), (-24, 20), 5, since=20, until=260, seed=71)
    cast += [
        Actor(suitcase(), stands(u, v, a, b), shadow=0.3)
        for u, v, a, b in ((668, 566, 25, 130), (560, 628, 60, 215))
    ]
    return Script(
        Stage(world.row, [*cast, *crowd(ROW, 7, 72, 260)]),
        _kerb(ROAD),
        sensor=(clouds(0.15, 80), noise(2.2)),
    )


def mirror_taxi(world: World) -> Script:
    taxi = goes((64, 830, 380), (72, 620, 345), (178, 620, 345), (186, 380, 262), (192, -80, 222))
    case = joined(
        (suitcase((40, 40, 130)), 0.42, 0.02), (person("man_stride"), 0.0, 0.0),
        made_of="people cut from vtest.avi, suitcase drawn",
    )  # fmt: skip
    cast = [
        Actor(car((206, 206, 210), taxi=True).mirrored(), taxi, shadow=0.7),
        Actor(case, goes((40, 300, 260), (62, 540, 352), (168, 540, 352)), sway=1),
        waiting("man_dark", 700, 360, 76, 172),
    ]
    return Script(
        Stage(world.plaza, cast, lens=MIRROR, first_look=48),
        _kerb(PAVED),
        sensor=(light(0.9, -0.2), noise(2.0)),
    )


def hotel_evening_market(world: World) -> Script:
    cast = [
        Actor(snack_cart((40, 120, 60), "green"), stands(420, 474, 40)),
        Actor(stall("red"), stands(660, 472, 64)),
        waiting("man_coat", 480, 466, 40),
        waiting("man_side", 745, 468, 64),
        *customers((400, 486), 80, 250, 73, come_from=-300),
        *crowd(HOTEL, 10, 74, 260),
    ]
    dusk = light(ramp((0, 0.6), (260, 0.4)), 0.5)
    return Script(
        Stage(world.hotel, cast),
        _kerb(PAVEMENT, permitted_hours=["17:00-22:00"]),
        sensor=(dusk, noise(3.0)),
    )


def facade_shop_opens(world: World) -> Script:
    staff = [
        Actor(
            person("woman_paper"),
            goes((a, 150, 618), (a + 6, 240, 634), (a + 24, 240, 634), (a + 30, 150, 618)),
            sway=1,
        )
        for a in (70, 130, 205)
    ]
    cast = [
        Actor(planter(), stands(400, 640)),
        Actor(planter(), stands(700, 640)),
        *staff,
        *crowd(along_row(660), 9, 75, 260),
    ]
    return Script(
        Stage(desk_of(world).facade("img_192"), cast),
        _kerb(((0, 600), (960, 600), (960, 694), (0, 694))),
        sensor=(light(ramp((0, 0.7), (240, 1.05)), -0.1), noise(2.2)),
    )


def street_rider(world: World) -> Script:
    bags = carrying("man_walks", 9)
    cast = [
        Actor(scooter(), goes((58, -150, 352), (66, 260, 345), (206, 260, 345), (214, 1100, 352))),
        Actor(bags, goes((70, 320, 338), (82, 160, 292), (90, 160, 292)), sway=1),
        Actor(person("man_walks"), goes((150, 160, 292), (164, 320, 338), (204, 320, 338)), sway=1),
        *crowd(along_row(400), 6, 76, 260),
    ]
    return Script(
        Stage(desk_of(world).street("e1f302"), cast),
        _kerb(((0, 270), (420, 270), (700, 330), (960, 330), (960, 440), (0, 440))),
        sensor=(soft(0.6), noise(2.0)),
    )


def _one(name: str, make: object, *tags: str, core: bool = True, **more: object) -> Scenario:
    return Scenario(f"vend-{name}", KIND, "report", tags, make, core=core, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _one("mirror-snack-cart", mirror_snack_cart, "snack cart", "umbrella", "arrives", "clouds",
         looks=90, cadence_s=3.0),
    _one("row-clothes-rack", row_clothes_rack, "clothes rack", "evening", "customers",
         starts_at="2026-09-10T18:05:00+08:00"),
    _one("gate-flowers", gate_flowers, "flowers", "near view", "customers", looks=70,
         cadence_s=4.0),
    _one("far-baskets-rain", far_baskets_rain, "baskets", "rain", "far view", kb=70),
    _one("west-tricycle-night", west_tricycle_night, "tricycle", "night", "headlights", "arrives",
         looks=108, cadence_s=2.5, kb=38, starts_at="2026-06-01T20:10:00+08:00"),
    _one("lot-car-boot", lot_car_boot, "table", "vehicle", "sun", core=False),
    _one("facade-racks-outside", facade_racks_outside, "frontage", "clothes rack", "growing",
         core=False),
    _one("neg-row-bus-queue", row_bus_queue, "negative", "queue", "suitcases", looks=90,
         cadence_s=3.0),
    _one("neg-mirror-taxi", mirror_taxi, "negative", "waiting taxi", "suitcases", "vehicle",
         kb=24),
    _one("neg-hotel-evening-market", hotel_evening_market, "negative", "permitted stall", "night",
         looks=66, cadence_s=4.0, starts_at="2026-06-01T19:00:00+08:00"),
    _one("neg-facade-shop-opens", facade_shop_opens, "negative", "staff inside", "planters",
         core=False, starts_at="2026-06-01T06:40:00+08:00"),
    _one("neg-street-rider", street_rider, "negative", "delivery person", "scooter", core=False),
)  # fmt: skip
