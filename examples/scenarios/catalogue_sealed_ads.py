"""Illegal ads, the sealed set: new walls; photographed buses and cars with their own lettering."""

from __future__ import annotations

from _casting import crowd
from _daily import a_day, day_film, wall_zone
from _day import Clock, along, haze, passers, shutter, spell, visits
from _film import Points, Script, Truth, Zone
from _people import person, printed, van
from _sealed import (
    DOORS,
    PORCELAIN,
    TILES,
    WHISKY,
    cut,
    entry,
    ground_of,
    parked,
    passing,
    pot,
    waiters,
)
from _stage import Actor, Lens, OnWall, Stage, goes, stands
from _streets import LANE as LANE_STREET
from _views import ROW, desk_of
from _weather import clouds, headlights, jpeg, light, noise, rain, ramp, shadow_edge, soft
from _words import banner, board, number, qr_sticker, small_ad
from _world import World

KIND = "illegal_ads"
_one = entry(KIND, "ads")
LOW_WALL = Lens((960, 720), [(640, 380), (960, 380), (960, 620), (640, 620)])
GABLE = Lens((960, 640), [(300, 300), (660, 300), (660, 540), (300, 540)])


def _zone(corners: Points, *permitted: str) -> list[Zone]:
    return [Zone("wall", corners, extra={"permitted_text": list(permitted)} if permitted else {})]


def low_wall_sticker(world: World) -> Script:
    sheet = small_ad("专业 疏通", number(41), ground=(250, 236, 70), seed=31)
    there = OnWall(sheet, [(764, 560), (850, 568), (850, 608), (764, 598)], 68)
    stage = Stage(world.lane, [], [there], lens=LOW_WALL)
    zone = _zone(((700, 520), (958, 530), (958, 618), (700, 618)))
    return Script(stage, zone, [Truth("wall", 68, 270)], sensor=(clouds(0.15, 80), noise(2.0)))


def gable_banner(world: World) -> Script:
    cloth = banner("厂房出租 欢迎来电 " + number(42), ground=(240, 240, 236), ink=(190, 20, 30))
    there = OnWall(cloth, [(410, 458), (535, 462), (535, 490), (410, 486)], 70)
    stage = Stage(world.lane, [], [there], lens=GABLE)
    zone = _zone(((350, 330), (640, 330), (640, 515), (350, 510)))
    return Script(stage, zone, [Truth("wall", 70, 280)], sensor=(light(1.05), noise(1.8)))


def salon_sticker(world: World) -> Script:
    sheets = [
        small_ad("空调 移机", number(43), ground=(240, 240, 236), seed=32),
        small_ad("开锁 换锁", number(43), ground=(250, 230, 90), seed=33),
    ]
    there = [
        OnWall(sheets[0], [(420, 560), (512, 560), (512, 602), (420, 602)], 66),
        OnWall(sheets[1], [(660, 575), (762, 575), (762, 621), (660, 621)], 66),
    ]
    stage = Stage(desk_of(world).facade("img_283"), [], there)
    zone = _zone(((10, 300), (950, 300), (950, 715), (10, 715)))
    return Script(stage, zone, [Truth("wall", 66, 260)], sensor=(soft(0.5), noise(2.0)))


def tiles_banner(world: World) -> Script:
    cloth = banner("学车报名 低价快速", ground=(30, 70, 170), ink=(250, 250, 250))
    there = OnWall(cloth, [(360, 150), (640, 125), (640, 190), (360, 206)], 72)
    cast = [
        parked(cut(world).one("car-black"), stands(820, 520)),
        *passing((60, 312, 1000, 440), 6, 501),
    ]
    stage = Stage(ground_of(TILES, world), cast, [there])
    return Script(
        stage, _zone(TILES.front), [Truth("wall", 72, 270)], sensor=(light(0.95), noise(1.8))
    )


