"""Days before walls watched for illegal ads: permitted signs, buses, lettered vans, shutters."""

from __future__ import annotations

from _daily import a_day, day_film, wall_zone
from _day import Clock, along, bus_stops, haze, passers, shutter, spell, traffic, visits
from _film import Script
from _people import printed
from _sprites import Sprite
from _stage import Actor, OnWall
from _streets import CANTEEN, CHAINS, GARDEN, HOTEL, PALACE, ROW, WALL, WINE
from _vehicles import lettered_van
from _weather import headlights, rain, shadow_edge
from _words import Quad, banner, board, number
from _world import World

KIND = "illegal_ads"


def _shirts() -> list[Sprite]:
    return [
        printed("man_coat", "欢迎光临"),
        printed("man_walks", "SPORT 88"),
        printed("man_wide", "志愿者"),
    ]


def wall(world: World, clock: Clock) -> Script:
    s = WALL
    beams = headlights(300, row=0.85, strength=120, every_s=3240.0)
    wet = spell(clock, rain(400, 14), 12.5, 15.0)
    return day_film(world, s, clock, passers(clock, s.walk, 401, busy=0.8),
                    wall_zone(s, "Fire assembly point"), seed=41, scene=(beams,), weather=(wet,),
                    depth=0.3)  # fmt: skip


def hotel(world: World, clock: Clock) -> Script:
    s = HOTEL
    phone = number(41)
    quad: Quad = [(560, 150), (820, 130), (820, 224), (560, 238)]
    sign = OnWall(board("平价超市", "送货电话 " + phone, ground=(30, 110, 60)), quad)
    cast = [
        *passers(clock, s.walk, 411, busy=2.0, dress=_shirts()),
        *bus_stops(clock, (440, 512), "新车上市 万元优惠", 412),
    ]
    zone = wall_zone(s, "平价超市", f"送货电话 {phone}")
    return day_film(world, s, clock, cast, zone, walls=[sign], lit=[quad], seed=42)


def row(world: World, clock: Clock) -> Script:
    s = ROW
    firm = lettered_van("家电维修", number(42))
    other = lettered_van("鲜花配送", "", (190, 210, 235))
    quad: Quad = [(300, 470), (420, 462), (420, 500), (300, 512)]
    sign = OnWall(board("裁缝店", "改衣", ground=(120, 30, 30)), quad)
    cast = [
        *passers(clock, s.walk, 421, busy=1.5, dress=_shirts()),
        Actor(firm, clock.path(430, 650, 9.6, 12.8), shadow=0.7),
        *visits(
            clock,
            along((430, 650, 450, 654)),
            422,
            4,
            (14, 20),
            (6, 25),
            [other],
            sway=0,
            shadow=0.7,
        ),
    ]
    shade = spell(clock, shadow_edge(0.1, 1.0, 0, 86400, dark=0.4, below=0.3), 8, 16)
    return day_film(world, s, clock, cast, wall_zone(s), walls=[sign], scene=(shade,), seed=43)


def palace(world: World, clock: Clock) -> Script:
    s = PALACE
    text = "创建文明城市 人人有责"
    cloth = OnWall(banner(text), [(500, 505), (940, 425), (952, 487), (508, 570)])
    wet, fog = spell(clock, rain(500, 18), 8.0, 11.5), spell(clock, haze(0.3), 5.0, 7.5)
    return day_film(world, s, clock, [], wall_zone(s, text), walls=[cloth], seed=44, windy=True,
                    depth=0.4, weather=(wet, fog))  # fmt: skip


def garden(world: World, clock: Clock) -> Script:
    s = GARDEN
    cast = [
        *passers(clock, s.walk, 451, busy=1.2),
        *bus_stops(clock, (430, 558), "周末家居特卖会", 452, 12),
        *bus_stops(clock, (470, 558), "健康体检中心", 453, 10),
    ]
    wet = spell(clock, rain(300, 12), 16.0, 19.5)
    return day_film(world, s, clock, cast, wall_zone(s), seed=45, weather=(wet,))


def wine(world: World, clock: Clock) -> Script:
    s = WINE
    shine: Quad = [(230, 280), (600, 280), (600, 335), (230, 335)]
    walls = clock.walls(
        shutter((200, 160)), [(305, 345), (412, 345), (412, 520), (305, 520)], 22.5, 9.0
    )
    cast = passers(clock, s.walk, 461, busy=2.4, dress=_shirts())
    return day_film(world, s, clock, cast, wall_zone(s), walls=walls, lit=[shine], seed=46)


def canteen(world: World, clock: Clock) -> Script:
    s = CANTEEN
    firm = lettered_van("食材配送", number(43), (214, 222, 214))
    down = shutter((200, 160), (120, 126, 134))
    windows: tuple[Quad, ...] = (
        [(340, 432), (440, 432), (440, 560), (340, 560)],
        [(556, 432), (654, 432), (654, 560), (556, 560)],
    )
    walls = [piece for quad in windows for piece in clock.walls(down, quad, 21.0, 7.5)]
    cast = [
        *passers(clock, s.walk, 471, busy=2.0),
        Actor(firm, clock.path(560, 690, 6.2, 8.8), shadow=0.7),
        *traffic(clock, along((300, 692, 700, 692)), 472, busy=0.2),
    ]
    lit: Quad = [(360, 288), (670, 288), (670, 352), (360, 352)]
    return day_film(
        world, s, clock, cast, wall_zone(s), walls=walls, lit=[lit], seed=47, depth=0.35
    )


def chains(world: World, clock: Clock) -> Script:
    s = CHAINS
    cast = [
        *passers(clock, s.walk, 481, busy=2.2, dress=_shirts()),
        *bus_stops(clock, (480, 538), "英语培训 开学季", 482, 8),
    ]
    return day_film(world, s, clock, cast, wall_zone(s), seed=48, grey_at_night=True, windy=True)


SCENARIOS = (
    a_day("ads-day-wall", KIND, 10, wall, "permitted sign", "headlights", "rain"),
    a_day("ads-day-hotel", KIND, 5, hotel, "bus with advert", "permitted sign", "T-shirt text"),
    a_day("ads-day-row", KIND, 8, row, "lettered van", "T-shirt text", "moving shadow", kb=26),
    a_day("ads-day-palace", KIND, 0, palace, "permitted sign", "banner", "rain", "fog"),
    a_day("ads-day-garden", KIND, 14, garden, "bus with advert", "rain", kb=26),
    a_day("ads-day-wine", KIND, 18, wine, "permitted sign", "shop opens", "T-shirt text",
          core=False),
    a_day("ads-day-canteen", KIND, 6, canteen, "lettered van", "shop opens", "permitted sign",
          core=False, kb=26),
    a_day("ads-day-chains", KIND, 12, chains, "bus with advert", "infrared", "T-shirt text",
          core=False, kb=26),
)  # fmt: skip
