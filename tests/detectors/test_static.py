"""Things left behind: found, kept over occlusion and restart; light and people are not things."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.detectors.base import Detection, Look
from edge.detectors.static import StaticObjectDetector
from edge.geometry import Box
from edge.streams.frame import Frame, Image
from tests.detectors.test_objects import frames

BAG = (200, 140, 250, 190)  # pixels in a 480 x 360 picture
RNG = np.random.default_rng(3)
# Paving: light and dark blotches of about ten pixels, grey levels 130 +- 15.
_BLOTCHES = cv2.GaussianBlur(RNG.normal(0, 1, (360, 480, 1)).astype(np.float32), (0, 0), 4)
GROUND = np.clip(130 + _BLOTCHES[..., None] * 200 + RNG.normal(0, 2, (360, 480, 3)), 0, 255)
GROUND = GROUND.astype(np.uint8)


def picture(*, bag: bool = False, light: float = 0.0, shade: Box | None = None) -> Image:
    """The ground with sensor noise, perhaps a bag, other light, or a shadow."""
    image = GROUND.astype(np.float32)
    if bag:
        x0, y0, x1, y1 = BAG
        image[y0:y1, x0:x1] = (20, 25, 30)
    if shade:
        x0, y0, x1, y1 = shade.pixels(480, 360)
        image[y0:y1, x0:x1] *= 0.6
    noisy = image + light + RNG.normal(0, 3, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


class Camera:
    """One camera under test, one look a second."""

    def __init__(self, start: datetime, memory: Path | None = None) -> None:
        self.now = start
        self.memory = memory
        self.detector = self._new()

    def _new(self) -> StaticObjectDetector:
        return StaticObjectDetector(
            learn_s=8, stay_s=8, min_area=0.001, max_area=0.3, memory=self.memory
        )

    def restart(self) -> None:
        self.detector = self._new()

    def look(self, image: Image, *seen: Detection) -> tuple[Detection, ...]:
        self.now += timedelta(seconds=1)
        return self.detector.detect([Look(Frame("cam-1", self.now, image, "key_frame", 1), seen)])[
            0
        ]

    def looks(self, count: int, *seen: Detection, **kind: object) -> tuple[Detection, ...]:
        found: tuple[Detection, ...] = ()
        for _ in range(count):
            found = self.look(picture(**kind), *seen)  # type: ignore[arg-type]
        return found


@pytest.fixture
def camera(noon: datetime) -> Camera:
    made = Camera(noon)
    assert not made.looks(12)
    return made


def test_a_bag_is_found_after_its_time(camera: Camera) -> None:
    """Right place, right moment of its first sight."""
    put_down = camera.now + timedelta(seconds=1)
    assert not camera.looks(7, bag=True)
    (found,) = camera.looks(5, bag=True)
    assert found.box.iou(Box(200 / 480, 140 / 360, 250 / 480, 190 / 360)) > 0.7
    assert found.since is not None
    assert abs((found.since - put_down).total_seconds()) <= 2


def test_a_bag_taken_away_is_gone_and_leaves_no_ghost(camera: Camera) -> None:
    """After a long stay the empty ground is not a thing."""
    assert camera.looks(40, bag=True)
    assert not camera.looks(30)


def test_what_was_there_from_the_start_and_goes_is_no_thing(noon: datetime) -> None:
    """A van that leaves uncovers ground that was never seen: nothing was left there."""
    camera = Camera(noon)
    camera.looks(12, bag=True)
    assert not camera.looks(40)


def test_people_in_front_neither_age_nor_erase(camera: Camera) -> None:
    """A bag behind a queue is still the same bag afterwards."""
    camera.looks(12, bag=True)
    person = Detection("person", "person", Box(0.3, 0.2, 0.6, 0.7), 0.9, "test")
    camera.looks(20, person, bag=True)
    assert len(camera.looks(2, bag=True)) == 1


@pytest.mark.parametrize("meaning", ["person", "vehicle", "two_wheeler"])
def test_standing_people_and_parked_cars_are_no_piles(camera: Camera, meaning: str) -> None:
    """However long they stay."""
    box = Box(0.38, 0.35, 0.56, 0.57)
    standing = Detection(meaning, meaning, box, 0.9, "test")
    assert not camera.looks(60, standing, bag=True)


def test_light_and_shadow_are_no_things(camera: Camera) -> None:
    """The lamp goes on; a shadow falls and stays."""
    assert not camera.looks(30, light=35)
    assert not camera.looks(30, shade=Box(0.2, 0.2, 0.7, 0.8))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(gain=st.floats(0.7, 1.4), offset=st.floats(-10, 10), bag=st.booleans())
def test_any_even_change_of_light(noon: datetime, gain: float, offset: float, bag: bool) -> None:
    """Gain and offset of the whole picture make nothing, and take nothing away."""
    camera = Camera(noon)
    camera.looks(12)
    camera.looks(14, bag=bag)
    for _ in range(14):
        lit = np.clip(picture(bag=bag).astype(np.float32) * gain + offset, 0, 255)
        found = camera.look(lit.astype(np.uint8))
    assert len(found) == int(bag)


def test_a_restart_does_not_learn_the_bag_as_ground(noon: datetime, tmp_path: Path) -> None:
    """With memory the old background is used; the bag is found again."""
    camera = Camera(noon, tmp_path)
    camera.looks(12)
    assert camera.looks(12, bag=True)
    camera.restart()
    assert camera.looks(12, bag=True)


def test_a_turned_camera_learns_anew(noon: datetime, tmp_path: Path) -> None:
    """A remembered background of another view is not believed."""
    camera = Camera(noon, tmp_path)
    camera.looks(12)
    camera.restart()
    other = np.ascontiguousarray(GROUND[::-1, ::-1])
    for _ in range(40):
        assert not camera.look(other)


def test_a_changed_picture_size_starts_over(camera: Camera) -> None:
    """The camera was set to another resolution: no crash, no finding."""
    for _ in range(15):
        assert not camera.look(np.ascontiguousarray(picture()[:200]))


def test_a_picture_size_that_changes_while_learning(noon: datetime) -> None:
    """The half-learned background is given up; the new size is learned."""
    camera = Camera(noon)
    camera.looks(4)
    for _ in range(12):
        assert not camera.look(np.ascontiguousarray(picture()[:200]))
    for _ in range(12):
        found = camera.look(np.ascontiguousarray(picture(bag=True)[:200]))
    assert len(found) == 1


def test_a_broken_memory_is_learned_anew(noon: datetime, tmp_path: Path) -> None:
    """Half a file is no background."""
    camera = Camera(noon, tmp_path)
    camera.looks(12)
    (kept,) = tmp_path.glob("cam-1*.png")
    kept.write_bytes(kept.read_bytes()[:100])
    camera.restart()
    assert not camera.looks(12)
    assert camera.looks(12, bag=True)


def test_real_plaza_without_anything_left(noon: datetime) -> None:
    """A minute of passing people on real footage, without any model's help: no thing."""
    detector = StaticObjectDetector(learn_s=8, stay_s=8, min_area=0.001, max_area=0.3)
    for second, image in enumerate(frames("clear", *range(60))):
        at = noon + timedelta(seconds=second)
        (found,) = detector.detect([Look(Frame("cam-1", at, image, "key_frame", second))])
        assert not found, (second, found)


def test_real_plaza_with_bags(noon: datetime) -> None:
    """The demo's bags are found within 12 s of being put down and stay found."""
    detector = StaticObjectDetector(learn_s=8, stay_s=8, min_area=0.001, max_area=0.3)
    hits = []
    for second, image in enumerate(frames("piles", *range(60))):
        at = noon + timedelta(seconds=second)
        (found,) = detector.detect([Look(Frame("cam-1", at, image, "key_frame", second))])
        hits.append(any(d.box.iou(Box(0.62, 0.48, 0.81, 0.59)) > 0.4 for d in found))
    assert not any(hits[:18])
    assert any(hits[18:25])
    assert sum(hits[25:]) > 0.8 * len(hits[25:])


def test_cameras_do_not_mix(camera: Camera) -> None:
    """Two cameras in one call keep their own backgrounds."""
    camera.looks(12, bag=True)
    plain = Look(Frame("cam-2", camera.now, picture(), "key_frame", 1))
    bagged = Look(Frame("cam-1", camera.now, picture(bag=True), "key_frame", 1))
    first, second = camera.detector.detect([plain, replace(bagged)])
    assert not first
    assert len(second) == 1
