"""Illegal ads: what is one, what may hang there, and what drives past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.before import WallBefore
from edge.scenes.finding import Finding, SceneReport
from edge.scenes.signs import PermittedSigns
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame, Image
from tests.scenes.test_rules import STALL, seen, sticker, watch_for, watcher

BOARD = Box(0.1, 0.1, 0.5, 0.18)
LEARNED_S = 8


def learned(*things: Detection, now: datetime, **zone: object) -> SceneWatcher:
    """A watcher that has seen these things in its learning time."""
    scene = watcher("illegal_ads", **zone)
    watch_for(scene, now, 7, *things)
    return scene


def after(
    scene: SceneWatcher, now: datetime, *things: Detection, seconds: int = 15
) -> list[Finding]:
    return watch_for(scene, now + timedelta(seconds=LEARNED_S), seconds, *things)


@pytest.mark.parametrize(
    ("things", "category"),
    [
        ((sticker("开锁 13900000001"),), "0201"),
        ((sticker("加微信 abc12345"),), "0201"),
        ((sticker("日租房"),), "0201"),
        ((seen("qr", STALL, "0123456789abcdef"),), "0201"),
        ((seen("qr", STALL, None),), "0201"),
        ((seen("banner", Box(0.2, 0.4, 0.8, 0.5)),), "0207"),
        ((sticker("热烈庆祝新店隆重开业", Box(0.2, 0.4, 0.8, 0.5)),), "0207"),
    ],
)
def test_what_is_new_is_found(noon: datetime, things: Sequence[Detection], category: str) -> None:
    """Each kind with its code and reasons in two languages."""
    (found,) = after(learned(now=noon), noon, *things)
    assert found.category == category
    assert all(reason.zh and reason.en for reason in found.reasons)


def test_a_board_waits_for_its_wording(noon: datetime) -> None:
    """One sticker is not a board first and a small ad a look later."""
    board = seen("board", STALL)
    assert not after(learned(now=noon), noon, board)
    (found,) = after(learned(now=noon), noon, board, seconds=50)
    assert found.category == "0203"
    scene = learned(now=noon)
    start = noon + timedelta(seconds=LEARNED_S)
    early = watch_for(scene, start, 12, board)
    late = watch_for(scene, start + timedelta(seconds=13), 40, board, sticker("开锁 13900000001"))
    assert not early
    assert {finding.category for finding in late} == {"0201"}


def test_two_lines_of_one_sticker_are_one_ad(noon: datetime) -> None:
    """Wording and number belong together; both are parts of the finding."""
    lines = (
        sticker("疏通下水道", Box(0.40, 0.40, 0.55, 0.44)),
        sticker("13900000001", Box(0.40, 0.46, 0.55, 0.50)),
    )
    (found,) = after(learned(now=noon), noon, *lines)
    assert len(found.parts) == 2


def test_numbers_leave_the_room_masked(noon: datetime) -> None:
    """Neither reasons, nor parts, nor the look that is shown and sent hold the number."""
    scene = learned(now=noon)
    (found,) = after(scene, noon, sticker("开锁 139 0000 0001"))
    at = noon + timedelta(seconds=60)
    report = scene.observe(Look(Frame("cam-1", at, found.look.frame.image, "key_frame", 1),
                                (sticker("139 0000 0001"),)))  # fmt: skip
    words = repr([found.reasons, found.parts, found.look.detections, report.look.detections])
    assert "139****0001" in words
    assert "1390000" not in words.replace(" ", "")


@pytest.mark.parametrize("carrier", ["vehicle", "person", "two_wheeler"])
def test_what_is_carried_is_no_ad(noon: datetime, carrier: str) -> None:
    """A bus with an advert, parked for minutes; a T-shirt; a courier's box."""
    around = STALL.grown(0.3)
    scene = learned(now=noon)
    assert not after(scene, noon, sticker("贷款 13900000001"), seen(carrier, around))


def test_a_bus_the_detector_misses_now_and_then_is_still_a_bus(noon: datetime) -> None:
    """Its wording was seen on a vehicle a moment ago."""
    scene = learned(now=noon)
    for second in range(40):
        things = [sticker("贷款 13900000001")]
        if second % 3 == 0:
            things.append(seen("vehicle", STALL.grown(0.3)))
        at = noon + timedelta(seconds=LEARNED_S + second)
        look = Look(
            Frame("cam-1", at, np.full((90, 160, 3), 127, np.uint8), "key_frame", second),
            tuple(things),
        )
        assert not scene.observe(look).findings


