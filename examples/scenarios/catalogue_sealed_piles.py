"""Piled materials, the sealed set: real bags and furniture, photographed vehicles and pots."""

from __future__ import annotations

from _casting import LANE, crowd, waiting
from _daily import a_day, day_film, ground_zone
from _day import Clock, along, haze, passers, spell, visits
from _film import Points, Script, Truth, Zone
from _goods import bags, cartons, rubble
from _heaps import planks, sacks
from _people import carrying, person, van
from _sealed import (
    ARCADE,
    DRIVE,
    GARAGES,
    HEDGE,
    SETTS,
    WHISKY,
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
from _streets import LANE as LANE_STREET
from _views import PAVED, desk_of
from _weather import clouds, headlights, light, noise, rain, ramp, shadow_edge, soft
from _world import World

KIND = "piled_materials"
_one = entry(KIND, "pile")
REAL_BAGS = (
    ("-2023-12-08-173731", 1, 0.7, 560.0, 285.0, 66.0),
    ("-2023-12-08-173731", 4, 0.7, 625.0, 292.0, 81.0),
    ("-2023-12-08-173731", 5, 0.65, 505.0, 292.0, 99.0),
)  # fmt: skip
"""Photograph, label, height, where, since when: the photograph is in no other split."""
LAWN = Lens((768, 576), [(260, 220), (800, 220), (800, 625), (260, 625)])
EAST = Lens((768, 432), [(360, 190), (768, 190), (768, 420), (360, 420)])


def _zone(corners: Points) -> list[Zone]:
    return [Zone("footway", corners)]


def east_sacks(world: World) -> Script:
    drive = goes((52, 800, 410), (62, 690, 372), (92, 690, 372), (102, 830, 420))
    cast = [
        Actor(van(), drive, size=0.9, shadow=0.75),
        Actor(person("man_red_back"), goes((64, 640, 362), (92, 600, 352)), sway=2),
        Actor(sacks(6, 11), stands(590, 345, 74), shadow=0.4),
        Actor(planks(9, 12), stands(510, 318, 84), shadow=0.3),
    ]
    stage = Stage(world.plaza, cast, lens=EAST, first_look=20)
    truth = [Truth("footway", 74, 260)]
    return Script(stage, _zone(PAVED), truth, sensor=(clouds(0.15, 70), noise(2.0)))


def garden_rubble(world: World) -> Script:
    cast = [
        Actor(rubble(11), stands(470, 566, 66), shadow=0.3),
        Actor(bags(5, 12), stands(590, 564, 84)),
        *passing((-60, 552, 1020, 556), 7, 451),
    ]
    stage = Stage(world.garden, cast, lens=LAWN)
    truth = [Truth("footway", 66, 270)]
    return Script(stage, _zone(GARDEN.zone), truth, sensor=(light(0.9), noise(2.2)))


def drive_furniture(world: World) -> Script:
    things = cut(world)
    cast = [
        Actor(things.one("sofa"), stands(520, 288, 64), shadow=0.5),
        Actor(things.one("chair-slats"), stands(590, 292, 70), shadow=0.35),
        Actor(things.one("chair-wood"), stands(628, 298, 76), shadow=0.35),
        Actor(person("man_jeans"), goes((50, 470, 276), (64, 500, 284), (78, 640, 300),
                                        (90, 1000, 330)), sway=1),
        *passing((-60, 300, 1020, 330), 6, 452),
    ]  # fmt: skip
    stage = Stage(ground_of(DRIVE, world), cast)
    truth = [Truth("footway", 64, 260)]
    return Script(stage, _zone(DRIVE.zone), truth, sensor=(light(1.0), soft(0.5), noise(1.8)))


def garages_bags(world: World) -> Script:
    desk = desk_of(world)
    cast = [
        parked(cut(world).one("car-red"), stands(120, 300)),
        *[Actor(desk.bag(name, number, high), stands(u, v, since), shadow=0.5)
          for name, number, high, u, v, since in REAL_BAGS],
        *passing((-60, 268, 1020, 280), 6, 453),
    ]  # fmt: skip
    stage = Stage(ground_of(GARAGES, world), cast)
    truth = [Truth("footway", 66, 270)]
    return Script(stage, _zone(GARAGES.zone), truth, sensor=(clouds(0.12, 80), noise(2.0)))


def hedge_armchair(world: World) -> Script:
    desk, things = desk_of(world), cut(world)
    name, number = REAL_BAGS[0][:2]
    cast = [
        Actor(things.one("armchair"), stands(300, 350, 66), shadow=0.5),
        Actor(desk.bag(name, number, 0.6), stands(210, 345, 84), shadow=0.5),
        Actor(cartons(2, 61), stands(400, 340, 100)),
        pot(world, "pot-rubber", 60, 275),
    ]
    dusk = light(ramp((0, 0.85), (280, 0.55)), ramp((0, 0), (280, 0.3)))
    stage = Stage(ground_of(HEDGE, world), cast)
    truth = [Truth("footway", 66, 280)]
    return Script(stage, _zone(HEDGE.zone), truth, sensor=(dusk, noise(2.6)))


def lane_unloads(world: World) -> Script:
    drive = goes((48, 700, 800), (60, 470, 640), (150, 470, 640), (164, 340, 505))
    cast = [
        Actor(van(), drive, size=0.9, shadow=0.75),
        Actor(cartons(2, 62), stands(330, 640, 72, 108)),  # set down and carried in
        Actor(
            person("man_stripes"), goes((64, 400, 650), (108, 360, 640), (120, 240, 560)), sway=1
        ),
        *crowd(LANE, 7, 454, 260),
    ]
    stage = Stage(world.lane, cast)
    return Script(stage, _zone(LANE_STREET.zone), sensor=(light(0.9), rain(400, 15), noise(2.2)))


def arcade_parked(world: World) -> Script:
    things = cut(world)
    ride = goes((60, -120, 350), (68, 420, 330), (999, 420, 330))
    cast = [
        Actor(things.one("motorcycle"), ride, shadow=0.5),
        Actor(things.one("scooter"), goes((90, 1080, 340), (98, 560, 326), (999, 560, 326)),
              shadow=0.5),
        Actor(things.one("bicycle-loaded"), stands(700, 318, 120), shadow=0.4),
        waiting("man_walks", 640, 322, 112, 132),
        pot(world, "pot-fern", 800, 300),
        pot(world, "pot-rubber", 900, 300),
        *passing((-60, 300, 1020, 304), 7, 455),
    ]  # fmt: skip
    stage = Stage(ground_of(ARCADE, world), cast)
    return Script(stage, _zone(ARCADE.zone), sensor=(clouds(0.15, 75), noise(2.0)))


def whisky_cars(world: World) -> Script:
    things = cut(world)
    guest = traveller(world, "man_bald", "case-old")
    cast = [
        parked(things.one("car-silver"), goes((58, 1200, 694), (68, 700, 694), (999, 700, 694))),
        parked(things.one("car-black"), goes((90, -240, 692), (100, 240, 692), (999, 240, 692))),
        Actor(guest, goes((110, 200, 668), (122, 460, 668), (200, 460, 668)), sway=1),
        *passing((-60, 662, 1020, 664), 8, 456),
    ]
    stage = Stage(ground_of(WHISKY, world), cast, lens=WHISKY.lens)
    wet = (light(ramp((0, 0.9), (260, 0.6)), 0.2), rain(450, 15), noise(2.4))
    return Script(stage, _zone(WHISKY.zone), sensor=wet)


def day_garden(world: World, clock: Clock) -> Script:
    s = GARDEN
    cast = [
        *passers(clock, s.walk, 461, busy=1.6),
        Actor(van(), clock.path(300, 575, 7.2, 9.8), shadow=0.75),
        Actor(cartons(2, 63), clock.path(480, 566, 7.6, 7.68)),  # unloaded, carried in
        Actor(person("man_jeans"), clock.path(440, 566, 7.5, 7.7), sway=2),
        *visits(clock, s.wait, 462, 10, (7, 22), (5, 18), waiters()),
        *visits(clock, s.walk, 463, 6, (9, 21), (3, 4), [carrying("man_grey", 21)]),
    ]
    shade = spell(clock, shadow_edge(0.05, 0.85, 0, 86400, dark=0.25), 8, 17)
    wet = spell(clock, rain(500, 16), 15.0, 18.0)
    return day_film(world, s, clock, cast, ground_zone(s), seed=44, scene=(shade,), weather=(wet,))


def day_drive(world: World, clock: Clock) -> Script:
    s, things = DRIVE, cut(world)
    cast = [
        *passers(clock, s.walk, 471, busy=0.9),
        parked(things.one("car-silver"), clock.path(470, 290, 18.2, 7.6)),
        parked(things.one("car-red"), clock.path(660, 320, 12.2, 15.0)),
        Actor(things.one("motorcycle"), clock.path(580, 276, 8.0, 19.5), shadow=0.5),
        *visits(clock, along((560, 300, 700, 310)), 472, 8, (9, 22), (3, 8),
                things.some("taxi", "van-dark", "car-black"), sway=0, shadow=0.75),
        *visits(clock, s.wait, 473, 8, (8, 22), (4, 15), waiters()),
    ]  # fmt: skip
    return day_film(world, s, clock, cast, ground_zone(s), seed=45, grey_at_night=True, depth=0.12)


def day_setts(world: World, clock: Clock) -> Script:
    s, things = SETTS, cut(world)
    cast = [
        *passers(clock, s.walk, 481, busy=1.3),
        Actor(things.one("bicycle-loaded"), clock.path(720, 430, 8.2, 17.4), shadow=0.4),
        Actor(things.one("scooter"), clock.path(350, 425, 18.5, 22.8), shadow=0.5),
        *visits(clock, along((400, 430, 560, 432)), 482, 16, (6, 23), (3, 4),
                [carrying("woman_blue", 31), carrying("man_walks", 32)]),
        *visits(clock, along((300, 470, 600, 480)), 483, 6, (9, 20), (3, 10),
                things.some("car-black", "van-dark"), sway=0, shadow=0.75),
    ]  # fmt: skip
    beams = headlights(600, row=0.6, strength=80, every_s=2880.0)
    fog = spell(clock, haze(0.35), 5.0, 8.5)
    return day_film(world, s, clock, cast, ground_zone(s), seed=46, scene=(beams,),
                    weather=(fog,), windy=True)  # fmt: skip


SCENARIOS = (
    _one("east-sacks", east_sacks, "sacks", "boards", "parked van", "clouds", core=True),
    _one("garden-rubble", garden_rubble, "rubble", "bags", core=True, looks=90,
         cadence_s=3.0),
    _one("drive-furniture", drive_furniture, "furniture", "real furniture"),
    _one("garages-bags", garages_bags, "bags", "real bags", "growing", "parked cars", looks=90,
         cadence_s=3.0),
    _one("hedge-armchair", hedge_armchair, "furniture", "real furniture", "real bags", "dusk",
         looks=70, cadence_s=4.0, starts_at="2026-09-10T18:00:00+08:00"),
    _one("neg-lane-unloads", lane_unloads, "negative", "parked van", "delivery person", "cartons",
         "rain", core=True),
    _one("neg-arcade-parked", arcade_parked, "negative", "parked motorcycle", "planters",
         "clouds", looks=90, cadence_s=3.0),
    _one("neg-whisky-cars", whisky_cars, "negative", "parked cars", "suitcases", "rain"),
    a_day("pile-sealed-day-garden", KIND, 9, day_garden, "parked van", "delivery person",
          "moving shadow", "rain"),
    a_day("pile-sealed-day-drive", KIND, 16, day_drive, "parked cars", "parked motorcycle",
          "infrared", core=False),
    a_day("pile-sealed-day-setts", KIND, 2, day_setts, "bins", "parked motorcycle", "fog",
          "headlights", core=False),
)  # fmt: skip
