"""OCR on real wording, as the shipped PP-OCRv4 reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from edge.detectors.base import Look
from edge.detectors.text import TextDetector
from edge.geometry import Box
from edge.scenes.signs import phone_number
from edge.streams.frame import Frame
from tests.detectors.test_objects import frames

WALL = Box(0.02, 0.13, 0.98, 0.38)


@pytest.fixture(scope="module")
def reader() -> TextDetector:
    return TextDetector({"cam-1": (WALL,)}, every_s=5, min_score=0.6)


def look(camera: str, second: int, at: datetime) -> Look:
    (image,) = frames("ads", second)
    return Look(Frame(camera, at, image, "key_frame", second))


def test_the_sticker_is_read_where_it_is(reader: TextDetector, noon: datetime) -> None:
    """Number and wording, inside the sticker."""
    (found,) = reader.detect([look("cam-1", 30, noon)])
    assert phone_number(" ".join(d.text or "" for d in found)) == "13900000000"
    assert any("办证" in (d.text or "") for d in found)
    paper = Box(430 / 768, 104 / 576, 636 / 768, 192 / 576)
    assert all(d.box.covered_by(paper.grown(0.05)) > 0.95 for d in found)


def test_between_readings_the_last_one_stands(reader: TextDetector, noon: datetime) -> None:
    """A clean picture right after is not read; after the interval it is."""
    reader.detect([look("cam-1", 30, noon + timedelta(seconds=100))])
    clean = look("cam-1", 3, noon + timedelta(seconds=102))
    assert reader.detect([clean])[0]
    later = look("cam-1", 3, noon + timedelta(seconds=106))
    assert not reader.detect([later])[0]


def test_cameras_without_regions_cost_nothing(reader: TextDetector, noon: datetime) -> None:
    """Only zones watched for ads are read."""
    assert reader.detect([look("cam-9", 30, noon)]) == [()]
