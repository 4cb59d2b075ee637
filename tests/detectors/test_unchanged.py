"""Looks answered without the model: never when something has come, gone or moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.base import Detection, Look
from edge.detectors.unchanged import Changes, Gated, Limits
from edge.geometry import Box
from edge.streams.frame import Frame, Image

SIZE = (1280, 720)
LEAST_PX = 24
"""Sides of the smallest thing that must never be missed: 8 pixels of the model's input."""
CAMERA = "cam"
START = datetime(2026, 6, 1, tzinfo=UTC)
FAR = Limits(looks=1000, seconds=86400.0)


def street(seed: int, *, busy: bool) -> Image:
    """Ground of soft blotches; facades full of edges when ``busy``."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 190, (9, 16, 3)).astype(np.uint8)
    image = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    if busy:
        for _ in range(60):
            x, y = int(rng.integers(0, SIZE[0])), int(rng.integers(0, SIZE[1]))
            corner = (x + int(rng.integers(8, 120)), y + int(rng.integers(8, 90)))
            colour = [int(level) for level in rng.integers(30, 220, 3)]
            cv2.rectangle(image, (x, y), corner, colour, -1)
    return np.asarray(image, np.uint8)


def sent(image: Image, seed: int, quality: int = 85, gain: float = 1.0) -> Image:
    """As a camera would send it: sensor noise, another exposure, compressed."""
    noise = np.random.default_rng(seed).normal(0.0, 3.0, image.shape)
    seen = np.clip(image.astype(np.float32) * gain + noise, 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def look(image: Image, number: int, every_s: float = 30.0) -> Look:
    at = START + timedelta(seconds=number * every_s)
    return Look(Frame(CAMERA, at, image, "visit", number))


class Counts:
    """Answers with the number of the picture, and remembers what it was asked."""

    name = "counts"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        self.asked += [seen.frame.sequence for seen in looks]
        box = Box(0.1, 0.1, 0.2, 0.2)
        return [
            (Detection(str(seen.frame.sequence), "person", box, 0.9, "counts"),) for seen in looks
        ]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 50),
    busy=st.booleans(),
    width=st.integers(LEAST_PX, 300),
    height=st.integers(LEAST_PX, 300),
    across=st.floats(0, 1),
    down=st.floats(0, 1),
    darker=st.booleans(),
    gain=st.floats(0.9, 1.1),
)
def test_a_thing_that_comes_or_goes_is_seen(
    seed: int,
    busy: bool,
    width: int,
    height: int,
    across: float,
    down: float,
    darker: bool,
    gain: float,
) -> None:
    empty = street(seed, busy=busy)
    x, y = round(across * (SIZE[0] - width)), round(down * (SIZE[1] - height))
    with_thing = empty.copy()
    ground = with_thing[y : y + height, x : x + width].astype(np.int16)
    away = -60 if darker or ground.mean() > 170 else 60
    with_thing[y : y + height, x : x + width] = np.clip(ground + away, 0, 255)
    for before, after in ((empty, with_thing), (with_thing, empty)):
        changes = Changes(FAR, {})
        assert changes.matters(look(sent(before, seed), 1))
        assert changes.matters(look(sent(after, seed + 1, gain=gain), 2))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 50),
    quality=st.integers(60, 95),
    gain=st.floats(0.92, 1.08),
)
def test_noise_compression_and_exposure_are_no_change(seed: int, quality: int, gain: float) -> None:
    picture = street(seed, busy=True)
    changes = Changes(FAR, {})
    assert changes.matters(look(sent(picture, seed, quality), 1))
    assert not changes.matters(look(sent(picture, seed + 1, quality, gain), 2))


def test_what_stands_still_stays_found_and_the_model_looks_again_in_time() -> None:
    inner = Counts()
    gated = Gated(inner, Changes(Limits(looks=4, seconds=86400.0), {}))
    picture = street(3, busy=True)
    found = [gated.detect([look(sent(picture, n), n)])[0][0].label for n in range(1, 10)]
    assert inner.asked == [1, 5, 9]
    assert found == ["1", "1", "1", "1", "5", "5", "5", "5", "9"]


def test_the_model_looks_again_after_the_time_and_after_a_clock_set_back() -> None:
    picture = street(3, busy=True)
    changes = Changes(Limits(looks=1000, seconds=100.0), {})
    said = [changes.matters(look(picture, n)) for n in (1, 2, 3, 4, 5, 1)]
    assert said == [True, False, False, False, True, True]


def test_what_creeps_in_slowly_is_seen() -> None:
    picture = street(5, busy=True)
    changes = Changes(FAR, {})
    said = []
    for n in range(12):
        now = picture.copy()
        now[300 : 300 + 12 * n, 600:680] //= 3  # a heap that grows by a little each time
        said.append(changes.matters(look(now, n + 1)))
    assert sum(said) >= 4


def test_only_what_happens_near_a_zone_matters() -> None:
    zone = Box(0.6, 0.7, 0.9, 0.9)
    changes = Changes(FAR, {CAMERA: [zone]})
    picture = street(7, busy=True)
    far, near = picture.copy(), picture.copy()
    far[40:160, 40:160] //= 3
    near[560:660, 900:960] //= 3
    assert changes.matters(look(picture, 1))
    assert not changes.matters(look(far, 2))
    assert changes.matters(look(near, 3))


def test_two_detectors_get_the_same_answer_in_one_batch_of_two_looks() -> None:
    changes = Changes(FAR, {})
    first, second = Counts(), Counts()
    empty = street(9, busy=False)
    full = empty.copy()
    full[200:300, 200:300] = 10
    batch = [look(empty, 1), look(full, 2), look(full, 3)]
    for inner in (first, second):
        found = Gated(inner, changes).detect(batch)
        assert [detections[0].label for detections in found] == ["1", "2", "2"]
    assert first.asked == second.asked == [1, 2]


def test_another_size_of_picture_is_a_change() -> None:
    changes = Changes(FAR, {})
    picture = street(1, busy=True)
    assert changes.matters(look(picture, 1))
    assert changes.matters(look(np.ascontiguousarray(picture[:600]), 2))
