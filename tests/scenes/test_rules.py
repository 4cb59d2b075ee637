"""The rules: what makes a finding, and above all what must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.finding import Finding
from edge.scenes.signs import PermittedSigns
from edge.scenes.watch import SceneWatcher
from edge.scenes.wording import phone_number
from edge.streams.frame import Frame

WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
PICTURE = np.full((90, 160, 3), 127, np.uint8)
STALL = Box(0.40, 0.40, 0.60, 0.60)
VENDOR = Box(0.58, 0.40, 0.66, 0.70)


def watcher(watch: str, **zone: object) -> SceneWatcher:
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "zones": [{"id": "z-1", "watch": watch, "polygon": WHOLE, "dwell_s": 10} | zone],
        }
    )
    return SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5)


def seen(meaning: str, box: Box, text: str | None = None, score: float = 0.8) -> Detection:
    return Detection(meaning, meaning, box, score, "test 1", text)


def watch_for(
    watcher_: SceneWatcher, start: datetime, seconds: int, *things: Detection
) -> list[Finding]:
    """Show the same things for some seconds, one look a second; what fires on the last look."""
    found: tuple[Finding, ...] = ()
    for second in range(seconds):
        at = start + timedelta(seconds=second)
        standing = [replace(t, since=start) if t.meaning == "static_object" else t for t in things]
        look = Look(Frame("cam-1", at, PICTURE, "key_frame", second), tuple(standing))
        found = watcher_.observe(look).findings
    return list(found)


def test_a_vendor_with_a_stall_is_found_after_the_dwell(noon: datetime) -> None:
    """Not a second before; with both languages' reasons and all parts."""
    things = (seen("umbrella", STALL), seen("person", VENDOR))
    assert not watch_for(watcher("street_vending"), noon, 10, *things)
    (finding,) = watch_for(watcher("street_vending"), noon, 12, *things)
    assert finding.category == "0406"
    assert {part.meaning for part in finding.parts} == {"umbrella", "person"}
    assert all(reason.zh and reason.en for reason in finding.reasons)


@pytest.mark.parametrize(
    ("thing", "zone", "category"),
    [
        (seen("umbrella", STALL), {"frontage": True}, "0405"),
        (seen("table", STALL), {}, "0406"),
        (seen("blanket", STALL), {}, "0401"),
    ],
)
def test_the_category_follows_the_scene(
    noon: datetime, thing: Detection, zone: dict[str, object], category: str
) -> None:
    """In front of a shop 0405, with a stall 0406, goods only 0401."""
    found = watch_for(watcher("street_vending", **zone), noon, 15, thing, seen("person", VENDOR))
    assert [f.category for f in found] == [category]


@pytest.mark.parametrize(
    "things",
    [
        (seen("person", VENDOR),),
        (seen("umbrella", STALL),),
        (seen("person", VENDOR), seen("bag", STALL)),
        (seen("person", VENDOR), seen("two_wheeler", STALL)),
        (seen("vehicle", STALL), seen("person", VENDOR)),
        (seen("person", Box(0.9, 0.1, 0.95, 0.3)), seen("umbrella", Box(0.1, 0.6, 0.2, 0.8))),
        (seen("person", VENDOR), seen("umbrella", STALL, score=0.2)),
    ],
    ids=["waits", "stall alone", "bag", "bicycle", "parked car", "far apart", "uncertain"],
)
def test_what_is_not_vending(noon: datetime, things: tuple[Detection, ...]) -> None:
    """Waiting people, parked cars and empty stalls give no case however long they stay."""
    assert not watch_for(watcher("street_vending"), noon, 120, *things)


def test_people_passing_a_stall_are_no_vendors(noon: datetime) -> None:
    """Somebody is near on every look, but each time somewhere else."""
    scene = watcher("street_vending")
    for second in range(60):
        x = (second * 0.11) % 0.85
        person = seen("person", Box(x, 0.3, x + 0.06, 0.6))
        look = Look(
            Frame("cam-1", noon + timedelta(seconds=second), PICTURE, "key_frame", second),
            (seen("umbrella", STALL), person),
        )
        assert not scene.observe(look).findings


def test_permitted_hours_use_the_cameras_own_time_zone(noon: datetime) -> None:
    """12:00 in Shanghai is permitted there, and 05:00 in Berlin is not."""
    things = (seen("umbrella", STALL), seen("person", VENDOR))
    hours = {"permitted_hours": ["11:00-14:00"]}
    assert not watch_for(watcher("street_vending", **hours), noon, 20, *things)
    late = noon + timedelta(hours=3)
    assert watch_for(watcher("street_vending", **hours), late, 20, *things)


