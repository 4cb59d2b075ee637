"""OCR on real wording, as the shipped PP-OCRv4 reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageDraw

from edge.cases.caption import _font
from edge.detectors.base import Detection, Look
from edge.detectors.consensus import Reading, consensus, digits
from edge.detectors.qr import QrFinder, hashed
from edge.detectors.text import TextDetector
from edge.geometry import Box
from edge.scenes.wording import phone_number
from edge.streams.frame import Frame, Image
from tests.detectors.test_objects import frames

WALL = Box(0.02, 0.13, 0.98, 0.38)
WHOLE = Box(0, 0, 1, 1)


@pytest.fixture
def reader() -> TextDetector:
    regions = {"cam-1": (WALL,), "drawn": (WHOLE,)}
    return TextDetector(regions, every_s=5, min_score=0.6)


def look(camera: str, second: int, at: datetime) -> Look:
    (image,) = frames("ads", second)
    return Look(Frame(camera, at, image, "key_frame", second))


def drawn(image: Image, at: datetime, *seen: Detection) -> Look:
    return Look(Frame("drawn", at, image, "key_frame", 0), seen)


def wall(*lines: tuple[str, int, int, int], light: float = 1.0) -> Image:
    """A rough wall with lines of ``(text, x, y, height)`` on white paper, as JPEG 60 shows it."""
    rng = np.random.default_rng(4)
    rough = cv2.GaussianBlur(rng.normal(0, 60, (540, 960)).astype(np.float32), (0, 0), 2)
    ground = np.clip(130 + rough, 0, 255).astype(np.uint8)
    picture = Pillow.fromarray(np.dstack((ground, ground, ground)))
    draw = ImageDraw.Draw(picture)
    for text, x, y, height in lines:
        face = _font(round(height * 1.35))
        draw.rectangle((x - 12, y - 8, x + face.getlength(text) + 12, y + 1.7 * height), "white")
        draw.text((x, y), text, "black", face)
    dimmed = np.clip(np.asarray(picture, np.float32)[..., ::-1] * light, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", dimmed, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def test_the_sticker_is_read_where_it_is(reader: TextDetector, noon: datetime) -> None:
    """Number and wording, inside the sticker."""
    (found,) = reader.detect([look("cam-1", 30, noon)])
    assert phone_number(" ".join(d.text or "" for d in found)) == "13900000000"
    assert any("办证" in (d.text or "") for d in found)
    paper = Box(430 / 768, 104 / 576, 636 / 768, 192 / 576)
    assert all(d.box.covered_by(paper.grown(0.05)) > 0.95 for d in found)


def test_a_reading_stands_while_the_picture_shows_it(reader: TextDetector, noon: datetime) -> None:
    """Between two readings nothing is read, but what is gone is not reported either."""
    reader.detect([look("cam-1", 30, noon)])
    read = reader.work.readings
    assert reader.detect([look("cam-1", 30, noon + timedelta(seconds=2))])[0]
    assert not reader.detect([look("cam-1", 3, noon + timedelta(seconds=3))])[0]
    assert reader.work.readings == read
    assert not reader.detect([look("cam-1", 3, noon + timedelta(seconds=9))])[0]


def test_cameras_without_regions_cost_nothing(reader: TextDetector, noon: datetime) -> None:
    """Only zones watched for ads are read."""
    assert reader.detect([look("cam-9", 30, noon)]) == [()]


def test_only_new_lines_are_read_again(reader: TextDetector, noon: datetime) -> None:
    """A wall that does not change is searched once; a new line costs its own reading only."""
    sign = ("便民超市", 100, 80, 40)
    for look_number in range(6):
        # Light falls by a third and comes back: nothing new.
        picture = wall(sign, light=1.0 if look_number % 2 else 0.7)
        (found,) = reader.detect([drawn(picture, noon + timedelta(seconds=10 * look_number))])
        assert [d.text for d in found] == ["便民超市"]
    assert reader.work.searches == 1
    assert reader.work.readings == 3
    both = wall(sign, ("13900001234", 400, 300, 24))
    for look_number in range(6, 12):
        (found,) = reader.detect([drawn(both, noon + timedelta(seconds=10 * look_number))])
        assert {d.text for d in found} == {"便民超市", "13900001234"}
    assert reader.work.searches == 2
    assert reader.work.readings == 6


def test_what_somebody_hides_is_not_read_anew(reader: TextDetector, noon: datetime) -> None:
    """A passer-by before the wall costs no search, and the wording is back after him."""
    picture = wall(("便民超市", 100, 80, 40))
    reader.detect([drawn(picture, noon)])
    hidden = picture.copy()
    hidden[60:500, 90:200] = (40, 60, 160)
    passer = Detection("person", "person", Box(85 / 960, 50 / 540, 205 / 960, 1), 0.9, "test 1")
    reader.detect([drawn(hidden, noon + timedelta(seconds=10), passer)])
    (found,) = reader.detect([drawn(picture, noon + timedelta(seconds=20))])
    assert [d.text for d in found] == ["便民超市"]
    assert reader.work.searches == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (7, 7), (33, 5)])
def test_tiny_pictures_hold_no_wording(
    reader: TextDetector, noon: datetime, size: tuple[int, int]
) -> None:
    """A picture of one pixel is no error."""
    assert reader.detect([drawn(np.full((*size, 3), 200, np.uint8), noon)]) == [()]


def test_twenty_megapixels_are_read_in_tiles(reader: TextDetector, noon: datetime) -> None:
    """The number in a corner of a 5472 x 3648 picture is found."""
    large = np.full((3648, 5472, 3), 150, np.uint8)
    large[3000:3540, 4400:5360] = wall(("办证13900001234", 300, 200, 40))
    (found,) = reader.detect([drawn(large, noon)])
    assert [phone_number(d.text or "") for d in found] == ["13900001234"]


def test_a_picture_that_changes_its_size_is_read_anew(reader: TextDetector, noon: datetime) -> None:
    """A camera set to another resolution goes on being read."""
    picture = wall(("便民超市", 100, 80, 40))
    reader.detect([drawn(picture, noon)])
    larger = np.asarray(cv2.resize(picture, (1280, 720)), np.uint8)
    (found,) = reader.detect([drawn(larger, noon + timedelta(seconds=10))])
    assert [d.text for d in found] == ["便民超市"]


def qr_sticker(payload: str, module_px: int) -> Image:
    picture = wall()
    code = cv2.resize(
        cv2.QRCodeEncoder.create().encode(payload),
        None,
        fx=module_px,
        fy=module_px,
        interpolation=cv2.INTER_NEAREST,
    )
    picture[200 : 200 + code.shape[0], 300 : 300 + code.shape[1]] = code[..., None]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)


def test_a_qr_sticker_is_seen_and_its_payload_is_not_kept(
    reader: TextDetector, noon: datetime
) -> None:
    """The payload leaves as a hash, and the same code gives the same one."""
    payload = "https://example.org/a?b=13900001234"
    (found,) = reader.detect([drawn(qr_sticker(payload, 4), noon)])
    (code,) = [d for d in found if d.meaning == "qr"]
    assert code.text == hashed(payload)
    assert "139" not in repr([d.text for d in found if d.meaning == "text"])
    assert code.box.iou(Box(300 / 960, 200 / 540, 416 / 960, 316 / 540)) > 0.5


@pytest.mark.parametrize("module_px", [2, 3])
def test_a_small_code_turned_and_out_of_focus_is_found(module_px: int) -> None:
    """Modules of two pixels under blur and JPEG 60: what a street camera shows of a sticker."""
    picture = qr_sticker("https://example.com/loan/0815", module_px)
    turn = cv2.getRotationMatrix2D((350, 250), 8, 1.0)
    picture = np.asarray(cv2.warpAffine(picture, turn, (960, 540)), np.uint8)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    seen = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    (code,) = QrFinder().find(seen, (200, 10, 950, 530))
    side = 29 * module_px
    middle = ((code.box[0] + code.box[2]) / 2, (code.box[1] + code.box[3]) / 2)
    expected = turn @ (300 + side / 2, 200 + side / 2, 1.0)
    assert np.abs(np.array(middle) - expected).max() < side / 4


def test_a_code_that_one_search_misses_is_not_gone(
    reader: TextDetector, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture still shows it; once it is covered it is gone."""
    picture = qr_sticker("https://example.org/a", 4)
    (found,) = reader.detect([drawn(picture, noon)])
    assert [d.meaning for d in found].count("qr") == 1
    monkeypatch.setattr(reader._qr, "find", lambda _image, _region: [])
    elsewhere = picture.copy()
    elsewhere[400:480, 700:800] = 20  # something changes, so that codes are searched anew
    (found,) = reader.detect([drawn(elsewhere, noon + timedelta(seconds=10))])
    assert [d.meaning for d in found].count("qr") == 1
    covered = elsewhere.copy()
    covered[190:330, 290:430] = 120
    (found,) = reader.detect([drawn(covered, noon + timedelta(seconds=20))])
    assert not [d for d in found if d.meaning == "qr"]


