"""Planes against swscale, which made the BGR before: same colours, whatever the size and range."""

from __future__ import annotations

from datetime import UTC, datetime

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.streams.frame import Frame
from edge.streams.planes import (
    Planes,
    as_bgr,
    cut,
    decoded,
    halved,
    made_of,
    parts_of,
    resized,
    shape_of,
)

SIZES = st.integers(2, 90)
MATRICES = st.sampled_from([0, 1, 2, 4, 5, 6, 7, 9])
RANGES = st.sampled_from([0, 1, 2])
Bytes = npt.NDArray[np.uint8]


def frame(
    width: int, height: int, seed: int, *, matrix: int = 2, reach: int = 1, form: str = "yuv420p"
) -> av.VideoFrame:
    """Smooth random planes, rows padded as a decoder pads them; padding holds noise."""
    rng = np.random.default_rng(seed)
    made = av.VideoFrame(width, height, form)
    made.colorspace, made.color_range = matrix, reach
    low, high = (0, 256) if reach == 2 or form.startswith("yuvj") else (16, 236)
    for number, plane in enumerate(made.planes):
        rows = rng.integers(0, 256, (plane.height, plane.line_size), np.uint8)
        # Colours that a camera can send: not all of Y, U, V lies within red, green and blue.
        span = (low, high) if number == 0 else (108, 148)
        seen = rng.integers(*span, (plane.height, plane.width), np.uint8)
        rows[:, : plane.width] = cv2.blur(seen, (3, 3))
        plane.update(rows.tobytes())
    return made


def apart(left: Bytes, right: Bytes) -> int:
    """Largest difference, grey levels."""
    assert left.shape == right.shape
    return int(np.abs(left.astype(int) - right).max())


@given(SIZES, SIZES, st.integers(0, 9999), MATRICES, RANGES)
@settings(deadline=None)
def test_whole_pictures_are_swscales(
    width: int, height: int, seed: int, matrix: int, reach: int
) -> None:
    given_ = frame(width, height, seed, matrix=matrix, reach=reach)
    before = given_.to_ndarray(format="bgr24")
    now = decoded(given_)
    assert isinstance(now, Planes)
    if width % 2 == height % 2 == 0:
        assert apart(as_bgr(now), before) <= 3
    else:  # swscale mixes neighbouring colours in odd sizes
        assert float(np.abs(as_bgr(now).astype(int) - before).mean()) <= 8


@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 9999), MATRICES, RANGES)
@settings(deadline=None)
def test_a_small_picture_is_that_of_the_whole(
    width: int, height: int, seed: int, matrix: int, reach: int
) -> None:
    for times in (2, 4, 6, 8):
        planes = decoded(frame(times * width, times * height, seed, matrix=matrix, reach=reach))
        whole = resized(as_bgr(planes), width, height, cv2.INTER_AREA)
        assert apart(resized(planes, width, height, cv2.INTER_AREA), whole) <= 3


def test_full_hd_is_shrunk_exactly() -> None:
    planes = decoded(frame(1920, 1080, 1))
    whole = resized(as_bgr(planes), 320, 180, cv2.INTER_AREA)
    assert apart(resized(planes, 320, 180, cv2.INTER_AREA), whole) <= 2


@given(st.integers(25, 100), st.integers(25, 100), st.integers(0, 9999))
@settings(deadline=None)
def test_so_is_any_other_size(width: int, height: int, seed: int) -> None:
    planes = decoded(frame(2 * width, 2 * height, seed))
    whole = resized(as_bgr(planes), 25, 24, cv2.INTER_AREA)
    assert apart(resized(planes, 25, 24, cv2.INTER_AREA), whole) <= 3


@pytest.mark.parametrize("form", ["yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "gray"])
def test_other_formats(form: str) -> None:
    given_ = frame(64, 48, 7).reformat(format=form)
    before = given_.to_ndarray(format="bgr24")
    now = decoded(given_)
    assert isinstance(now, Planes) == (form != "gray")
    # 4:2:0 has half the colours of 4:2:2 and 4:4:4: what is left is their mean.
    shrunk = (resized(picture, 16, 12, cv2.INTER_AREA) for picture in (now, before))
    assert apart(*shrunk) <= 5


def test_ten_bits() -> None:
    eight = frame(64, 48, 7)
    ten = eight.reformat(format="yuv420p10le")
    assert apart(as_bgr(decoded(ten)), as_bgr(decoded(eight))) <= 3


@given(SIZES, SIZES, st.data())
@settings(deadline=None)
def test_a_part_is_a_part_of_the_whole(width: int, height: int, data: st.DataObject) -> None:
    planes = decoded(frame(width, height, 3))
    x0 = 2 * data.draw(st.integers(0, (width - 1) // 2))
    y0 = 2 * data.draw(st.integers(0, (height - 1) // 2))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    part = as_bgr(cut(planes, x0, y0, x1, y1))
    assert np.array_equal(part, as_bgr(planes)[y0:y1, x0:x1])


@given(SIZES, SIZES, st.booleans())
@settings(deadline=None)
def test_parts_make_the_picture_again(width: int, height: int, as_planes: bool) -> None:
    planes = decoded(frame(width, height, 5, matrix=1, reach=2))
    picture = planes if as_planes else as_bgr(planes)
    shape = shape_of(picture)
    assert tuple(part.shape for part in parts_of(picture)) == shape.parts
    again = made_of(shape, [part.copy() for part in parts_of(picture)])
    assert np.array_equal(as_bgr(again), as_bgr(picture))


def test_a_picture_outlives_its_decoder() -> None:
    picture = decoded(frame(64, 48, 11))
    kept = as_bgr(picture).copy()
    for seed in range(20):
        decoded(frame(64, 48, seed))
    assert np.array_equal(as_bgr(picture), kept)


def test_a_frame_makes_each_picture_once() -> None:
    look = Frame("cam-1", datetime.now(UTC), decoded(frame(640, 361, 2)), "key_frame", 1)
    assert look.image.shape == (361, 640, 3)
    assert look.small.shape == (180, 320, 3)
    assert look.image is look.image
    assert look.small is look.small
    assert (look.width, look.height) == (640, 361)
    before = look.image
    look.lighten()
    assert look.image is not before
    assert np.array_equal(look.image, before)
    assert look.part(10, 20, 110, 220, (24, 48)).shape == (48, 24, 3)


@given(st.integers(8, 90), st.integers(8, 90), st.integers(0, 9999))
@settings(deadline=None)
def test_half_a_picture_is_the_picture_at_half_the_size(width: int, height: int, seed: int) -> None:
    """Also of odd sizes; and its planes fit each other, so that it can be shown."""
    whole = decoded(frame(width, height, seed))
    half = halved(whole)
    assert half.shape == (height // 2, width // 2, 3)
    shown = as_bgr(half).astype(int)
    shrunk = resized(whole, width // 2, height // 2, cv2.INTER_AREA)
    assert float(np.abs(shown - shrunk).mean()) <= 8
    plain = halved(as_bgr(whole))
    assert plain.shape == half.shape
