"""Scenarios of the desk: grounds and objects that the project may use but not pass on."""

from __future__ import annotations

from _casting import Line, crowd, customers, waiting
from _desk import Desk
from _film import Points, Scenario, Script, Truth, Zone
from _goods import blanket, cartons, shop_goods, stall, tricycle
from _people import carrying, person
from _stage import Actor, OnWall, Stage, goes, stands
from _weather import clouds, headlights, light, noise, rain, ramp, shadow_edge, soft
from _words import banner, board, number, qr_sticker, small_ad
from _world import World

END = 260.0
SENSOR = (clouds(0.1), noise(2.0))


def _desk(world: World) -> Desk:
    assert world.desk is not None, "built only with --data"  # noqa: S101 - build.py filters
    return world.desk


def _across(row: float, spread: float = 8) -> tuple[Line, ...]:
    return ((-60, row, 1020, row + spread), (1020, row + spread, -60, row))


def _row(top: float, bottom: float) -> Points:
    return ((0, top), (960, top), (960, bottom), (0, bottom))


def street_blanket(world: World) -> Script:
    cast = [
        Actor(blanket((60, 120, 40), 7), stands(430, 430, 62), shadow=0.2),
        waiting("man_side", 690, 410, 62),
        *customers((420, 500), 90, 250, 41, come_from=-500),
    ]
    return Script(
        Stage(_desk(world).street("d18e01"), cast),
        [Zone("kerb", _row(230, 540))],
        [Truth("kerb", 62, END)],
        sensor=SENSOR,
    )


def street_tricycle(world: World) -> Script:
    cast = [
        Actor(tricycle((60, 60, 170)), goes((60, 1100, 350), (70, 330, 330), (999, 330, 330))),
        Actor(person("man_wide"), goes((60, 1140, 352), (70, 470, 322), (999, 470, 322)), sway=2),
        *customers((290, 368), 95, 250, 43, come_from=-300),
    ]
    return Script(
        Stage(_desk(world).street("c3efa1"), cast),
        [Zone("kerb", ((0, 240), (900, 260), (930, 370), (0, 410)))],
        [Truth("kerb", 60, END)],
        sensor=(clouds(0.2, 60), noise(2.0)),
    )


def facade_frontage(world: World) -> Script:
    cast = [
        Actor(shop_goods(2, 11), stands(560, 700, 60)),
        Actor(shop_goods(1, 12), stands(300, 690, 84)),
        waiting("woman_blue", 730, 690, 64, 150),
        waiting("woman_blue", 700, 695, 180, 250),
        *crowd(_across(725), 8, 44, END),
    ]
    return Script(
        Stage(_desk(world).facade("img_189"), cast),
        [Zone("kerb", _row(620, 744), extra={"frontage": True})],
        [Truth("kerb", 60, END, "0405")],
        sensor=SENSOR,
    )


def facade_stall_evening(world: World) -> Script:
    cast = [
        Actor(stall(roof=False, table_cloth=(50, 90, 120)), stands(500, 500, 68)),
        waiting("man_coat", 640, 492, 68),
        *customers((450, 515), 90, 250, 45, come_from=-400),
    ]
    evening = light(ramp((0, 0.8), (END, 0.45)), ramp((0, 0.0), (END, 0.5)))
    return Script(
        Stage(_desk(world).facade("img_561"), cast),
        [Zone("kerb", _row(440, 540))],
        [Truth("kerb", 68, END)],
        sensor=(evening, noise(3.0)),
    )


def table_in_room(world: World) -> Script:
    corners = ((250, 200), (700, 200), (700, 430), (250, 430))
    return Script(Stage(_desk(world).room, []), [Zone("kerb", corners)], sensor=(noise(1.5),))


def facade_delivery(world: World) -> Script:
    parcel = goes((60, -60, 490), (72, 430, 480), (104, 430, 480), (116, 1020, 492))
    cast = [
        Actor(carrying("man_walks", 5), parcel, sway=1),
        waiting("woman_red", 720, 486, 130, 220),
    ]
    return Script(
        Stage(_desk(world).facade("img_551"), [*cast, *crowd(_across(488), 14, 46, END)]),
        [Zone("kerb", _row(450, 520))],
        sensor=SENSOR,
    )