def test_plain_walls_hold_no_codes() -> None:
    """Neither paper nor roughness is a QR code."""
    assert QrFinder().find(wall(("便民超市", 100, 80, 40)), (0, 0, 960, 540)) == []


NUMBERS = st.text("0123456789", min_size=8, max_size=8).map(lambda rest: f"139{rest}")


@given(NUMBERS, st.lists(st.integers(0, 10), min_size=2, max_size=2, unique=True))
def test_two_readings_with_different_faults_are_outvoted(number: str, wrong: list[int]) -> None:
    """Each reading errs on its own digit: digit by digit the truth wins."""

    def spoilt(at: int) -> str:
        return number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]

    readings = [
        Reading(spoilt(wrong[0]), 0.9),
        Reading(number, 0.8),
        Reading(spoilt(wrong[1]), 0.9),
    ]
    assert digits(consensus(readings).text) == number


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=15), st.floats(0, 1)), min_size=1, max_size=8)
)
def test_any_readings_come_to_an_agreement(readings: list[tuple[str, float]]) -> None:
    """Whatever was read, there is one wording with a certainty."""
    said = consensus([Reading(text, score) for text, score in readings])
    assert 0 <= said.score <= 1


@given(NUMBERS)
def test_separators_do_not_split_the_vote(number: str) -> None:
    """139-0000-0001 and 139 0000 0001 are one number."""
    readings = [
        Reading(f"{number[:3]}-{number[3:7]}-{number[7:]}", 0.7),
        Reading(f"{number[:3]} {number[3:7]} {number[7:]}", 0.7),
        Reading(number[:-1], 0.9),
    ]
    assert digits(consensus(readings).text) == number
