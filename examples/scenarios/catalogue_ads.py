"""Illegal ads: what is pasted, hung and set up, and what may hang or only passes."""

from __future__ import annotations

from _casting import HOTEL, LANE, crowd
from _film import Points, Scenario, Script, Truth, Zone
from _people import person, printed
from _stage import Actor, Lens, OnWall, Stage, goes, stands
from _vehicles import bus
from _weather import (
    clouds,
    day_curve,
    headlights,
    jpeg,
    lamp_warmth,
    light,
    noise,
    rain,
    ramp,
    shadow_edge,
    soft,
)
from _words import Quad, banner, board, number, qr_sticker, small_ad
from _world import World

KIND = "illegal_ads"
WALL: Points = ((8, 60), (760, 60), (760, 200), (8, 190))
SIGN: Points = ((230, 400), (380, 400), (380, 560), (230, 560))
WHOLE: Points = ((10, 10), (950, 10), (950, 560), (10, 560))
ASSEMBLY = "Fire assembly point"
END = 260.0


def _box(x: float, y: float, w: float, h: float, slant: float = 0.0) -> Quad:
    return [(x, y), (x + w, y + slant), (x + w, y + h + slant), (x, y + h)]


def _zone(corners: Points, *permitted: str) -> list[Zone]:
    return [Zone("wall", corners, extra={"permitted_text": list(permitted)} if permitted else {})]


def plaza_sticker(world: World) -> Script:
    ad = OnWall(small_ad("办证 开锁", number(1)), _box(440, 107, 178, 78, 3), 64)
    return Script(
        Stage(world.wall, [], [ad]),
        _zone(WALL, ASSEMBLY),
        [Truth("wall", 64, END)],
        sensor=(noise(1.8),),
    )


def brick_stickers(world: World) -> Script:
    sheet = small_ad(
        "疏通下水道", number(2), ground=(244, 222, 60), inks=((24, 22, 26), (170, 20, 20))
    )
    ad = OnWall(sheet, [(300, 330), (452, 356), (450, 440), (298, 408)], 70)
    other = OnWall(
        small_ad("搬家 拉货", number(3), ground=(235, 235, 235)),
        [(560, 420), (700, 428), (700, 500), (560, 490)],
        90,
    )
    lens = Lens((1920, 1080), [(120, 180), (960, 180), (960, 652), (120, 652)])
    return Script(
        Stage(world.bricks, [], [ad, other], lens=lens),
        _zone(((130, 190), (950, 190), (950, 640), (130, 640))),
        [Truth("wall", 70, END)],
        sensor=(soft(1.4), noise(2.5), jpeg(60)),
    )


def lane_banner(world: World) -> Script:
    cloth = OnWall(
        banner("热烈庆祝新店开业 全场五折"), [(585, 462), (935, 440), (935, 486), (585, 506)], 66
    )
    return Script(
        Stage(world.lane, crowd(LANE, 9, 7, END), [cloth]),
        _zone(((560, 300), (955, 300), (955, 520), (560, 520))),
        [Truth("wall", 66, END)],
        sensor=(clouds(0.12), noise(2.0)),
    )


def qr_on_wall(world: World) -> Script:
    sheet = qr_sticker("https://example.com/loan/4711", "扫码贷款")
    ad = OnWall(sheet, _box(520, 78, 100, 118, 2), 64)
    return Script(
        Stage(world.wall, [], [ad], first_look=30),
        _zone(WALL, ASSEMBLY),
        [Truth("wall", 64, END)],
        sensor=(noise(1.8),),
    )


def new_board(world: World) -> Script:
    sign = OnWall(
        board("旺铺招租", "电话 " + number(4), ground=(190, 30, 30)),
        [(560, 150), (820, 130), (820, 224), (560, 238)],
        68,
    )
    return Script(
        Stage(world.hotel, crowd(HOTEL, 10, 17, END), [sign]),
        _zone(((300, 60), (950, 60), (950, 440), (300, 440))),
        [Truth("wall", 68, END)],
        sensor=(clouds(0.1), noise(2.0)),
    )