def _real_bags(desk: Desk, u: float, v: float, since: float, step: float = 90) -> list[Actor]:
    picks = (("20231005_163650", 0), ("20231005_164956", 0), ("20231005_163650", 1))
    return [
        Actor(desk.bag(name, part), stands(u + step * n, v + 6 * (n % 2), since), shadow=0.55)
        for n, (name, part) in enumerate(picks)
    ]


def street_real_bags(world: World) -> Script:
    desk = _desk(world)
    cast = _real_bags(desk, 420, 330, 64, 60)
    return Script(
        Stage(desk.street("515d78"), [*cast, *crowd(_across(300), 8, 47, END)]),
        [Zone("footway", ((250, 210), (700, 210), (840, 330), (640, 395), (270, 395), (70, 330)))],
        [Truth("footway", 64, END)],
        sensor=SENSOR,
    )


def facade_real_bags(world: World) -> Script:
    desk = _desk(world)
    dusk = light(ramp((0, 0.8), (END, 0.4)), ramp((0, -0.3), (END, 0.4)))
    cast = [*_real_bags(desk, 610, 492, 62, 58), *crowd(_across(515), 9, 48, END)]
    return Script(
        Stage(desk.facade("img_488"), cast),
        [Zone("footway", _row(450, 540))],
        [Truth("footway", 62, END)],
        sensor=(dusk, noise(3.2)),
    )


def room_real_bags(world: World) -> Script:
    desk = _desk(world)
    cast = _real_bags(desk, 130, 385, 66, 82)
    return Script(
        Stage(desk.room, cast, first_look=6),
        [Zone("footway", ((20, 285), (380, 285), (380, 430), (20, 430)))],
        [Truth("footway", 66, END)],
        sensor=(noise(1.5),),
    )


def street_bags_rain(world: World) -> Script:
    desk = _desk(world)
    cast = [
        *_real_bags(desk, 540, 246, 60, 70),
        Actor(cartons(3, 12), stands(420, 248, 60)),
        *crowd(_across(252), 6, 49, END),
    ]
    return Script(
        Stage(desk.street("c29a5d"), cast),
        [Zone("footway", _row(200, 275))],
        [Truth("footway", 60, END)],
        sensor=(light(0.7), rain(500), noise(2.6)),
    )


def motorcycle_stands(world: World) -> Script:
    fading = light(ramp((50, 1.0), (190, 0.3)), ramp((50, 0.0), (190, 0.6)))
    beams = headlights(150, 182, 214, row=0.35, strength=110)
    return Script(
        Stage(_desk(world).motorcycle, crowd(_across(560), 6, 50, END)),
        [Zone("footway", _row(250, 700))],
        sensor=(fading, beams, noise(ramp((50, 1.8), (190, 4.0)))),
    )


def cars_on_asphalt(world: World) -> Script:
    corners = ((20, 20), (748, 20), (748, 412), (20, 412))
    return Script(
        Stage(_desk(world).asphalt, []),
        [Zone("footway", corners)],
        sensor=(clouds(0.25, 90), noise(2.0)),
    )


def facade_sticker(world: World) -> Script:
    sheet = small_ad("贷款 无抵押", number(21), ground=(250, 250, 240), seed=9)
    ad = OnWall(sheet, [(225, 300), (372, 306), (370, 372), (224, 364)], 64)
    return Script(
        Stage(_desk(world).facade("img_389"), [], [ad]),
        [Zone("wall", _row(10, 530))],
        [Truth("wall", 64, END)],
        sensor=(soft(0.7), noise(2.2)),
    )


def facade_banner(world: World) -> Script:
    cloth = OnWall(banner("清仓处理 五折优惠"), [(90, 252), (560, 258), (560, 310), (90, 306)], 66)
    return Script(
        Stage(_desk(world).facade("img_289"), [], [cloth]),
        [Zone("wall", _row(140, 440))],
        [Truth("wall", 66, END)],
        sensor=SENSOR,
    )


