"""Days on streets watched for street vending: queues, taxis, deliveries, permitted stalls."""

from __future__ import annotations

from _daily import a_day, day_film, ground_zone
from _day import Clock, along, haze, passers, shutter, spell, traffic, visits
from _film import Script
from _goods import planter, stall
from _people import NAMES, carrying, person, under_parasol, van
from _sprites import Sprite, joined
from _stage import Actor
from _streets import DINER, GATE, HOTEL, LANE, LOT, MIRROR, ROW, VILLAS
from _vehicles import car, lettered_van, scooter
from _wares import snack_cart, suitcase
from _weather import headlights, rain, shadow_edge
from _world import World

KIND = "street_vending"


def _waiters() -> list[Sprite]:
    return [person(name) for name in NAMES[:6]]


def _riders() -> list[Sprite]:
    return [carrying("man_walks", 3), carrying("man_jeans", 5), carrying("woman_red", 8)]


def _traveller(name: str) -> Sprite:
    case = (suitcase((40, 40, 130)), 0.45, 0.02)
    return joined(
        case, (person(name), 0.0, 0.0), made_of="people cut from vtest.avi, suitcase drawn"
    )


def mirror(world: World, clock: Clock) -> Script:
    s = MIRROR
    taxis = [car((206, 206, 210), taxi=True).mirrored(), car((60, 150, 60), taxi=True)]
    cast = [
        *passers(clock, s.walk, 201, busy=1.2),
        *visits(clock, along((600, 330, 660, 345)), 202, 16, (7, 23), (3, 18), taxis, sway=0),
        *visits(clock, s.wait, 203, 14, (7, 22), (3, 14), _waiters()),
        Actor(van(), clock.path(420, 262, 9.2, 11.6), size=0.9, shadow=0.7),
    ]
    wet = spell(clock, rain(380, 14), 15.5, 18.2)
    return day_film(world, s, clock, cast, ground_zone(s), seed=21, weather=(wet,))


def lane(world: World, clock: Clock) -> Script:
    s = LANE
    cast = [
        *passers(clock, s.walk, 211, busy=1.6),
        Actor(snack_cart(), clock.path(430, 600, 6.3, 9.6)),
        Actor(person("man_back"), clock.path(520, 594, 6.3, 9.6), sway=2),
        *passers(clock, along((380, 625, 430, 630), spread=14), 212, busy=1.4, hours=(6.5, 9.4)),
        *visits(clock, s.wait, 213, 10, (10, 21), (3, 9), _riders()),
        *visits(
            clock, along((300, 600, 330, 585)), 214, 8, (10.5, 21), (3, 10), [scooter()], sway=0
        ),
    ]
    wet = spell(clock, rain(500, 16), 13.4, 16.1)
    shade = spell(clock, shadow_edge(0.95, 0.1, 0, 86400, dark=0.4, below=0.69), 9, 16)
    zone = ground_zone(s, permitted_hours=["06:00-10:00"])
    return day_film(world, s, clock, cast, zone, seed=22, scene=(shade,), weather=(wet,))


def row(world: World, clock: Clock) -> Script:
    s = ROW
    line = along((600, 560, 470, 640), spread=5)
    travellers = [_traveller(name) for name in ("man_stride", "woman_blue", "man_wide")]
    cast = [
        *passers(clock, s.walk, 221, busy=1.2),
        *passers(clock, line, 222, busy=5.0, hours=(7.2, 8.9)),
        *passers(clock, line, 223, busy=4.0, hours=(17.4, 19.2)),
        *passers(clock, line, 224, busy=0.8, hours=(9.0, 17.4)),
        *visits(clock, along((560, 580, 620, 560)), 225, 12, (6, 21), (3, 8), travellers),
    ]
    return day_film(world, s, clock, cast, ground_zone(s), seed=23, depth=0.35, windy=True)


def hotel(world: World, clock: Clock) -> Script:
    s = HOTEL
    market = ((stall("red"), 640, 474), (snack_cart((40, 120, 60), "green"), 400, 476))
    cast = [
        *passers(clock, s.walk, 231, busy=2.0),
        *[Actor(sprite, clock.path(u, v, 17.3, 21.6)) for sprite, u, v in market],
        Actor(person("man_coat"), clock.path(728, 470, 17.3, 21.6), sway=2),
        Actor(person("woman_bag"), clock.path(470, 468, 17.3, 21.6), sway=2),
        *passers(clock, along((360, 488, 640, 488), spread=20), 232, busy=2.0, hours=(17.5, 21.4)),
        Actor(planter(), clock.path(860, 476, 0.0, 23.99)),
        *visits(clock, along((880, 466, 920, 466)), 233, 14, (8, 20), (3, 12), _waiters()),
    ]
    zone = ground_zone(s, permitted_hours=["17:00-22:00"])
    return day_film(world, s, clock, cast, zone, seed=24, depth=0.3)