def graffiti_evening(world: World) -> Script:
    ad = OnWall(
        small_ad(
            "开锁 换锁", number(5), ground=(250, 250, 246), inks=((20, 60, 160), (20, 20, 20))
        ),
        [(500, 330), (668, 318), (670, 398), (502, 412)],
        72,
    )
    evening = light(ramp((0, 0.8), (END, 0.5)), ramp((0, 0.0), (END, 0.5)))
    return Script(
        Stage(world.graffiti, [], [ad]),
        _zone(((10, 10), (790, 10), (790, 500), (10, 500))),
        [Truth("wall", 72, END)],
        sensor=(evening, soft(0.8), noise(2.8)),
    )


def _assembly(world: World) -> Stage:
    return Stage(world.wall, [], first_look=12)


def sign_new_light(world: World) -> Script:
    curve = light(
        ramp((50, 1.0), (120, 0.3), (170, 0.3), (230, 1.25)), ramp((50, 0), (120, 0.8), (230, -0.3))
    )
    return Script(
        _assembly(world), _zone(SIGN, ASSEMBLY), sensor=(curve, noise(ramp((50, 1.8), (120, 4.0))))
    )


def sign_headlights(world: World) -> Script:
    night = light(0.3, 0.6)
    beams = headlights(60, 84, 120, 150, 188, 214, row=0.85, strength=150)
    return Script(_assembly(world), _zone(SIGN), sensor=(night, beams, noise(4.0)))


def shirt_text(world: World) -> Script:
    shirts = [printed("man_coat", "欢迎光临"), printed("man_walks", "SPORT 88")]
    cast = [
        Actor(
            shirts[0],
            goes((64, -60, 700), (70, 300, 760), (130, 300, 760), (138, 1000, 800)),
            sway=1,
        ),
        Actor(
            shirts[1],
            goes((150, 1000, 800), (160, 640, 770), (215, 640, 770), (222, -60, 740)),
            sway=1,
        ),
    ]
    return Script(Stage(world.hotel, cast), _zone(WHOLE), sensor=(noise(2.0),))


def bus_advert(world: World) -> Script:
    ride = bus("全场五折大促销 电话 " + number(6))
    passing = goes((60, -500, 520), (66, 1500, 520))
    stop = goes((100, -500, 520), (106, 430, 520), (146, 430, 520), (152, 1500, 520))
    again = goes((196, -500, 520), (203, 520, 520), (222, 520, 520), (229, 1500, 520))
    cast = [Actor(ride, path) for path in (passing, stop, again)]
    return Script(Stage(world.hotel, cast), _zone(WHOLE), sensor=(noise(2.0),))


def shop_board(world: World) -> Script:
    phone = number(7)
    sign = OnWall(
        board("便利超市", "送货电话 " + phone), [(560, 150), (820, 130), (820, 224), (560, 238)]
    )
    return Script(
        Stage(world.hotel, crowd(HOTEL, 12, 27, END), [sign]),
        _zone(((300, 60), (950, 60), (950, 440), (300, 440)), "便利超市", f"送货电话 {phone}"),
        sensor=(clouds(0.25, 50), noise(2.0)),
    )


def sign_in_rain(world: World) -> Script:
    sign = OnWall(
        board("药房", "欢迎光临", ground=(20, 120, 60)),
        [(300, 330), (480, 358), (478, 440), (298, 410)],
    )
    return Script(
        Stage(world.bricks, [], [sign]),
        _zone(((20, 150), (940, 150), (940, 700), (20, 700))),
        sensor=(rain(1100, 22, 0.15), soft(0.8), noise(2.8)),
    )


def shadow_and_shake(world: World) -> Script:
    sign = OnWall(
        board("水果店", "新鲜水果", ground=(220, 120, 20)),
        [(560, 150), (820, 130), (820, 224), (560, 238)],
    )
    return Script(
        Stage(
            world.hotel,
            [],
            [sign],
            shake=lambda t: (2.5 * _wave(t, 3.1), 2.0 * _wave(t, 2.3), 0.05),
        ),
        _zone(((300, 60), (950, 60), (950, 440), (300, 440))),
        scene=(shadow_edge(0.2, 1.1, 50, 220, dark=0.5),),
        sensor=(noise(2.0),),
    )


