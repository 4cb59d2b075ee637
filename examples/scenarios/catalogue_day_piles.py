"""Days on streets watched for piled materials: parked vehicles, bins, deliveries, planters."""

from __future__ import annotations

from _daily import a_day, day_film, ground_zone
from _day import Clock, along, haze, passers, shutter, spell, traffic, visits
from _film import Script
from _goods import bin_, cartons, planter
from _people import NAMES, carrying, person, van
from _sprites import Sprite, joined
from _stage import Actor
from _streets import CONTAINERS, GATE, HOTEL, LANE, PASSAGE, PLAZA, ROW, VILLAS
from _vehicles import car, lettered_van, scooter
from _wares import suitcase
from _weather import headlights, rain, shadow_edge, shadow_of_tree
from _world import World

KIND = "piled_materials"


def _waiters() -> list[Sprite]:
    return [person(name) for name in NAMES[4:12]]


def _carriers() -> list[Sprite]:
    return [carrying("man_walks", 2), carrying("man_grey", 4), carrying("woman_blue", 6)]


def plaza(world: World, clock: Clock) -> Script:
    s = PLAZA
    cast = [
        *passers(clock, s.walk, 301, busy=1.0),
        Actor(van(), clock.path(660, 350, 8.1, 12.4), size=0.9, shadow=0.75),
        Actor(car((60, 60, 150)), clock.path(600, 318, 13.3, 18.7), shadow=0.7),
        Actor(cartons(2, 51), clock.path(590, 372, 8.4, 8.5)),  # unloaded, the courier beside them
        Actor(person("man_red"), clock.path(556, 372, 8.3, 8.55), sway=2),
        *visits(clock, s.wait, 302, 8, (14, 22), (5, 20), _waiters()),
    ]
    shade = spell(clock, shadow_edge(0.1, 0.9, 0, 86400, dark=0.35), 7, 17)
    wet = spell(clock, rain(300, 12), 19.0, 23.5)
    return day_film(world, s, clock, cast, ground_zone(s), seed=31, scene=(shade,), weather=(wet,))


def lane(world: World, clock: Clock) -> Script:
    s = LANE
    tints = ((170, 120, 30), (40, 40, 160), (90, 150, 60))
    cast = [
        *passers(clock, s.walk, 311, busy=1.8),
        *[
            Actor(
                scooter(tint, box=False),
                clock.path(180 + 70 * n, 668 - 22 * n, 8.0 + 0.6 * n, 17.5 + n),
            )
            for n, tint in enumerate(tints)
        ],
        *visits(clock, s.wait, 312, 8, (9, 21), (5, 16), _waiters()),
    ]
    leaves = shadow_of_tree(0.35, 0.86, 0.14, drift=0.03, dark=0.4)
    wet = spell(clock, rain(600, 18), 20.0, 23.8)
    shade = spell(clock, leaves, 8.5, 16.5)
    return day_film(world, s, clock, cast, ground_zone(s), seed=32, scene=(shade,), weather=(wet,))


def row(world: World, clock: Clock) -> Script:
    s = ROW
    cast = [
        *passers(clock, s.walk, 321, busy=1.3),
        *[Actor(bin_(), clock.path(u, v, 0.0, 23.999)) for u, v in ((250, 640), (296, 626))],
        Actor(car((70, 66, 60)), clock.path(520, 640, 18.6, 7.4), shadow=0.7),
        *traffic(clock, along((640, 640, 660, 650)), 322, busy=0.2),
        *visits(clock, along((330, 640, 350, 636)), 323, 9, (6, 22), (3, 4), _carriers()),
    ]
    beams = headlights(600, row=0.7, strength=80, every_s=3420.0)
    return day_film(world, s, clock, cast, ground_zone(s), seed=33, grey_at_night=True, windy=True,
                    scene=(beams,))  # fmt: skip


def hotel(world: World, clock: Clock) -> Script:
    s = HOTEL
    cast = [
        *passers(clock, s.walk, 331, busy=2.2),
        *[Actor(planter(), clock.path(u, 474, 7.6, 21.4)) for u in (300, 470, 640)],
        *visits(clock, along((720, 470, 800, 470)), 332, 14, (6, 23), (3, 12), _guests()),
        Actor(car((190, 192, 196), taxi=True), clock.path(500, 496, 22.2, 23.1), shadow=0.7),
        Actor(car((50, 50, 50)), clock.path(470, 496, 11.0, 13.5), shadow=0.7),
    ]
    wet = spell(clock, rain(500, 18), 2.0, 6.4)
    return day_film(world, s, clock, cast, ground_zone(s), seed=34, depth=0.4, weather=(wet,))


