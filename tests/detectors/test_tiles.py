"""Tiles: every pixel in one, each thing once, far things found, cost bounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import CameraSettings, ObjectSettings
from edge.detectors.base import Detection
from edge.detectors.objects import ObjectDetector
from edge.detectors.tiles import MOST_TILES, TiledDetector, close_view, merged, spans, tiling
from edge.geometry import Box
from tests.detectors.test_objects import SHIPPED, frames, look_at


@pytest.fixture(scope="module")
def nanodet() -> ObjectDetector:
    return ObjectDetector(SHIPPED, provider="cpu")


@given(length=st.integers(64, 9000), count=st.integers(1, 8))
def test_spans_cover_everything_and_overlap(length: int, count: int) -> None:
    """No pixel is left out; neighbours share about a quarter."""
    found = spans(length, count)
    assert len(found) == count
    assert found[0][0] == 0
    assert found[-1][1] == length
    for (a0, a1), (b0, _) in pairwise(found):
        assert a0 < b0 < a1
        assert (a1 - b0) == pytest.approx((a1 - a0) / 4, abs=2)


@given(
    width=st.integers(1, 12000),
    height=st.integers(1, 12000),
    mode=st.sampled_from(["auto", "off", "1x1", "3x2", "9x9"]),
    side=st.integers(320, 1280),
)
def test_cost_is_bounded(width: int, height: int, mode: str, side: int) -> None:
    """Twenty megapixels and more never cost more than the cap; small pictures cost nothing."""
    tiles = tiling(width, height, mode, side)
    if mode in ("off", "1x1") or (mode == "auto" and max(width, height) <= 2 * side):
        assert tiles is None
    if tiles is not None and mode == "auto":
        assert 1 < len(tiles[0]) * len(tiles[1]) <= MOST_TILES
    if mode == "3x2" and min(width, height) > 64:
        assert tiles is not None
        assert (len(tiles[0]), len(tiles[1])) == (3, 2)


def test_what_is_tiled_by_itself() -> None:
    """4K and wide pictures are, ordinary ones are not."""
    assert tiling(1920, 1080, "auto", 416) is None
    assert tiling(3840, 2160, "auto", 416) is not None
    assert tiling(4096, 720, "auto", 416) is not None


def test_far_people_are_found_with_tiles(nanodet: ObjectDetector) -> None:
    """Nine frames of real footage as one picture: what is found on each alone is the truth."""
    chosen = [*frames("clear", 5, 15, 25, 35), *frames("vending", 10, 20, 30, 40, 45)]
    truth = []
    for n, found in enumerate(nanodet.find(chosen)):
        x, y = n % 3, n // 3
        truth += [
            (d.label, Box((x + b.x0) / 3, (y + b.y0) / 3, (x + b.x1) / 3, (y + b.y1) / 3))
            for d in found
            for b in (d.box,)
        ]
    wide = np.vstack([np.hstack(chosen[row * 3 : row * 3 + 3]) for row in range(3)])

    def recall(mode: str) -> float:
        (found,) = TiledDetector(nanodet, default=mode).detect([look_at(wide)])
        hits = [any(d.label == t and d.box.iou(b) >= 0.5 for d in found) for t, b in truth]
        assert len(found) <= len(truth) * 1.2  # nothing twice
        return sum(hits) / len(hits)

    assert len(truth) > 30
    assert recall("auto") > 0.75
    assert recall("auto") > recall("off") + 0.3


def test_a_camera_may_have_its_own_tiles(nanodet: ObjectDetector) -> None:
    """And the others keep the default; order and number of looks stay."""
    (image,) = frames("vending", 30)
    detector = TiledDetector(nanodet, default="off", cameras={"far": "2x2"})
    near, far = detector.detect([look_at(image, "near"), look_at(image, "far")])
    (plain,) = nanodet.detect([look_at(image, "near")])
    assert near == plain
    assert far != plain
    assert detector.name == nanodet.name


def test_a_part_of_an_ordinary_picture_is_looked_at_again(nanodet: ObjectDetector) -> None:
    """Small people in a corner are found there; tiles, or none at all, are as they were."""
    (image,) = frames("vending", 30)
    ground = np.full((2 * image.shape[0], 2 * image.shape[1], 3), 110, np.uint8)
    ground[: image.shape[0], : image.shape[1]] = image
    close = {"near": Box(0.0, 0.0, 0.5, 0.5)}

    def found(camera: str, mode: str) -> tuple[Detection, ...]:
        detector = TiledDetector(nanodet, default=mode, close=close)
        return detector.detect([look_at(ground, camera)])[0]

    people = {c: sum(d.label == "person" for d in found(c, "auto")) for c in ("near", "other")}
    assert people["near"] > people["other"]
    assert found("near", "off") == found("other", "off")


def test_what_is_looked_at_again() -> None:
    """Zones with whoever stands in them; nothing when that is most of the picture."""
    assert close_view([]) is None
    assert close_view([Box(0.0, 0.8, 1.0, 1.0)]) is None
    view = close_view([Box(0.1, 0.6, 0.3, 0.8), Box(0.2, 0.7, 0.4, 0.85)])
    assert view is not None
    assert view.y0 == pytest.approx(0.25)
    assert view.area < 0.5


def seen(box: Box, score: float, label: str = "person") -> Detection:
    return Detection(label, label, box, score, "made 1")


boxes = st.builds(
    lambda x, y, w, h: Box.clipped(x, y, x + w, y + h),
    *[st.floats(0, 1)] * 2,
    *[st.floats(0, 0.5)] * 2,
)
views = st.lists(
    st.lists(
        st.builds(seen, boxes, st.floats(0, 1), st.sampled_from(["person", "car"])), max_size=5
    ),
    max_size=4,
)


@given(views)
def test_merging_invents_nothing_and_keeps_the_surest(found: Sequence[Sequence[Detection]]) -> None:
    """A subset, without repeats when merged with itself; the best of all is always in it."""
    kept = merged(found)
    everything = [d for view in found for d in view]
    assert all(d in everything for d in kept)
    if everything:
        assert max(d.score for d in kept) == max(d.score for d in everything)
    assert len(merged([kept, kept])) == len(kept) or any(d.box.area == 0 for d in kept)


@given(st.lists(st.builds(seen, boxes, st.floats(0, 1)), max_size=6))
def test_one_view_stays_as_it_is(view: list[Detection]) -> None:
    """What the model has told apart stays apart."""
    assert sorted(map(repr, merged([view]))) == sorted(map(repr, view))


@pytest.mark.parametrize("wrong", ["2", "0x2", "2x", "many", "10x1"])
def test_a_wrong_setting_is_refused(wrong: str) -> None:
    """In the file, not at the first look."""
    with pytest.raises(ValueError, match="tiles"):
        ObjectSettings(tiles=wrong)
    with pytest.raises(ValueError, match="tiles"):
        CameraSettings.model_validate(
            {"id": "cam-1", "url": "x", "position": {"lon": 1, "lat": 1}, "tiles": wrong}
        )
