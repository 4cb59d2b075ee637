"""Who is who over looks that are seconds apart, on real pictures and made ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from edge.config.model import CameraSettings
from edge.detectors.base import Look
from edge.detectors.card import model_folder
from edge.detectors.objects import ObjectDetector
from edge.detectors.static import StaticObjectDetector
from edge.geometry import Box
from edge.scenes.appearance import alike, describe, light_of
from edge.scenes.finding import Finding
from edge.scenes.furniture import EmptyView
from edge.scenes.people import Dweller, PeopleTracker
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame, Image
from tests.scenes.street import BLACK, BLUE, RED, WHITE, body, picture

FOOTAGE = Path(__file__).parents[2] / "examples/demo/footage"
ROAD = [[0.61, 0.52], [1.0, 0.52], [1.0, 0.85], [0.573, 0.63]]
EVERYWHERE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


def key_frames(clip: str) -> Iterator[tuple[float, Image]]:
    with av.open(str(FOOTAGE / clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for picture_ in container.decode(stream):
            yield float(picture_.pts * stream.time_base), picture_.to_ndarray(format="bgr24")


def shown(image: np.ndarray, at: datetime = datetime(2026, 11, 25, tzinfo=UTC)) -> Frame:
    return Frame("cam-1", at, np.asarray(image, np.uint8), "key_frame", 1)


def real_looks(clip: str, start: datetime) -> list[Look]:
    """Key frames of the clip, one second apart, through the detectors that ship."""
    detectors = (
        ObjectDetector(model_folder("coco-nanodet", None), provider="cpu"),
        StaticObjectDetector(learn_s=8, stay_s=8, min_area=0.0008, max_area=0.25),
    )
    looks = []
    for at, image in key_frames(clip):
        look = Look(Frame("cam-1", start + timedelta(seconds=at), image, "key_frame", int(at)))
        for detector in detectors:
            look = look.plus(detector.detect([look])[0])
        looks.append(look)
    return looks


def findings(looks: list[Look], polygon: list[list[float]]) -> list[Finding]:
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "zones": [{"id": "z-1", "watch": "street_vending", "polygon": polygon, "dwell_s": 12}],
        }
    )
    scene = SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5, learn_s=8)
    return [finding for look in looks for finding in scene.observe(look).findings]


@pytest.fixture(scope="module")
def stall() -> list[Look]:
    """A vendor beside a fruit stall among passers-by."""
    return real_looks("vending.mp4", datetime.fromisoformat("2026-11-24T04:00:00+00:00"))


@pytest.fixture(scope="module")
def plaza() -> list[Look]:
    """The same plaza without a stall: people pass, stand in groups, cars are parked."""
    return real_looks("clear.mp4", datetime.fromisoformat("2026-11-24T04:00:00+00:00"))


def dwellers(looks: list[Look]) -> tuple[Dweller, ...]:
    people = PeopleTracker(learn_s=8)
    for look in looks:
        people.update(look)
    return people.dwellers


def test_the_vendor_is_found_on_real_pictures(stall: list[Look]) -> None:
    """Once they have stood for the dwell; parasol and what stands under it are named."""
    found = findings(stall, ROAD)
    assert found
    assert found[0].dwell_s < 16
    assert {part.meaning for part in found[-1].parts} == {"person", "umbrella", "static_object"}


def test_nobody_sells_on_the_empty_plaza(plaza: list[Look]) -> None:
    """Passing people, a standing group, parked cars and an information board."""
    assert not findings(plaza, EVERYWHERE)


def test_only_those_who_stay_settle(stall: list[Look]) -> None:
    """Among dozens of walkers the vendor alone stays for 30 s."""
    staying = [d for d in dwellers(stall) if d.dwell_s >= 30 and d.settled >= 0.5]
    assert len(staying) == 1
    assert staying[0].last.box.foot == pytest.approx((0.94, 0.78), abs=0.03)


def test_the_board_is_never_a_person(plaza: list[Look]) -> None:
    """The detector takes it for one on every fourth look."""
    board = Box(0.205, 0.32, 0.24, 0.365)
    taken = [look for look in plaza if any(d.box.iou(board) > 0.5 for d in look.of("person"))]
    assert len(taken) > 10
    assert not any(d.last.box.iou(board) > 0.5 for d in dwellers(plaza))


@pytest.mark.parametrize("light", [0.4, 0.7, 1.5])
@pytest.mark.parametrize("warm", [0.8, 1.2])
def test_colours_survive_the_light(light: float, warm: float) -> None:
    """The same person at dusk and under a lamp; somebody else in the same light is not."""
    before = picture([(0.3, RED, BLACK), (0.6, BLUE, WHITE)], 0)
    after = np.clip(before * light * np.array([2 - warm, 1, warm]), 0, 255).astype(np.uint8)
    one, again, other = (
        describe(shown(image), body(x), light_of(shown(image)))
        for image, x in ((before, 0.3), (after, 0.3), (after, 0.6))
    )
    same, different = alike(one, again), alike(one, other)
    assert same is not None
    assert different is not None
    assert same > different + 0.2


def test_a_speck_has_no_colours() -> None:
    """Too few pixels: None, and nothing is alike."""
    frame = shown(picture([], 0))
    assert describe(frame, Box(0.5, 0.5, 0.502, 0.51), light_of(frame)) is None
    assert alike(None, None) is None


def test_an_empty_view_forgets_when_the_picture_changes_shape(noon: datetime) -> None:
    """Another aspect is another view."""
    view = EmptyView(4)
    red = shown(picture([(0.5, RED, BLACK)], 0))
    blue = shown(picture([(0.5, BLUE, WHITE)], 0))
    for second in range(6):
        view.take(shown(red.image, noon + timedelta(seconds=second)))
    assert view.shows_only(red, body(0.5))
    assert not view.shows_only(blue, body(0.5))
    other = shown(np.full((480, 640, 3), 90, np.uint8), noon + timedelta(seconds=7))
    view.take(other)
    assert not view.shows_only(other, body(0.5))


def test_memory_is_bounded(noon: datetime) -> None:
    """A thousand faces, each once."""
    people = PeopleTracker()
    rng = np.random.default_rng(3)
    image = picture([], 0)
    from tests.scenes.street import thing

    for second in range(100):
        crowd = [thing("person", x, 0.3, 0.3, foot=y) for x, y in rng.uniform(0.2, 0.9, (20, 2))]
        frame = Frame("cam-1", noon + timedelta(seconds=second / 10), image, "key_frame", second)
        people.update(Look(frame, tuple(crowd)))
    assert len(people.dwellers) <= 220
