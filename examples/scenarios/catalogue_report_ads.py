"""Illegal ads, the second report set: other walls, things, arrivals, weather and cadence."""

from __future__ import annotations

import numpy as np
from _casting import crowd, waiting
from _day import shutter
from _demo import Floats
from _film import Points, Scenario, Script, Truth, Zone
from _people import person
from _stage import Actor, Lens, OnWall, Stage, goes, stands
from _vehicles import bus, lettered_van, stand_board
from _views import ROW, along_row, desk_of
from _weather import clouds, jpeg, light, noise, rain, ramp, soft
from _words import Rgb, banner, board, number, qr_sticker, small_ad, words
from _world import World

KIND = "illegal_ads"
NEAR = Lens((960, 720), [(430, 190), (768, 190), (768, 443), (430, 443)])


def stencil(text: str, ink: Rgb = (236, 236, 232), seed: int = 1) -> Floats:
    """Wording sprayed on a wall through a stencil: no paper, soft edges, thin in places."""
    sheet = words(text, height=150, ink=(255, 255, 255), ground=(0, 0, 0), pad=20).copy()
    rng = np.random.default_rng(seed)
    thin = np.clip(rng.normal(0.9, 0.12, sheet.shape[:2]), 0.4, 1.0)
    sheet[..., 3] = sheet[..., 0] * thin * 0.92
    sheet[..., :3] = np.array(ink[::-1], np.float32)
    return np.asarray(sheet, np.float32)


def _zone(corners: Points, *permitted: str) -> list[Zone]:
    return [Zone("wall", corners, extra={"permitted_text": list(permitted)} if permitted else {})]


def palace_banner(world: World) -> Script:
    cloth = banner("精装公寓 火热销售中", ground=(30, 60, 170), ink=(250, 250, 250))
    there = OnWall(cloth, [(500, 505), (940, 425), (952, 487), (508, 570)], 72)
    return Script(
        Stage(world.palace, [], [there]),
        _zone(((20, 250), (955, 120), (955, 605), (20, 605))),
        [Truth("wall", 72, 280)],
        sensor=(clouds(0.15, 80), noise(2.0)),
    )


def mural_qr(world: World) -> Script:
    code = qr_sticker("https://example.com/job/2205", "日结兼职")
    there = OnWall(code, [(356, 210), (462, 214), (460, 336), (354, 330)], 66)
    return Script(
        Stage(world.mural, [], [there]),
        _zone(((10, 10), (790, 10), (790, 560), (10, 520))),
        [Truth("wall", 66, 270)],
        sensor=(light(ramp((0, 1.0), (270, 0.75))), noise(2.2)),
    )


def row_stencil(world: World) -> Script:
    phone = number(31)
    lines = [
        OnWall(stencil("办证 " + phone), [(150, 415), (262, 420), (262, 446), (150, 445)], 68),
        OnWall(
            stencil("办证 " + phone, seed=2), [(300, 500), (470, 492), (470, 528), (300, 541)], 68
        ),
    ]
    lens = Lens((1280, 720), [(60, 330), (540, 330), (540, 600), (60, 600)])
    return Script(
        Stage(world.row, crowd(ROW, 6, 91, 260), lines, lens=lens),
        _zone(((80, 340), (530, 340), (530, 545), (80, 600))),
        [Truth("wall", 68, 260)],
        sensor=(soft(0.6), noise(2.0)),
    )


def gate_sticker(world: World) -> Script:
    sheet = small_ad(
        "高价 回收", number(32), ground=(240, 240, 236), inks=((20, 90, 40), (20, 20, 20)), seed=8
    )
    there = OnWall(sheet, [(560, 556), (756, 576), (752, 664), (558, 640)], 70)
    return Script(
        Stage(
            world.gate,
            [],
            [there],
            lens=Lens((960, 720), [(160, 120), (960, 120), (960, 720), (160, 720)]),
        ),
        _zone(((430, 440), (955, 470), (955, 715), (430, 690))),
        [Truth("wall", 70, 300)],
        sensor=(clouds(0.2, 120), noise(2.2), jpeg(70)),
    )


