"""What is covered cannot be read back, and nothing else is touched."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.base import Detection
from edge.geometry import Box
from edge.redaction.cover import Part, covered
from edge.redaction.parts import Policy, private_parts

PICTURE = np.random.default_rng(2).integers(0, 255, (400, 600, 3), np.uint8)
PERSON = Detection("person", "person", Box(0.4, 0.2, 0.5, 0.8), 0.9, "m")
CAR = Detection("car", "vehicle", Box(0.6, 0.5, 0.9, 0.9), 0.9, "m")
SHARES = st.floats(0, 1, allow_nan=False)


def detail(image: np.ndarray, box: Box) -> float:  # type: ignore[type-arg]
    x0, y0, x1, y1 = box.pixels(image.shape[1], image.shape[0])
    return float(cv2.Laplacian(image[y0:y1, x0:x1], cv2.CV_64F).var())


def shown(policy: Policy, *found: Detection) -> np.ndarray:  # type: ignore[type-arg]
    return covered(PICTURE, private_parts(found, policy, 600, 400))


def test_heads_and_plates_are_unreadable_and_the_rest_untouched() -> None:
    """The head's detail is gone; feet and background are as they were."""
    safe = shown("face+plate", PERSON, CAR)
    for private in (Box(0.4, 0.2, 0.5, 0.35), Box(0.6, 0.72, 0.9, 0.9)):
        assert detail(safe, private) < 0.02 * detail(PICTURE, private)
    for public in (Box(0.4, 0.5, 0.5, 0.8), Box(0.0, 0.0, 0.3, 1.0)):
        x0, y0, x1, y1 = public.pixels(600, 400)
        assert np.array_equal(safe[y0:y1, x0:x1], PICTURE[y0:y1, x0:x1])


def test_the_policy_decides() -> None:
    """Nothing, heads, or people whole; the picture given is never written to."""
    before = PICTURE.copy()
    assert np.array_equal(shown("none", PERSON, CAR), PICTURE)
    feet = Box(0.41, 0.6, 0.49, 0.78)
    assert detail(shown("face+plate", PERSON), feet) == detail(PICTURE, feet)
    assert detail(shown("person", PERSON), feet) < 0.02 * detail(PICTURE, feet)
    assert np.array_equal(before, PICTURE)


@pytest.mark.parametrize(
    ("box", "head"),
    [
        (Box(0.4, 0.2, 0.5, 0.8), Box(0.42, 0.2, 0.48, 0.32)),  # upright: the top quarter
        (Box(0.3, 0.4, 0.6, 0.8), Box(0.35, 0.4, 0.55, 0.6)),  # only the upper body shows
        (Box(0.2, 0.6, 0.7, 0.9), Box(0.2, 0.6, 0.7, 0.77)),  # bending: the head may be anywhere
    ],
)
def test_the_head_part_grows_with_the_width_of_the_box(box: Box, head: Box) -> None:
    """Who sits, bends or is half hidden has a larger head in a box than who stands."""
    safe = shown("face+plate", Detection("person", "person", box, 0.3, "m"))
    assert detail(safe, head) < 0.02 * detail(PICTURE, head)


def test_text_the_size_of_a_plate_does_not_survive() -> None:
    """Two cars alike but for their plates look alike once they are covered."""
    seen = []
    for text in ("A1B2C3", "X9K7M8"):
        car = np.full((240, 400, 3), 90, np.uint8)
        cv2.rectangle(car, (140, 150), (260, 180), (235, 235, 235), cv2.FILLED)
        cv2.putText(car, text, (146, 174), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
        found = (Detection("car", "vehicle", Box(0, 0, 1, 1), 0.9, "m"),)
        parts = private_parts(found, "face+plate", 400, 240)
        seen.append(covered(car, parts)[140:190, 130:270].astype(int))
    assert np.abs(seen[0] - seen[1]).max() < 40


@settings(deadline=None)
@given(x0=SHARES, y0=SHARES, x1=SHARES, y1=SHARES, blocks=st.floats(1, 8))
def test_any_part_can_be_covered(x0: float, y0: float, x1: float, y1: float, blocks: float) -> None:
    """Boxes of any shape, at any rim: what is outside stays, what is inside keeps no detail."""
    box = Box.clipped(x0, y0, x1, y1)
    safe = covered(PICTURE, (Part(box, blocks),))
    left, top, right, bottom = box.pixels(600, 400)
    outside = np.ones((400, 600), bool)
    outside[top:bottom, left:right] = False
    assert np.array_equal(safe[outside], PICTURE[outside])
    if right - left >= 24 and bottom - top >= 24:
        assert detail(safe, box) < 0.1 * detail(PICTURE, box)