def _guests() -> list[Sprite]:
    case = suitcase((60, 60, 60))
    return [
        joined((case, 0.45, 0.02), (person(name), 0.0, 0.0),
               made_of="people cut from vtest.avi, suitcase drawn")
        for name in ("man_dark", "woman_red", "man_wide")
    ]  # fmt: skip


def gate(world: World, clock: Clock) -> Script:
    s = GATE
    cast = [
        *passers(clock, s.walk, 341, busy=1.1),
        *visits(clock, s.wait, 342, 10, (7, 23), (4, 15), _waiters()),
        Actor(scooter((60, 60, 60), box=False), clock.path(110, 650, 9.2, 16.0)),
    ]
    fog = spell(clock, haze(0.45), 4.8, 9.0)
    beams = headlights(400, row=0.75, strength=90, every_s=2700.0)
    shade = spell(clock, shadow_edge(0.0, 0.8, 0, 86400, dark=0.4), 10, 17)
    return day_film(
        world, s, clock, cast, ground_zone(s), seed=35, scene=(beams, shade), weather=(fog,)
    )


def containers(world: World, clock: Clock) -> Script:
    s = CONTAINERS
    cast = [
        *passers(clock, s.walk, 351, busy=0.8),
        *visits(clock, along((430, 410, 500, 420)), 352, 20, (6, 23), (3, 4), _carriers()),
    ]
    leaves = spell(clock, shadow_of_tree(0.2, 0.7, 0.3, drift=0.05, dark=0.35), 8, 16.8)
    wet = spell(clock, rain(350, 14), 17.2, 20.5)
    return day_film(world, s, clock, cast, ground_zone(s), seed=36, scene=(leaves,), weather=(wet,))


def villas(world: World, clock: Clock) -> Script:
    s = VILLAS
    cast = [
        *passers(clock, s.walk, 361, busy=0.7),
        Actor(car((40, 40, 110)), clock.path(90, 322, 17.8, 7.2), shadow=0.7),
        Actor(lettered_van("", "", (200, 204, 206)), clock.path(80, 318, 9.5, 15.2), shadow=0.7),
        Actor(planter(), clock.path(60, 296, 0.0, 23.999)),
    ]
    return day_film(world, s, clock, cast, ground_zone(s), seed=37, grey_at_night=True, depth=0.1)


def passage(world: World, clock: Clock) -> Script:
    s = PASSAGE
    door = [(612.0, 425.0), (700.0, 425.0), (700.0, 575.0), (612.0, 575.0)]
    cast = [
        *passers(clock, s.walk, 371, busy=2.4),
        Actor(lettered_van("", "", (60, 130, 190)), clock.path(250, 654, 6.6, 8.9), shadow=0.7),
        Actor(cartons(3, 55), clock.path(470, 640, 6.9, 7.0)),
        Actor(person("man_red_back"), clock.path(520, 636, 6.7, 7.05), sway=2),
        *visits(clock, along((480, 636, 600, 636)), 372, 14, (10, 22), (3, 10), _waiters()),
        *[Actor(planter(), clock.path(u, 640, 9.5, 20.0)) for u in (590, 830)],
    ]
    walls = clock.walls(shutter((240, 300)), door, 20.5, 9.3)
    return day_film(world, s, clock, cast, ground_zone(s), seed=38, walls=walls, windy=True)


SCENARIOS = (
    a_day("pile-day-plaza", KIND, 5, plaza, "parked van", "parked cars", "delivery person",
          "moving shadow", "rain", kb=28),
    a_day("pile-day-lane", KIND, 15, lane, "parked motorcycle", "moving shadow", "rain"),
    a_day("pile-day-row", KIND, 7, row, "bins", "parked cars", "headlights", "infrared", kb=26),
    a_day("pile-day-hotel", KIND, 0, hotel, "planters", "suitcases", "rain"),
    a_day("pile-day-gate", KIND, 21, gate, "fog", "headlights", "parked motorcycle"),
    a_day("pile-day-containers", KIND, 10, containers, "bins", "moving shadow", "rain",
          core=False, kb=28),
    a_day("pile-day-villas", KIND, 13, villas, "parked cars", "infrared", core=False),
    a_day("pile-day-passage", KIND, 4, passage, "delivery person", "parked van", "shop opens",
          core=False),
)  # fmt: skip