def near_standing_board(world: World) -> Script:
    sign = stand_board("小额 贷款", number(33))
    cast = [
        Actor(sign, stands(585, 372, 66), shadow=0.35),
        Actor(
            person("man_side"),
            goes((50, 790, 370), (60, 615, 374), (72, 615, 374), (84, 790, 380)),
            sway=1,
        ),
    ]
    return Script(
        Stage(world.plaza, cast, lens=NEAR, first_look=36),
        _zone(((440, 215), (766, 205), (766, 440), (560, 425), (440, 390))),
        [Truth("wall", 66, 270)],
        sensor=(light(0.95), noise(1.8)),
    )


def shutter_stickers(world: World) -> Script:
    first = small_ad("开锁 修锁", number(34), ground=(250, 240, 90), seed=12)
    second = small_ad(
        "通下水 马桶",
        number(35),
        ground=(246, 246, 242),
        inks=((20, 40, 150), (20, 20, 20)),
        seed=13,
    )
    there = [
        OnWall(first, [(405, 190), (535, 190), (535, 248), (405, 248)], 66),
        OnWall(second, [(680, 200), (806, 204), (805, 262), (680, 258)], 66),
    ]
    return Script(
        Stage(desk_of(world).facade("img_550"), crowd(along_row(535), 5, 92, 260), there),
        _zone(((20, 60), (900, 60), (900, 400), (20, 400))),
        [Truth("wall", 66, 260)],
        sensor=(light(0.85), rain(350, 16), noise(2.2)),
    )


def lot_banner(world: World) -> Script:
    cloth = banner("驾校招生 优惠进行中", ground=(245, 245, 240), ink=(200, 20, 30))
    there = OnWall(cloth, [(380, 118), (745, 108), (745, 168), (380, 184)], 70)
    return Script(
        Stage(desk_of(world).street("2c2a2d"), [waiting("man_grey", 250, 300, 60, 90)], [there]),
        _zone(((330, 80), (800, 60), (800, 240), (330, 240))),
        [Truth("wall", 70, 280)],
        sensor=(light(1.0), soft(0.6), noise(1.8)),
    )


def palace_permitted(world: World) -> Script:
    cloth = banner("创建文明城市 人人有责")
    quads = [[(500.0, 505.0 + d), (940.0, 425.0 + d), (952.0, 487.0 + e), (508.0, 570.0 + e)]
             for d, e in ((0, 0), (1.5, -2.0), (-1.0, 2.5), (0.5, 1.0))]  # fmt: skip
    waving = [OnWall(cloth, quads[n % 4], 3.0 * n if n else -1, 3.0 * (n + 1)) for n in range(92)]
    return Script(
        Stage(world.palace, [], waving),
        _zone(((20, 250), (955, 120), (955, 605), (20, 605)), "创建文明城市 人人有责"),
        sensor=(clouds(0.35, 66), noise(2.2)),
    )


def row_lettered_van(world: World) -> Script:
    firm = lettered_van("家电维修", number(36))
    cast = [
        Actor(
            firm, goes((60, 640, 530), (72, 430, 640), (208, 430, 640), (222, 250, 790)), shadow=0.7
        ),
        waiting("man_walks", 600, 640, 76, 200),
        *crowd(ROW, 6, 93, 260),
    ]
    return Script(
        Stage(world.row, cast),
        _zone(((60, 300), (940, 300), (940, 716), (60, 716))),
        sensor=(clouds(0.12, 90), noise(2.0)),
    )


def garden_bus_dusk(world: World) -> Script:
    ride = bus("周末家居特卖会 电话 " + number(37), (150, 70, 60))
    other = bus("健康体检中心", (60, 90, 190))
    cast = [
        Actor(ride, goes((66, -500, 558), (74, 420, 558), (102, 420, 558), (110, 1500, 558))),
        Actor(other, goes((180, -500, 558), (188, 460, 558), (244, 460, 558), (252, 1500, 558))),
        *crowd(along_row(560), 7, 94, 270),
    ]
    dusk = light(ramp((0, 0.75), (200, 0.36)), ramp((0, -0.2), (200, 0.5)))
    return Script(
        Stage(world.garden, cast),
        _zone(((10, 300), (950, 300), (950, 640), (10, 640))),
        sensor=(dusk, noise(ramp((0, 2.2), (200, 3.8)))),
    )


