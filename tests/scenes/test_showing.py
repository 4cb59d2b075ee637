"""How well a picture shows a thing, by pictures of which that is known."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.showing import alike, impression, sharpness, showing
from edge.streams.frame import Frame, Image
from edge.streams.planes import Colours, Planes

BOX = Box(0.4, 0.4, 0.6, 0.7)
THING = Detection("left_behind", "static_object", BOX, 0.8, "test 1")


def street(noise: float = 0.0) -> Image:
    """Kerbs, slabs and bags: edges between flat surfaces, as streets have them."""
    image = np.full((360, 640, 3), (120, 125, 130), np.uint8)
    for number, x in enumerate(range(0, 640, 40)):
        cv2.rectangle(image, (x, 100), (x + 38, 358), (90 + 5 * number, 110, 140), -1)
        cv2.circle(image, (x + 20, 180), 12, (30, 60 + 8 * number, 160), -1)
        cv2.line(image, (x, 120), (x + 30, 220), (200, 210, 40), 2)
    noisy = image + np.random.default_rng(5).normal(0, noise, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def look(image: Image, noon: datetime, *seen: Detection) -> Look:
    return Look(Frame("cam-1", noon, image, "key_frame", 1), (THING, *seen))


def person(x0: float, y0: float, x1: float, y1: float) -> Detection:
    return Detection("person", "person", Box(x0, y0, x1, y1), 0.8, "test 1")


def quality(image: Image, noon: datetime, *seen: Detection, box: Box = BOX) -> float:
    return showing(look(image, noon, *seen), box, (THING,)).quality


@pytest.mark.parametrize("sigma", [0.8, 1.5, 3.0])
def test_out_of_focus_is_worse(sigma: float, noon: datetime) -> None:
    assert quality(cv2.GaussianBlur(street(), (0, 0), sigma), noon) < quality(street(), noon)


def test_noise_is_not_taken_for_detail() -> None:
    """Sharp and clean, sharp and noisy, blurred and noisy: in this order."""
    grey = [
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[140:250, 250:390]
        for image in (street(), street(12), blurred_then_noisy())
    ]
    found = [sharpness(image) for image in grey]
    assert found[0] > found[2]
    assert found[1] > found[2]


def blurred_then_noisy() -> Image:
    soft = cv2.GaussianBlur(street(), (0, 0), 3).astype(np.float32)
    noisy = soft + np.random.default_rng(6).normal(0, 12, soft.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def test_flat_ground_has_no_sharpness() -> None:
    flat = np.full((80, 120), 90, np.uint8)
    assert sharpness(flat) == 0.0
    grain = flat + np.random.default_rng(7).integers(0, 9, flat.shape).astype(np.uint8)
    assert sharpness(grain) < 1.0


def test_who_stands_in_front_hides_and_who_stands_behind_does_not(noon: datetime) -> None:
    clear = quality(street(), noon)
    assert quality(street(), noon, person(0.42, 0.1, 0.5, 0.75)) < 0.6 * clear
    assert quality(street(), noon, person(0.42, 0.1, 0.5, 0.55)) == clear
    assert quality(street(), noon, person(0.7, 0.1, 0.8, 0.9)) == clear


def test_the_more_is_hidden_the_worse(noon: datetime) -> None:
    shown = [
        showing(look(street(), noon, person(0.35, 0.2, x, 0.8)), BOX, (THING,)).clear
        for x in (0.42, 0.48, 0.54, 0.6)
    ]
    assert shown == sorted(shown, reverse=True)
    assert shown[-1] == 0.0


def test_the_vendor_does_not_hide_his_own_stall(noon: datetime) -> None:
    vendor = person(0.42, 0.1, 0.5, 0.75)
    with_him = showing(look(street(), noon, vendor), BOX, (THING, vendor))
    assert with_him.clear == 1.0


def test_a_sharp_passer_does_not_make_the_picture_sharp(noon: datetime) -> None:
    """What stands in front is left out when sharpness is measured."""
    soft = cv2.GaussianBlur(street(), (0, 0), 3)
    soft[100:300, 270:310:4] = 255
    passer = person(265 / 640, 0.2, 312 / 640, 0.85)
    assert showing(look(soft, noon, passer), BOX, (THING,)).sharp < 0.3
    assert showing(look(soft, noon), BOX, (THING,)).sharp > 0.5, "else this shows nothing"


def test_cut_dark_glaring_and_colourless_count_against_it(noon: datetime) -> None:
    good = showing(look(street(), noon), BOX, (THING,))
    assert (good.whole, good.clear) == (1.0, 1.0)
    assert showing(look(street(), noon), Box(0.4, 0.7, 0.6, 1.0), ()).whole < 1.0
    for image in (np.zeros_like(street()), np.full_like(street(), 255)):
        assert showing(look(image, noon), BOX, ()).lit == 0.0
    grey = cv2.cvtColor(cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert showing(look(grey, noon), BOX, ()).lit < good.lit


def test_planes_are_judged_as_the_picture_they_are(noon: datetime) -> None:
    """As the decoder gives it or in BGR: much the same, less the contrast of limited range."""
    yuv = cv2.cvtColor(street(), cv2.COLOR_BGR2YUV_I420)
    y, rest = yuv[:360], yuv[360:].reshape(-1)
    u, v = (half.reshape(180, 320) for half in (rest[: 180 * 320], rest[180 * 320 :]))
    planes = Planes(y, u, v, Colours(1, False))
    as_planes = Look(Frame("cam-1", noon, planes, "key_frame", 1), (THING,))
    assert showing(as_planes, BOX, ()).quality == pytest.approx(quality(street(), noon), rel=0.2)


def test_what_no_detector_knows_is_seen_by_its_difference(noon: datetime) -> None:
    usual = impression(look(street(), noon), BOX)
    hidden = street()
    hidden[140:260, 256:320] = 10
    dark = (street() * 0.6).astype(np.uint8)
    assert alike(impression(look(hidden, noon), BOX), usual) < 0.8
    assert alike(impression(look(dark, noon), BOX), usual) > 0.95, "light is no thing"


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_any_box_on_any_picture_has_a_figure(
    width: int,
    height: int,
    corners: tuple[float, float, float, float],
    people: list[tuple[float, float, float, float]],
) -> None:
    """One pixel wide, boxes without area, people all over: finite, and between none and all."""
    image = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    box = Box.clipped(*corners)
    seen = [Detection("person", "person", Box.clipped(*each), 0.5, "test 1") for each in people]
    frame = Frame("cam-1", datetime.min, image, "still", 1)  # noqa: DTZ901 - no clock is asked
    made = Look(frame, tuple(seen))
    found = showing(made, box, ())
    assert all(0.0 <= getattr(found, field.name) <= 1.0 for field in fields(found))
    assert np.isfinite(impression(made, box)).all()
