"""Street vending, the sealed set: photographed vehicles, pots and furniture on new grounds."""

from __future__ import annotations

from _casting import customers, waiting
from _daily import a_day, day_film, ground_zone
from _day import Clock, along, haze, passers, spell, visits
from _film import Points, Script, Truth, Zone
from _goods import blanket, stall
from _people import carrying, person, van
from _sealed import (
    CORNER,
    DOORS,
    JUNCTION,
    PORCELAIN,
    TAVERN,
    cut,
    entry,
    ground_of,
    parked,
    passing,
    pot,
    traveller,
    waiters,
)
from _stage import Actor, Lens, Stage, goes, stands
from _streets import GARDEN
from _views import PAVED
from _wares import baskets, clothes_rack, flower_buckets, folding_table, snack_cart
from _weather import clouds, headlights, light, noise, rain, ramp, shadow_of_tree, soft
from _world import World

KIND = "street_vending"
_one = entry(KIND, "vend")
LAWN = Lens((768, 576), [(300, 220), (840, 220), (840, 625), (300, 625)])
SOUTH = Lens((800, 600), [(330, 170), (768, 170), (768, 498), (330, 498)])


def _kerb(corners: Points, **extra: object) -> list[Zone]:
    return [Zone("kerb", corners, extra=extra)]


def south_blanket(world: World) -> Script:
    cast = [
        Actor(blanket((60, 110, 150), 8), stands(600, 352, 70), shadow=0.2),
        waiting("man_bald", 642, 338, 66),
        *customers((570, 372), 92, 268, 401, come_from=-160),
    ]
    stage = Stage(world.plaza, cast, lens=SOUTH, first_look=75)
    truth = [Truth("kerb", 70, 280)]
    return Script(stage, _kerb(PAVED), truth, sensor=(light(1.05), noise(2.0)))


def garden_flowers(world: World) -> Script:
    cast = [
        Actor(flower_buckets(5, 9), stands(520, 560, 64)),
        Actor(folding_table(21, 1.2), stands(660, 558, 76)),
        waiting("woman_blue", 590, 550, 64),
        *customers((560, 572), 90, 255, 402, come_from=-320),
        *passing((-60, 556, 1020, 560), 6, 403),
    ]
    stage = Stage(world.garden, cast, lens=LAWN)
    truth = [Truth("kerb", 64, 270)]
    return Script(stage, _kerb(GARDEN.zone), truth, sensor=(clouds(0.2, 75), noise(2.0)))


def doors_flowers(world: World) -> Script:
    things = cut(world)
    cast = [
        parked(things.one("car-white"), stands(150, 430)),
        *[Actor(things.one(n), stands(u, 372, 68), shadow=0.3)
          for n, u in (("flowers-wide", 500), ("flowers-tray", 575), ("flowers-wide", 650))],
        Actor(folding_table(23, 1.3, (60, 80, 120)), stands(580, 356, 66)),
        waiting("man_grey", 680, 350, 64),
        *customers((540, 396), 94, 255, 404, come_from=-300),
    ]  # fmt: skip
    stage = Stage(ground_of(DOORS, world), cast)
    truth = [Truth("kerb", 68, 260)]
    return Script(stage, _kerb(DOORS.zone), truth, sensor=(soft(0.6), noise(1.8)))


def corner_snacks(world: World) -> Script:
    cast = [
        Actor(snack_cart((40, 60, 170)), goes((56, 1040, 330), (70, 600, 330), (999, 600, 330))),
        Actor(person("man_red"), goes((56, 1090, 328), (70, 652, 326), (999, 652, 326)), sway=2),
        Actor(cut(world).one("chair-white"), stands(470, 345, 82), shadow=0.3),
        Actor(cut(world).one("chair-slats"), stands(420, 352, 86), shadow=0.3),
        *customers((560, 345), 96, 262, 405, come_from=-260),
        *passing((140, 296, 1000, 312), 7, 406),
    ]
    stage = Stage(ground_of(CORNER, world), cast)
    truth = [Truth("kerb", 68, 270)]
    return Script(stage, _kerb(CORNER.zone), truth, sensor=(clouds(0.12, 90), noise(2.0)))