@pytest.mark.parametrize(
    "again",
    [
        sticker("便民起市", BOARD),
        sticker("便民", Box(0.1, 0.1, 0.3, 0.18)),
        sticker("民超", Box(0.22, 0.11, 0.4, 0.18)),
        sticker("便民超市欢迎您", Box(0.08, 0.09, 0.55, 0.19)),
        sticker("使民趙市", Box(0.11, 0.1, 0.5, 0.18)),
        sticker("E.#f", BOARD),
    ],
)
def test_a_learned_sign_stays_permitted_however_it_is_read(
    noon: datetime, again: Detection
) -> None:
    """Parts, wrong characters, more of it, nonsense at its very place."""
    scene = learned(sticker("便民超市", BOARD), now=noon)
    wide = replace(again, box=again.box)
    assert not after(scene, noon, wide)


def test_a_sticker_on_a_permitted_sign_is_an_ad(noon: datetime) -> None:
    """The place permits the sign, not what is stuck on it."""
    scene = learned(sticker("便民超市", BOARD), now=noon)
    small = sticker("13900000001", Box(0.2, 0.14, 0.26, 0.17))
    assert [f.category for f in after(scene, noon, small)] == ["0201"]
    scene = learned(sticker("便民超市", BOARD), now=noon)
    assert after(scene, noon, sticker("办证", Box(0.2, 0.14, 0.26, 0.17)))


def test_a_shop_board_with_its_number_is_learned(noon: datetime) -> None:
    """Large and there from the start; a digit misread later does not matter."""
    board = sticker("老王五金 13900000001", BOARD)
    scene = learned(board, now=noon)
    assert not after(scene, noon, replace(board, text="老王五金 13900000007"))
    small = sticker("13900000007", Box(0.8, 0.4, 0.85, 0.42))
    assert after(learned(board, now=noon), noon, small)


@pytest.mark.parametrize("text", ["办证 刻章", "无抵押贷款", "13900000001"])
def test_small_ads_are_not_learned(noon: datetime, text: str) -> None:
    """They hung there when watching began, and are ads all the same."""
    small = sticker(text, Box(0.4, 0.4, 0.48, 0.43))
    assert after(learned(small, now=noon), noon, small)


@pytest.mark.parametrize("meaning", ["board", "banner", "qr"])
def test_boards_and_codes_there_from_the_start_are_permitted(noon: datetime, meaning: str) -> None:
    """The same thing a little moved by the detector; another place is another thing."""
    scene = learned(seen(meaning, BOARD), now=noon)
    assert not after(scene, noon, seen(meaning, Box(0.11, 0.1, 0.49, 0.19)))
    scene = learned(seen(meaning, BOARD), now=noon)
    assert after(scene, noon, seen(meaning, Box(0.6, 0.6, 0.9, 0.75)), seconds=50)


def wall(light: float = 1.0) -> Image:
    rng = np.random.default_rng(2)
    rough = cv2.GaussianBlur(rng.normal(0, 90, (360, 640)).astype(np.float32), (0, 0), 2)
    picture = np.clip((130 + rough) * light, 0, 255).astype(np.uint8)
    cv2.putText(
        picture, "GRAND HOTEL", (70, 62), cv2.FONT_HERSHEY_SIMPLEX, 1.2, int(250 * light), 4
    )
    return np.dstack((picture,) * 3)


def observe(scene: SceneWatcher, at: datetime, image: Image, *things: Detection) -> SceneReport:
    return scene.observe(Look(Frame("cam-1", at, image, "key_frame", 0), things))


def test_a_sign_that_becomes_legible_later_is_not_new(noon: datetime) -> None:
    """The picture showed it in the learning time, in other light, though nobody could read it."""
    line = sticker("GRAND HOTEL", Box(0.1, 0.08, 0.62, 0.2))
    scene = watcher("illegal_ads")
    for second in range(8):
        observe(scene, noon + timedelta(seconds=second), wall(0.5))
    for second in range(8, 40):
        assert not observe(scene, noon + timedelta(seconds=second), wall(), line).findings
    blank = np.full((360, 640, 3), 120, np.uint8)
    scene = watcher("illegal_ads")
    for second in range(8):
        observe(scene, noon + timedelta(seconds=second), blank)
    for second in range(8, 40):
        report = observe(scene, noon + timedelta(seconds=second), wall(), line)
    assert [f.category for f in report.findings] == ["0207"]