def shutters_qr(world: World) -> Script:
    codes = [
        OnWall(qr_sticker(f"https://example.com/loan/{n}", "扫码贷款"), quad, 70)
        for n, quad in (
            (1, [(205.0, 560.0), (265.0, 560.0), (265.0, 632.0), (205.0, 632.0)]),
            (2, [(520.0, 565.0), (582.0, 565.0), (582.0, 640.0), (520.0, 640.0)]),
        )
    ]
    stage = Stage(desk_of(world).facade("img_193"), [], codes)
    zone = _zone(((100, 490), (950, 490), (950, 715), (100, 715)))
    sensor = (light(ramp((0, 1.0), (280, 0.7))), noise(2.2), jpeg(75))
    return Script(stage, zone, [Truth("wall", 70, 280)], sensor=sensor)


def row_printed(world: World) -> Script:
    dress = [printed("man_walks", "志愿者"), printed("man_grey", "外卖 1390000")]
    sign = board("社区服务站", "便民热线 12345")
    there = OnWall(sign, [(330, 420), (420, 432), (420, 478), (330, 472)])
    cast = [
        Actor(van(), goes((70, 700, 800), (84, 460, 650), (206, 460, 650), (220, 600, 520)),
              size=0.9, shadow=0.75),
        *crowd(ROW, 10, 502, 260, dress=dress),
    ]  # fmt: skip
    stage = Stage(world.row, cast, [there])
    zone = _zone(((20, 300), (540, 300), (540, 560), (20, 690)), "社区服务站", "便民热线 12345")
    return Script(stage, zone, sensor=(clouds(0.3, 110), noise(2.0)))


def doors_buses(world: World) -> Script:
    things = cut(world)
    cast = [
        parked(things.one("bus-green"), goes((60, -560, 440), (68, 430, 440), (96, 430, 440),
                                             (106, 1600, 440))),
        parked(things.one("bus-red"), goes((150, -460, 440), (158, 520, 440), (192, 520, 440),
                                           (202, 1600, 440))),
        parked(things.one("taxi"), goes((214, -200, 430), (220, 300, 430), (240, 300, 430),
                                        (248, 1200, 430))),
        *passing((-60, 362, 1020, 366), 7, 503),
    ]  # fmt: skip
    stage = Stage(ground_of(DOORS, world), cast)
    zone = _zone(((20, 90), (950, 90), (950, 430), (20, 430)))
    return Script(stage, zone, sensor=(clouds(0.15, 70), noise(2.0)))


def porcelain_opens(world: World) -> Script:
    door = [(568.0, 340.0), (708.0, 340.0), (708.0, 594.0), (568.0, 594.0)]
    closed = OnWall(shutter((280, 300), text="瓷器店"), door, -1, 84)
    cast = [
        parked(cut(world).one("van-dark"), goes((96, -300, 694), (106, 260, 694), (999, 260, 694))),
        pot(world, "pot-fern", 540, 616, 92),
        pot(world, "pot-rubber", 730, 616, 100),
        *passing((-60, 640, 1020, 644), 8, 504),
    ]
    stage = Stage(ground_of(PORCELAIN, world), cast, [closed], lens=PORCELAIN.lens)
    lit = light(ramp((0, 0.6), (240, 1.0)), -0.1)
    return Script(stage, _zone(PORCELAIN.front, "瓷器店"), sensor=(lit, rain(250, 12), noise(2.4)))


def day_lane(world: World, clock: Clock) -> Script:
    s = LANE_STREET
    dress = [printed("man_walks", "骑手 8866"), printed("man_grey", "安保")]
    cast = [
        *passers(clock, s.walk, 511, busy=2.4, dress=dress),
        Actor(van(), clock.path(300, 640, 7.4, 8.6), size=0.9, shadow=0.75),
        *visits(clock, s.wait, 512, 10, (8, 22), (4, 15), waiters()),
    ]
    beams = headlights(600, row=0.65, strength=80, every_s=3240.0)
    shade = spell(clock, shadow_edge(0.1, 0.9, 0, 86400, dark=0.25), 8, 17)
    wet = spell(clock, rain(500, 16), 1.0, 5.0)
    return day_film(world, s, clock, cast, wall_zone(s), seed=51, scene=(beams, shade),
                    weather=(wet,), windy=True)  # fmt: skip