def porcelain_van(world: World) -> Script:
    drive = goes((50, -300, 690), (62, 230, 690), (999, 230, 690))
    cast = [
        parked(cut(world).one("van-dark"), drive),
        Actor(clothes_rack(31, 1.5), stands(480, 650, 76), shadow=0.25),
        Actor(baskets(2, 5), stands(640, 660, 88), shadow=0.25),
        waiting("woman_red", 560, 642, 72),
        *customers((520, 676), 100, 270, 407, come_from=320),
    ]
    dusk = light(ramp((0, 0.8), (280, 0.5)), ramp((0, 0.1), (280, 0.45)))
    stage = Stage(ground_of(PORCELAIN, world), cast)
    truth = [Truth("kerb", 76, 280)]
    return Script(stage, _kerb(PORCELAIN.zone), truth, sensor=(dusk, noise(2.8)))


def tavern_taxi(world: World) -> Script:
    ride = goes((150, -260, 694), (160, 330, 694), (186, 330, 694), (196, 1260, 694))
    guests = [traveller(world, n, c) for n, c in (("man_dark", "case-blue"),
                                                  ("woman_paper", "case-orange"))]  # fmt: skip
    cast = [
        parked(cut(world).one("taxi"), ride),
        Actor(guests[0], goes((40, 800, 600), (56, 640, 664), (176, 640, 664)), sway=1),
        Actor(guests[1], goes((44, 860, 602), (60, 760, 650), (178, 760, 650)), sway=1),
        pot(world, "pot-fern", 70, 640),
        *passing((-60, 672, 1020, 676), 7, 408),
    ]
    stage = Stage(ground_of(TAVERN, world), cast, lens=TAVERN.lens)
    return Script(stage, _kerb(TAVERN.zone), sensor=(light(0.95), rain(350, 14), noise(2.0)))


def junction_bench(world: World) -> Script:
    cast = [
        Actor(cut(world).one("bench"), stands(690, 280), shadow=0.4),
        pot(world, "pot-rubber", 800, 300),
        waiting("man_wide", 650, 286, 30, 200),
        waiting("woman_bag", 740, 290, 58, 226),
        Actor(cut(world).one("dog"), stands(770, 306, 58, 226), sway=2, shadow=0.3),
        *passing((420, 245, 1020, 360), 8, 409),
    ]
    stage = Stage(ground_of(JUNCTION, world), cast)
    return Script(stage, _kerb(JUNCTION.zone), sensor=(clouds(0.18, 66), noise(2.0)))


def plaza_delivery(world: World) -> Script:
    drive = goes((50, 800, 420), (60, 640, 372), (196, 640, 372), (206, 820, 425))
    cast = [Actor(van(), drive, size=0.9, shadow=0.75)]
    for a in (66, 96, 128, 160):
        way = goes((a, 600, 372), (a + 9, 430, 262), (a + 12, 420, 250))
        cast.append(Actor(carrying("man_stripes", a), way, sway=1))
        back = goes((a + 16, 420, 250), (a + 26, 600, 370))
        cast.append(Actor(person("man_stripes"), back, sway=1))
    stage = Stage(world.plaza, cast, lens=SOUTH, first_look=110)
    return Script(stage, _kerb(PAVED), sensor=(light(0.85, 0.2), noise(2.4)))


def day_garden(world: World, clock: Clock) -> Script:
    s = GARDEN
    cast = [
        *passers(clock, s.walk, 421, busy=2.0),
        *visits(clock, s.wait, 422, 12, (7, 22), (4, 15), waiters()),
        Actor(stall("green"), clock.path(430, 558, 17.2, 20.8)),  # in its permitted hours
        Actor(person("man_coat"), clock.path(510, 554, 17.2, 20.8), sway=2),
        *passers(clock, along((380, 572, 500, 572)), 423, busy=0.9, hours=(17.3, 20.6)),
    ]
    leaves = spell(clock, shadow_of_tree(0.3, 0.7, 0.25, drift=0.04, dark=0.35), 8, 16.5)
    zone = Zone("kerb", s.zone, extra={"permitted_hours": ["17:00-21:00"]})
    wet = spell(clock, rain(400, 14), 3.0, 6.5)
    return day_film(world, s, clock, cast, zone, seed=41, scene=(leaves,), weather=(wet,))