def gate(world: World, clock: Clock) -> Script:
    s = GATE
    dress = [under_parasol("man_red", "red"), under_parasol("woman_blue", "blue")]
    cast = [
        *passers(clock, s.walk, 241, busy=0.9),
        *passers(clock, s.walk, 242, busy=0.8, dress=dress, hours=(15.0, 18.0)),
        *visits(clock, s.wait, 243, 9, (7, 22), (3, 12), _waiters()),
        *visits(
            clock,
            along((120, 640, 160, 630)),
            244,
            4,
            (9, 18),
            (20, 120),
            [scooter((90, 60, 40), box=False)],
            sway=0,
        ),
    ]
    wet, fog = spell(clock, rain(450, 18), 15.0, 18.0), spell(clock, haze(0.4), 5.2, 8.3)
    return day_film(world, s, clock, cast, ground_zone(s), seed=25, weather=(wet, fog))


def diner(world: World, clock: Clock) -> Script:
    s = DINER
    walls = clock.walls(
        shutter((200, 300)), [(615, 262), (772, 262), (772, 432), (615, 432)], 23.0, 8.0
    )
    cast = [
        *passers(clock, s.walk, 251, busy=2.4),
        *[Actor(planter(), clock.path(u, 492, 9.0, 22.0)) for u in (150, 400)],
        *visits(clock, along((470, 484, 500, 485)), 252, 16, (8, 22), (3, 6), _waiters()),
        *visits(clock, along((520, 500, 560, 500)), 253, 12, (11, 21.5), (3, 9), _riders()),
        *visits(
            clock,
            along((300, 512, 360, 512)),
            254,
            12,
            (11, 21.5),
            (4, 14),
            [scooter(), scooter((40, 40, 160))],
            sway=0,
        ),
    ]
    lit = [[(160.0, 216.0), (340.0, 216.0), (340.0, 238.0), (160.0, 238.0)]]
    return day_film(
        world, s, clock, cast, ground_zone(s), walls=walls, lit=lit, seed=26, windy=True
    )


def lot(world: World, clock: Clock) -> Script:
    s = LOT
    cars = [car((60, 58, 120)), car((190, 192, 196)).mirrored(), car((40, 40, 40))]
    cast = [
        *passers(clock, s.walk, 261, busy=0.9),
        *traffic(clock, along((200, 300, 800, 290)), 262, busy=0.3),
        *visits(
            clock, along((330, 285, 360, 285)), 263, 7, (7, 23), (20, 150), cars, sway=0, shadow=0.7
        ),
        *visits(
            clock, along((720, 250, 760, 250)), 264, 6, (7, 23), (30, 200), cars, sway=0, shadow=0.7
        ),
        *visits(clock, s.wait, 265, 12, (8, 22), (3, 12), _waiters()),
    ]
    beams = headlights(1000, row=0.5, strength=80, every_s=4320.0)
    return day_film(
        world, s, clock, cast, ground_zone(s), seed=27, grey_at_night=True, scene=(beams,)
    )


def villas(world: World, clock: Clock) -> Script:
    s = VILLAS
    firm = lettered_van("净水安装", "")
    cast = [
        *passers(clock, s.walk, 271, busy=0.8),
        *visits(clock, along((200, 345, 260, 345)), 272, 10, (8, 22), (3, 9), [scooter()], sway=0),
        *visits(clock, s.wait, 273, 14, (8, 22), (3, 8), _riders()),
        Actor(firm, clock.path(80, 318, 13.2, 16.4), shadow=0.7),
    ]
    return day_film(world, s, clock, cast, ground_zone(s), seed=28, depth=0.12)


SCENARIOS = (
    a_day("vend-day-mirror", KIND, 6, mirror, "waiting taxi", "waiting person", "rain"),
    a_day("vend-day-lane", KIND, 0, lane, "permitted stall", "delivery person", "rain",
          "moving shadow"),
    a_day("vend-day-row", KIND, 12, row, "queue", "suitcases", "wind", kb=26),
    a_day("vend-day-hotel", KIND, 16, hotel, "permitted stall", "planters", "waiting person"),
    a_day("vend-day-gate", KIND, 9, gate, "umbrellas", "fog", "rain", "scooter"),
    a_day("vend-day-diner", KIND, 3, diner, "shop opens", "delivery person", "planters",
          core=False),
    a_day("vend-day-lot", KIND, 20, lot, "parked cars", "waiting person", "infrared", core=False),
    a_day("vend-day-villas", KIND, 7, villas, "delivery person", "lettered van", core=False),
)  # fmt: skip