def facade_qr(world: World) -> Script:
    code = qr_sticker("https://example.com/loan/0815", "扫码领红包")
    ad = OnWall(code, [(572, 200), (668, 204), (666, 318), (571, 312)], 64)
    return Script(
        Stage(_desk(world).facade("img_384"), [], [ad]),
        [Zone("wall", ((200, 10), (950, 10), (950, 530), (200, 530)))],
        [Truth("wall", 64, END)],
        sensor=(noise(2.0),),
    )


def facade_board(world: World) -> Script:
    sign = board("房屋出租", "电话 " + number(22), ground=(240, 190, 30), ink=(20, 20, 20))
    there = OnWall(sign, [(270, 380), (470, 378), (470, 470), (270, 472)], 70)
    return Script(
        Stage(_desk(world).facade("img_188"), crowd(_across(862), 7, 51, END), [there]),
        [Zone("wall", _row(150, 800))],
        [Truth("wall", 70, END)],
        sensor=SENSOR,
    )


def signs_into_night(world: World) -> Script:
    fading = light(ramp((40, 1.1), (200, 0.35)), ramp((40, 0.0), (200, 0.7)))
    return Script(
        Stage(_desk(world).facade("img_97"), crowd(_across(770), 12, 52, END)),
        [Zone("wall", _row(150, 700))],
        sensor=(fading, noise(ramp((40, 1.8), (200, 4.0)))),
    )


def signs_shaken(world: World) -> Script:
    def wind(t: float) -> tuple[float, float, float]:
        return (t * 1.7) % 3 - 1.5, (t * 1.1) % 2.4 - 1.2, 0.04

    return Script(
        Stage(_desk(world).facade("img_561"), crowd(_across(505), 10, 53, END), shake=wind),
        [Zone("wall", _row(60, 460))],
        scene=(shadow_edge(0.0, 1.0, 50, 230, dark=0.45),),
        sensor=(noise(2.0),),
    )


_V, _P, _A = "street_vending", "piled_materials", "illegal_ads"


def _one(name: str, kind: str, make: object, *tags: str, split: str = "report") -> Scenario:
    return Scenario(name, kind, split, tags, make, core=False)  # type: ignore[arg-type]


SCENARIOS = (
    _one("vend-street-blanket", _V, street_blanket, "blanket", "customers"),
    _one("vend-street-tricycle", _V, street_tricycle, "tricycle", "arrives"),
    _one("vend-facade-frontage", _V, facade_frontage, "frontage", "growing"),
    _one("vend-facade-stall-evening", _V, facade_stall_evening, "table", "evening", split="tuning"),
    _one("vend-neg-room-table", _V, table_in_room, "negative", "people at a table", split="tuning"),
    _one("vend-neg-facade-delivery", _V, facade_delivery, "negative", "delivery person", "crowd",
         split="tuning"),
    _one("pile-street-real-bags", _P, street_real_bags, "bags", "real bags"),
    _one("pile-facade-real-bags-dusk", _P, facade_real_bags, "bags", "real bags", "dusk"),
    _one("pile-room-real-bags", _P, room_real_bags, "bags", "real bags", split="tuning"),
    _one("pile-street-bags-rain", _P, street_bags_rain, "bags", "cartons", "real bags", "rain"),
    _one("pile-neg-motorcycle-night", _P, motorcycle_stands, "negative", "parked motorcycle",
         "headlights", "day to night"),
    _one("pile-neg-asphalt-cars", _P, cars_on_asphalt, "negative", "passing cars", "clouds",
         split="tuning"),
    _one("ads-facade-sticker", _A, facade_sticker, "sticker", "phone number", split="tuning"),
    _one("ads-facade-banner", _A, facade_banner, "banner"),
    _one("ads-facade-qr", _A, facade_qr, "QR sticker"),
    _one("ads-facade-board", _A, facade_board, "board", "phone number"),
    _one("ads-neg-signs-night", _A, signs_into_night, "negative", "permitted sign", "day to night",
         split="tuning"),
    _one("ads-neg-signs-shaken", _A, signs_shaken, "negative", "permitted sign", "camera shake",
         "moving shadow", split="tuning"),
)  # fmt: skip