def _wave(t: float, pace: float) -> float:
    return float((t * pace * 0.37) % 2 - 1)


def ptz_to_other_sign(world: World) -> Script:
    first = OnWall(board("便利超市", "欢迎光临"), [(560, 150), (820, 130), (820, 224), (560, 238)])
    other = OnWall(
        board("家政保洁", "空调维修", ground=(30, 110, 60)),
        [(60, 190), (230, 180), (230, 250), (60, 258)],
    )
    lens = Lens((768, 576), [(420, 60), (920, 60), (920, 435), (420, 435)])
    turned = Lens((768, 576), [(0, 90), (460, 90), (460, 435), (0, 435)])
    return Script(
        Stage(world.hotel, [], [first, other], lens=lens, turn=(110.0, turned)),
        _zone(((420, 60), (920, 60), (920, 420), (420, 420))),
        sensor=(noise(2.0),),
    )


def patrol_hotel(world: World) -> Script:
    phone = number(8)
    sign = OnWall(
        board("便利超市", "送货电话 " + phone), [(560, 150), (820, 130), (820, 224), (560, 238)]
    )
    ride = bus("全场五折大促销", (40, 60, 150))
    stops = [Actor(ride, stands(430, 520, t, t + 200)) for t in (2400, 7100, 11800, 16500)]
    cast = [
        *crowd(HOTEL, 300, 37, 24000, takes_s=(40, 120)),
        *stops,
        Actor(person("man_side"), stands(880, 470, 9000, 10800), sway=2),
    ]
    return Script(
        Stage(world.hotel, cast, [sign]),
        _zone(((300, 60), (950, 60), (950, 440), (300, 440)), "便利超市", f"送货电话 {phone}"),
        sensor=(light(day_curve(14.5), lamp_warmth(14.5)), noise(2.6)),
    )


def _pos(name: str, make: object, *tags: str, split: str = "report", kb: float = 50) -> Scenario:
    return Scenario(f"ads-{name}", KIND, split, tags, make, kb=kb)  # type: ignore[arg-type]


def _neg(name: str, make: object, *tags: str, split: str = "report", **more: object) -> Scenario:
    return Scenario(f"ads-{name}", KIND, split, ("negative", *tags), make, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _pos("plaza-sticker", plaza_sticker, "sticker", "phone number"),
    _pos(
        "bricks-stickers-blur",
        brick_stickers,
        "sticker",
        "angle",
        "blur",
        "JPEG 60",
        "1080p",
        kb=170,
    ),
    _pos("lane-banner", lane_banner, "banner"),
    _pos("plaza-qr", qr_on_wall, "QR sticker", split="tuning"),
    _pos("hotel-new-board", new_board, "board", "phone number"),
    _pos("graffiti-evening", graffiti_evening, "sticker", "evening", "angle", split="tuning"),
    _neg("neg-sign-new-light", sign_new_light, "permitted sign", "light"),
    _neg("neg-sign-headlights", sign_headlights, "permitted sign", "headlights", split="tuning"),
    _neg("neg-shirt-text", shirt_text, "T-shirt text"),
    _neg("neg-bus-advert", bus_advert, "bus with advert"),
    _neg("neg-shop-board", shop_board, "permitted sign", "phone number"),
    _neg("neg-sign-rain", sign_in_rain, "permitted sign", "rain", split="tuning"),
    _neg("neg-shadow-shake", shadow_and_shake, "moving shadow", "camera shake"),
    _neg("neg-ptz", ptz_to_other_sign, "PTZ move"),
    _neg(
        "neg-hotel-patrol",
        patrol_hotel,
        "patrol",
        "day to night",
        "bus with advert",
        looks=500,
        cadence_s=45.0,
        starts_at="2026-06-01T14:30:00+08:00",
        patrol=True,
    ),
)