def street(shift: int = 0, light: float = 1.0) -> Image:
    """Part of a long wall with windows, doors and cracks of all kinds."""
    rng = np.random.default_rng(8)
    long = np.full((360, 2000), 120, np.uint8)
    for _ in range(150):
        x, y = int(rng.integers(0, 1960)), int(rng.integers(0, 330))
        w, h = (int(v) for v in rng.integers(10, 90, 2))
        cv2.rectangle(
            long, (x, y), (x + w, y + h), int(rng.integers(20, 250)), int(rng.integers(1, 5))
        )
    part = (long[:, shift : shift + 640] * light).astype(np.uint8)
    return np.dstack((part,) * 3)


@pytest.mark.parametrize(
    ("shift", "light", "fires"), [(0, 1.0, True), (3, 1.0, True), (0, 0.4, True), (900, 1.0, False)]
)
def test_a_camera_that_is_turned_away_gives_no_case(
    noon: datetime, shift: int, light: float, fires: bool
) -> None:
    """Shaking in the wind and dusk do; another part of the street was never learned."""
    scene = watcher("illegal_ads")
    for second in range(8):
        observe(scene, noon + timedelta(seconds=second), street())
    for second in range(8, 30):
        report = observe(
            scene, noon + timedelta(seconds=second), street(shift, light), sticker("13900000001")
        )
    assert bool(report.findings) == fires


def with_sticker(picture: Image, box: Box) -> Image:
    """White paper with lines on it, pasted on a wall."""
    pasted = picture.copy()
    x0, y0, x1, y1 = box.pixels(pasted.shape[1], pasted.shape[0])
    pasted[y0:y1, x0:x1] = 245
    pasted[y0 + 3 : y1 - 2 : 6, x0 + 3 : x1 - 3] = 20
    return pasted


def somebody(picture: Image, box: Box) -> Image:
    """Something dark before the wall."""
    hidden = picture.copy()
    x0, y0, x1, y1 = box.pixels(hidden.shape[1], hidden.shape[0])
    hidden[y0:y1, x0:x1] = np.linspace(10, 60, x1 - x0, dtype=np.uint8)[:, None]
    return hidden