def day_porcelain(world: World, clock: Clock) -> Script:
    s, things = PORCELAIN, cut(world)
    guests = [traveller(world, n, c) for n, c in (("man_dark", "case-grey"),
                                                  ("woman_red", "case-blue"))]  # fmt: skip
    cast = [
        *passers(clock, s.walk, 431, busy=2.2),
        *[Actor(things.one(n), clock.path(u, 616, 9.2, 20.6), shadow=0.35)
          for n, u in (("pot-fern", 540), ("pot-rubber", 690))],
        parked(things.one("van-dark"), clock.path(250, 690, 6.8, 7.9)),
        Actor(person("man_jeans"), clock.path(420, 672, 7.0, 7.3), sway=2),
        parked(things.one("car-silver"), clock.path(740, 694, 18.3, 8.2)),
        *visits(clock, along((380, 650, 560, 652)), 432, 12, (8, 23), (3, 10), guests),
        *visits(clock, along((240, 692, 300, 692)), 433, 10, (9, 23), (3, 6),
                things.some("taxi", "car-red"), sway=0, shadow=0.75),
    ]  # fmt: skip
    beams = headlights(900, row=0.85, strength=70, every_s=3060.0)
    return day_film(world, s, clock, cast, ground_zone(s), seed=42, scene=(beams,), windy=True)


def day_corner(world: World, clock: Clock) -> Script:
    s, things = CORNER, cut(world)
    cast = [
        *passers(clock, s.walk, 441, busy=1.6),
        Actor(things.one("bench"), clock.path(820, 318, 0.0, 23.999), shadow=0.4),
        *visits(clock, along((790, 322, 850, 324)), 442, 14, (7, 22), (6, 25), waiters()),
        Actor(things.one("motorcycle"), clock.path(420, 330, 8.4, 17.8), shadow=0.5),
        Actor(things.one("scooter"), clock.path(500, 322, 11.5, 14.2), shadow=0.5),
        Actor(things.one("parasol-shut"), clock.path(700, 300, 10.0, 19.0), shadow=0.3),
        *visits(clock, s.walk, 443, 6, (8, 20), (3, 4), [carrying("man_walks", 12)]),
    ]
    fog = spell(clock, haze(0.4), 4.5, 8.0)
    return day_film(
        world, s, clock, cast, ground_zone(s), seed=43, grey_at_night=True, weather=(fog,)
    )


SCENARIOS = (
    _one("south-blanket", south_blanket, "blanket", "customers", core=True),
    _one("garden-flowers", garden_flowers, "flowers", "table", "clouds", core=True, looks=90,
         cadence_s=3.0),
    _one("doors-flowers", doors_flowers, "flowers", "table", "parked cars"),
    _one("corner-snacks", corner_snacks, "snack cart", "arrives", "clouds", looks=90,
         cadence_s=3.0),
    _one("porcelain-van", porcelain_van, "clothes rack", "baskets", "vehicle", "evening",
         looks=70, cadence_s=4.0, starts_at="2026-09-10T18:05:00+08:00"),
    _one("neg-tavern-taxi", tavern_taxi, "negative", "waiting taxi", "suitcases", "rain"),
    _one("neg-junction-bench", junction_bench, "negative", "waiting person", "planters", "dog",
         looks=90, cadence_s=3.0),
    _one("neg-plaza-delivery", plaza_delivery, "negative", "delivery person", "parked van",
         core=True),
    a_day("vend-sealed-day-garden", KIND, 6, day_garden, "permitted stall", "moving shadow",
          "rain"),
    a_day("vend-sealed-day-porcelain", KIND, 14, day_porcelain, "planters", "suitcases",
          "waiting taxi", "headlights", core=False),
    a_day("vend-sealed-day-corner", KIND, 20, day_corner, "parked motorcycle", "waiting person",
          "fog", "infrared", core=False),
)  # fmt: skip