@given(minutes=st.integers(0, 24 * 60 - 1), start=st.integers(0, 1439), length=st.integers(1, 1439))
def test_hours_over_midnight(minutes: int, start: int, length: int) -> None:
    """A span contains exactly its minutes, also when it runs over midnight."""
    from edge.config.model import ZoneSettings

    def clock(value: int) -> str:
        return f"{value // 60 % 24:02d}:{value % 60:02d}"

    zone = ZoneSettings.model_validate(
        {
            "id": "z-1",
            "watch": "street_vending",
            "polygon": WHOLE,
            "permitted_hours": [f"{clock(start)}-{clock(start + length)}"],
        }
    )
    moment = datetime(2026, 1, 1, minutes // 60, minutes % 60).time()  # noqa: DTZ001
    assert zone.permitted_hours[0].contains(moment) == ((minutes - start) % 1440 < length)


def test_piles_need_something_left_and_time(noon: datetime) -> None:
    """A static object that stays is a pile; with a bag seen in it, bagged rubbish."""
    pile = seen("static_object", STALL)
    assert not watch_for(watcher("piled_materials"), noon, 9, pile)
    assert [f.category for f in watch_for(watcher("piled_materials"), noon, 15, pile)] == ["0136"]
    with_bag = watch_for(watcher("piled_materials"), noon, 15, pile, seen("bag", STALL))
    assert [f.category for f in with_bag] == ["EXT-01"]


def test_piles_outside_the_zone_are_left_alone(noon: datetime) -> None:
    """The foot of the thing decides."""
    half = {"polygon": [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]}
    assert not watch_for(watcher("piled_materials", **half), noon, 30, seen("static_object", STALL))


def sticker(text: str, box: Box = STALL) -> Detection:
    return seen("text", box, text)


@pytest.mark.parametrize(
    ("text", "box", "category"),
    [
        ("办证 139 0000 0000", STALL, "0201"),
        ("疏通下水道", STALL, "0201"),
        ("大促销全场五折", Box(0.2, 0.45, 0.9, 0.55), "0207"),
    ],
)
def test_new_wording_is_an_illegal_ad(noon: datetime, text: str, box: Box, category: str) -> None:
    """Phone numbers and small-ad words 0201, a banner 0207, after the signs were learned."""
    scene = watcher("illegal_ads")
    watch_for(scene, noon, 6)
    found = watch_for(scene, noon + timedelta(seconds=6), 15, sticker(text, box))
    assert [f.category for f in found] == [category]


@pytest.mark.parametrize(
    "text", ["FIRE ASSEMBLY POINT", "Fire assembiy point", "便民超市", "ADIDAS"]
)
def test_permitted_and_meaningless_wording_is_left_alone(noon: datetime, text: str) -> None:
    """A sign read a little differently, a sign there from the start, a T-shirt."""
    scene = watcher("illegal_ads", permitted_text=["Fire assembly point"])
    watch_for(scene, noon, 6, sticker("便民超市"))
    assert not watch_for(scene, noon + timedelta(seconds=6), 30, sticker(text))


def test_a_phone_number_is_never_learned(noon: datetime) -> None:
    """An ad that was there before watching began is still an ad."""
    scene = watcher("illegal_ads")
    assert watch_for(scene, noon, 30, sticker("开锁 13900000000"))


@given(st.text("0123456789", min_size=8, max_size=8), st.sampled_from(["", " ", "-", " . "]))
def test_broken_up_numbers_are_read(rest: str, gap: str) -> None:
    """However a mobile number is spaced, it is one."""
    assert phone_number(f"电话{gap}139{gap}{rest[:4]}{gap}{rest[4:]}！") == f"139{rest}"


@given(st.text("abcXYZ车牌广 ,.", max_size=30))
def test_wording_without_digits_has_no_number(text: str) -> None:
    """No digits, no number."""
    assert phone_number(text) is None


def test_learned_signs_survive_a_restart(noon: datetime, tmp_path: object) -> None:
    """What was learned is read back; learning is not done again."""
    from pathlib import Path

    memory = Path(str(tmp_path)) / "signs.json"
    first = PermittedSigns((), learn_s=5, memory=memory)
    assert first.learning(noon)
    first.learn([("便民超市", None)])
    assert not first.learning(noon + timedelta(seconds=6))
    again = PermittedSigns((), learn_s=5, memory=memory)
    assert not again.learning(noon)
    assert again.permits("便民超市")
    assert not again.permits("大促销")


def test_a_zone_is_clear_only_when_nothing_stands_there(noon: datetime) -> None:
    """A candidate that is too young to be a case is not clear either."""
    scene = watcher("piled_materials")

    def clear(*things: Detection) -> tuple[str, ...]:
        return scene.observe(
            Look(Frame("cam-1", noon, PICTURE, "key_frame", 1), things)
        ).clear_zones

    assert clear() == ("z-1",)
    assert clear(replace(seen("static_object", STALL), since=noon)) == ()
    assert clear(seen("person", VENDOR)) == ("z-1",)
