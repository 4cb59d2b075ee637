"""Piled materials: which witness says what, whose bag it is, how large it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box, GroundPlane
from edge.scenes.finding import Finding
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame

PICTURE = np.full((90, 160, 3), 127, np.uint8)
PILE = Box(0.40, 0.40, 0.60, 0.60)
OWNER = Box(0.58, 0.10, 0.72, 0.62)
SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
HOMOGRAPHY = {  # 0.6 of the picture is about 6 m
    "image": SQUARE,
    "ground": [(114.4, 30.3), (114.4000624, 30.3), (114.4000624, 30.2999461), (114.4, 30.2999461)],
}
Scene = Callable[[float], tuple[Detection, ...]]


def watcher(homography: object = None, every_s: float = 2.0, **zone: object) -> SceneWatcher:
    whole = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    footway = {"id": "footway", "watch": "piled_materials", "polygon": whole, "dwell_s": 60}
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "look_every_s": every_s,
            "homography": homography,
            "zones": [footway | zone],
        }
    )
    return SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5)


def seen(meaning: str, box: Box = PILE, score: float = 0.8) -> Detection:
    return Detection(meaning, meaning, box, score, "test 1")


def watch(
    scene: Scene, start: datetime, seconds: float, watching: SceneWatcher, every_s: float = 2.0
) -> list[tuple[float, Finding]]:
    """All findings, with the second of their look."""
    found = []
    for number in range(int(seconds / every_s)):
        at_s = number * every_s
        things = tuple(
            replace(d, since=start) if d.meaning == "static_object" else d for d in scene(at_s)
        )
        frame = Frame("cam-1", start + timedelta(seconds=at_s), PICTURE, "key_frame", number)
        found += [(at_s, f) for f in watching.observe(Look(frame, things)).findings]
    return found


def test_the_category_is_that_of_most_looks(noon: datetime) -> None:
    """One look that takes cartons for bags does not make them bags; most looks do."""

    def now_and_then(at_s: float) -> tuple[Detection, ...]:
        named = (seen("rubbish_bag"),) if at_s in (20, 60) else ()
        return (seen("static_object"), *named)

    def mostly(at_s: float) -> tuple[Detection, ...]:
        return (seen("static_object"), seen("exposed_rubbish" if at_s % 8 else "rubbish_bag"))

    assert {f.category for _, f in watch(now_and_then, noon, 90, watcher())} == {"0136"}
    assert {f.category for _, f in watch(mostly, noon, 90, watcher())} == {"0110"}


def test_two_witnesses_are_surer_than_one(noon: datetime) -> None:
    """1 - (1 - static) (1 - model); either alone gives its own score."""

    def score(*things: Detection) -> float:
        return watch(lambda _: things, noon, 90, watcher())[-1][1].score

    static, model = seen("static_object", score=0.5), seen("rubbish_bag", score=0.7)
    assert score(static) == pytest.approx(0.5)
    assert score(model) == pytest.approx(0.7)
    assert score(static, model) == pytest.approx(0.85)


def test_a_model_alone_must_be_surer(noon: datetime) -> None:
    """A bag that was there before the background was learned: no static object confirms it."""
    doubtful, sure = seen("rubbish_bag", score=0.5), seen("rubbish_bag", score=0.65)
    assert not watch(lambda _: (doubtful,), noon, 200, watcher())
    assert watch(lambda _: (sure,), noon, 200, watcher())
    static = seen("static_object", score=0.5)
    assert watch(lambda _: (doubtful, static), noon, 200, watcher())


def test_it_takes_looks_and_not_only_time(noon: datetime) -> None:
    """A patrol that comes by every minute: the second look is past the dwell, the third counts."""
    patrol = watcher(every_s=60.0, min_looks=3)
    found = watch(lambda _: (seen("rubbish_bag"),), noon, 300, patrol, 60.0)
    assert [at_s for at_s, _ in found] == [120, 180, 240]


def test_luggage_has_an_owner(noon: datetime) -> None:
    """Who came with the bag and waits beside it; when he has gone the dwell begins."""

    def scene(at_s: float) -> tuple[Detection, ...]:
        owner = (seen("person", OWNER),) if at_s < 150 else ()
        return (seen("static_object"), seen("bag"), *owner)

    found = watch(scene, noon, 300, watcher())
    assert found[0][0] == pytest.approx(210, abs=4)


def test_who_comes_later_is_no_owner(noon: datetime) -> None:
    """People wait at a bus stop beside a rubbish bag that was there before them."""

    def scene(at_s: float) -> tuple[Detection, ...]:
        waiting = (seen("person", OWNER),) if at_s >= 40 else ()
        return (seen("static_object"), *waiting)

    assert watch(scene, noon, 120, watcher())[0][0] == pytest.approx(60, abs=4)


def test_a_load_on_a_truck_is_not_piled(noon: datetime) -> None:
    """Rubbish on a collection vehicle."""
    truck = seen("vehicle", Box(0.3, 0.2, 0.7, 0.65))
    assert not watch(lambda _: (seen("rubbish_bag"), truck), noon, 200, watcher())


def test_sizes_in_metres(noon: datetime) -> None:
    """Told in reasons and finding; limits of the zone hold."""

    def found(**zone: object) -> list[tuple[float, Finding]]:
        things = (seen("static_object"),)
        return watch(lambda _: things, noon, 90, watcher(HOMOGRAPHY, **zone))

    finding = found()[-1][1]
    assert finding.size_m == pytest.approx((2.0, 2.0), abs=0.05)
    assert any("2.0 m wide" in reason.en for reason in finding.reasons)
    assert any("2.0 米" in reason.zh for reason in finding.reasons)
    assert found(min_size_m=1.5, max_size_m=2.5)
    assert not found(min_size_m=2.5)
    assert not found(max_size_m=1.5)


def test_nothing_is_measured_beyond_the_horizon() -> None:
    """Points above it are in no place; a box that reaches it has no size."""
    seen_from_a_mast = ((0.4, 0.4), (0.6, 0.4), (0.9, 0.9), (0.1, 0.9))
    plane = GroundPlane(seen_from_a_mast, ((-5, 40), (5, 40), (5, 10), (-5, 10)))
    assert plane.at(0.4, 0.4) == pytest.approx((-5, 40))
    assert plane.at(0.5, 0.05) is None
    assert plane.size(Box(0.45, 0.0, 0.55, 0.8)) is None
    with pytest.raises(ValueError, match="plane"):
        GroundPlane(((0, 0), (0.1, 0.1), (0.2, 0.2), (0.3, 0.3)), ((0, 0), (1, 1), (2, 2), (3, 3)))


def test_what_has_left_is_not_reported(noon: datetime) -> None:
    """Looks minutes apart: a place is remembered longer than the thing stood there."""

    def scene(at_s: float) -> tuple[Detection, ...]:
        return (seen("static_object"),) if at_s <= 540 else ()

    told = [at_s for at_s, _ in watch(scene, noon, 1800, watcher(every_s=180), every_s=180)]
    assert told
    assert max(told) <= 540