def day_whisky(world: World, clock: Clock) -> Script:
    s, things = WHISKY, cut(world)
    sign = [(80.0, 225.0), (580.0, 225.0), (580.0, 285.0), (80.0, 285.0)]
    door = [(746.0, 316.0), (857.0, 316.0), (857.0, 618.0), (746.0, 618.0)]
    cast = [
        *passers(clock, s.walk, 521, busy=2.2, dress=[printed("man_grey", "装修 1390000")]),
        *visits(clock, along((300, 694, 560, 694)), 522, 26, (6, 23), (3, 4),
                things.some("bus-green", "bus-red"), sway=0, shadow=0.75),
        parked(things.one("car-silver"), clock.path(760, 694, 19.0, 7.0)),
        *visits(clock, s.wait, 523, 10, (8, 22), (4, 15), waiters()),
    ]  # fmt: skip
    walls = clock.walls(shutter((200, 420)), door, 23.0, 10.5)
    wet = spell(clock, rain(350, 14), 12.0, 15.0)
    return day_film(world, s, clock, cast, wall_zone(s), seed=52, walls=walls, weather=(wet,),
                    lit=[sign])  # fmt: skip


def day_tiles(world: World, clock: Clock) -> Script:
    s, things = TILES, cut(world)
    cast = [
        *passers(clock, s.walk, 531, busy=1.4),
        parked(things.one("car-red"), clock.path(330, 440, 7.8, 12.0)),
        parked(things.one("car-white"), clock.path(760, 520, 8.6, 18.4)),
        *visits(clock, along((480, 480, 560, 490)), 532, 10, (9, 23), (3, 12),
                things.some("taxi", "car-black", "car-silver"), sway=0, shadow=0.75),
        Actor(person("man_coat"), clock.path(200, 330, 10.1, 10.5), sway=2),
    ]  # fmt: skip
    shade = spell(clock, shadow_edge(0.0, 0.9, 0, 86400, dark=0.45), 9, 17)
    fog = spell(clock, haze(0.3), 5.0, 8.0)
    return day_film(world, s, clock, cast, wall_zone(s), seed=53, grey_at_night=True,
                    scene=(shade,), weather=(fog,))  # fmt: skip


SCENARIOS = (
    _one("low-wall-sticker", low_wall_sticker, "sticker", "phone number", "clouds", core=True,
         looks=90, cadence_s=3.0, kb=70),
    _one("gable-banner", gable_banner, "banner", "phone number", core=True, looks=70,
         cadence_s=4.0),
    _one("salon-stickers", salon_sticker, "sticker", "phone number"),
    _one("tiles-banner", tiles_banner, "banner", "angle", "parked cars", looks=90, cadence_s=3.0),
    _one("shutters-qr", shutters_qr, "QR sticker", "JPEG 75", looks=70, cadence_s=4.0),
    _one("neg-row-printed", row_printed, "negative", "permitted sign", "T-shirt text",
         "clouds", core=True),
    _one("neg-doors-buses", doors_buses, "negative", "bus", "waiting taxi", "clouds"),
    _one("neg-porcelain-opens", porcelain_opens, "negative", "shop opens", "planters", "rain",
         starts_at="2026-06-01T06:30:00+08:00"),
    a_day("ads-sealed-day-lane", KIND, 11, day_lane, "T-shirt text", "moving shadow",
          "headlights", "rain"),
    a_day("ads-sealed-day-whisky", KIND, 4, day_whisky, "bus", "shop opens", "T-shirt text",
          "rain", core=False),
    a_day("ads-sealed-day-tiles", KIND, 19, day_tiles, "parked cars", "moving shadow", "fog",
          "infrared", core=False),
)  # fmt: skip