def facade_sign_lit(world: World) -> Script:
    glow = light(ramp((0, 0.9), (120, 0.5), (260, 0.34)), ramp((0, -0.1), (260, 0.4)))
    lit = board("葡萄酒屋", "欢迎光临", ground=(250, 236, 190), ink=(150, 20, 40))
    dark = board("葡萄酒屋", "欢迎光临", ground=(150, 142, 114), ink=(90, 14, 24))
    quad = [(690.0, 150.0), (860.0, 150.0), (860.0, 226.0), (690.0, 226.0)]
    return Script(
        Stage(
            desk_of(world).facade("img_500"),
            crowd(along_row(535), 12, 95, 260),
            [OnWall(dark, quad, -1, 120), OnWall(lit, quad, 120)],
        ),
        _zone(((20, 60), (940, 60), (940, 430), (20, 430)), "葡萄酒屋", "欢迎光临"),
        sensor=(glow, noise(ramp((0, 2.0), (260, 3.8)))),
    )


def facade_shutter_falls(world: World) -> Script:
    down = shutter((240, 300), text="石语工艺品")
    quad = [(612.0, 425.0), (700.0, 425.0), (700.0, 575.0), (612.0, 575.0)]
    window = [(444.0, 442.0), (526.0, 442.0), (526.0, 556.0), (444.0, 556.0)]
    return Script(
        Stage(
            desk_of(world).facade("img_487"),
            crowd(along_row(645), 9, 96, 260),
            [OnWall(shutter((240, 200)), window, 84), OnWall(down, quad, 108)],
        ),
        _zone(((340, 250), (950, 250), (950, 600), (340, 600)), "石语工艺品"),
        sensor=(light(ramp((0, 0.8), (260, 0.5)), 0.2), noise(2.6)),
    )


def _one(name: str, make: object, *tags: str, core: bool = True, **more: object) -> Scenario:
    return Scenario(f"ads-{name}", KIND, "report", tags, make, core=core, **more)  # type: ignore[arg-type]


SCENARIOS = (
    _one("palace-banner", palace_banner, "banner", "angle", "clouds", looks=70, cadence_s=4.0),
    _one("mural-qr", mural_qr, "QR sticker", "graffiti", looks=90, cadence_s=3.0),
    _one("row-stencil", row_stencil, "sprayed", "phone number", kb=80),
    _one("gate-sticker", gate_sticker, "sticker", "phone number", "angle", "JPEG 70", looks=60,
         cadence_s=5.0),
    _one("near-standing-board", near_standing_board, "standing board", "phone number", "arrives",
         looks=108, cadence_s=2.5, kb=70),
    _one("shutter-stickers", shutter_stickers, "sticker", "phone number", "rain", core=False),
    _one("lot-banner", lot_banner, "banner", "sun", core=False, looks=70, cadence_s=4.0),
    _one("neg-palace-permitted", palace_permitted, "negative", "permitted sign", "banner", "wind",
         looks=90, cadence_s=3.0),
    _one("neg-row-lettered-van", row_lettered_van, "negative", "lettered van", "parked van"),
    _one("neg-garden-bus-dusk", garden_bus_dusk, "negative", "bus with advert", "day to night",
         looks=90, cadence_s=3.0, starts_at="2026-06-01T18:50:00+08:00"),
    _one("neg-facade-sign-lit", facade_sign_lit, "negative", "permitted sign", "day to night",
         core=False, starts_at="2026-06-01T18:50:00+08:00"),
    _one("neg-facade-shutter-falls", facade_shutter_falls, "negative", "shop closes",
         "permitted sign", core=False, starts_at="2026-06-01T20:00:00+08:00"),
)  # fmt: skip