@pytest.mark.parametrize(
    ("real", "old", "fires"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_a_painted_motorcycle_carries_nothing(
    noon: datetime, real: bool, old: bool, fires: bool
) -> None:
    """A detector sees one in the graffiti; a real one, and what it always had on it, stay so."""
    paper, cycle = Box(0.4, 0.4, 0.5, 0.55), Box(0.2, 0.1, 0.8, 0.9)
    things = (sticker("日结兼职", paper), seen("two_wheeler", cycle))
    bare = street()
    now = with_sticker(somebody(bare, cycle) if real else bare, paper)
    scene = watcher("illegal_ads")
    for second in range(8):
        before = now if old else bare
        observe(scene, noon + timedelta(seconds=second), before, *(things if old else things[1:]))
    for second in range(8, 40):
        report = observe(scene, noon + timedelta(seconds=second), now, *things)
    assert bool(report.findings) == fires


def test_a_vehicle_at_the_edge_of_a_zone_carries_its_wording(noon: datetime) -> None:
    """What little of it a zone holds may be unchanged; that says nothing of the vehicle."""
    inside, outside = Box(0.3, 0.7, 0.5, 0.8), Box(0.3, 0.3, 0.5, 0.4)
    bus, painted = Box(0.2, 0.1, 0.8, 0.9), Box(0.1, 0.6, 0.9, 1.0)
    before = WallBefore(Box(0.0, 0.6, 1.0, 1.0), None)
    before.see(street())
    before.settle()
    now = with_sticker(with_sticker(street(), inside), outside)
    assert before.new_on(now, painted, inside)
    assert not before.new_on(now, bus, inside)
    assert not before.new_on(now, painted, outside)


@pytest.mark.parametrize(("around", "fires"), [(90, True), (28, False)])
def test_a_dark_wall_by_day_is_no_night(noon: datetime, around: int, fires: bool) -> None:
    """Dark stone in a picture that is well exposed is learned; the same at night is not."""
    zone = [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]
    picture = np.full((360, 640, 3), around, np.uint8)
    picture[180:] = 28
    scene = watcher("illegal_ads", polygon=zone)
    for second in range(8):
        observe(scene, noon + timedelta(seconds=second), picture)
    paper = sticker("高价回收", Box(0.4, 0.7, 0.6, 0.8))
    for second in range(8, 30):
        report = observe(scene, noon + timedelta(seconds=second), picture, paper)
    assert bool(report.findings) == fires


@pytest.mark.parametrize(
    ("text", "box", "category"),
    [
        ("热烈庆祝新店开业", Box(0.5, 0.6, 0.9, 0.8), "0207"),
        ("GRAND OPENING", Box(0.5, 0.6, 0.9, 0.8), "0207"),
        ("欢迎光临", Box(0.5, 0.6, 0.9, 0.8), None),
        ("热烈庆祝新店开业", Box(0.5, 0.4, 0.9, 0.8), None),
        ("热烈庆祝新店开业", Box(0.5, 0.7, 0.6, 0.75), None),
    ],
)
def test_a_banner_may_hang_at_an_angle(
    noon: datetime, text: str, box: Box, category: str | None
) -> None:
    """A long line stays long when it slants; a short one, a steep one, a small one are none."""
    found = after(learned(now=noon), noon, sticker(text, box))
    assert [f.category for f in found] == ([category] if category else [])


def test_two_slanting_lines_are_no_banner(noon: datetime) -> None:
    """Two lines together are a notice: how long each is says nothing of the paper."""
    lines = (
        sticker("本店今日盘点暂停", Box(0.40, 0.40, 0.55, 0.47)),
        sticker("不便之处敬请谅解", Box(0.40, 0.48, 0.55, 0.55)),
    )
    assert not after(learned(now=noon), noon, *lines)


@pytest.mark.parametrize(
    ("text", "category"),
    [("旺铺招租", "0201"), ("公寓火热销售中", "0201"), ("盛大开盘", "0201"), ("阳光公寓", None),
     ("售楼处", None), ("招商银行", None)],
)  # fmt: skip
def test_flats_on_sale_are_small_ads(noon: datetime, text: str, category: str | None) -> None:
    """Selling is; the name of a building, an office or a bank is not."""
    found = after(learned(now=noon), noon, sticker(text))
    assert [f.category for f in found] == ([category] if category else [])


def test_by_night_nothing_is_learned(noon: datetime) -> None:
    """A box that starts at night learns its signs in the morning."""
    line = sticker("热烈庆祝新店隆重开业", Box(0.2, 0.4, 0.8, 0.5))
    scene = watcher("illegal_ads")
    for second in range(0, 3600, 60):
        observe(scene, noon + timedelta(seconds=second), wall(0.1))
    for second in range(3600, 3640):
        assert not observe(scene, noon + timedelta(seconds=second), wall(), line).findings


def test_an_operator_accepts_what_the_case_shows(noon: datetime, tmp_path: Path) -> None:
    """The hidden number is enough; another process sees it without a restart."""
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "zones": [
                {"id": "z-1", "watch": "illegal_ads", "dwell_s": 10,
                 "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
            ],
        }
    )  # fmt: skip
    scene = SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5, memory=tmp_path)
    watch_for(scene, noon, 7)
    ad = sticker("老王开锁 13900000001")
    assert after(scene, noon, ad)
    file = tmp_path / "cam-1.z-1.json"
    PermittedSigns((), learn_s=5, memory=file).accept("老王开锁 139****0001")
    assert not after(scene, noon + timedelta(seconds=60), ad)
    assert after(scene, noon + timedelta(seconds=120), sticker("老王开锁 13900000002"))
    assert "13900000001" not in file.read_text(encoding="utf-8")


def test_a_sign_needs_wording_or_a_place() -> None:
    """Accepting nothing would permit everything."""
    with pytest.raises(ValueError, match="wording or a place"):
        PermittedSigns((), learn_s=5).accept(" !")


def test_signs_kept_by_an_older_version_are_read(tmp_path: Path) -> None:
    """They were a list of wording."""
    (tmp_path / "signs.json").write_text('["便民超市"]', encoding="utf-8")
    assert PermittedSigns((), learn_s=5, memory=tmp_path / "signs.json").permits("便民超市")
