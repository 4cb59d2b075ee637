"""Fails closed: without a result nothing leaves; with the shipped models people are covered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.app.detecting import build_detectors, build_redactor, model_inside
from edge.config.model import Settings
from edge.detectors.base import Detection, Look
from edge.detectors.objects import ObjectDetector
from edge.errors import Code, RedactionError
from edge.geometry import Box
from edge.redaction.finder import Finder
from edge.redaction.redactor import Redactor
from edge.shipped import shipped
from edge.streams.frame import Frame, Image
from tests.redaction.ways import NothingMore

SAMPLES = Path("/usr/share/doc/opencv-doc/examples/data")
ZONE = {"id": "z-1", "watch": "illegal_ads", "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
DOCUMENT = {
    "box": {"id": "box-01", "city": "420111"},
    "mqtt": {"host": "127.0.0.1"},
    "grid": {"cells": "grid.geojson"},
    "cameras": [{"id": "cam-1", "url": "x", "position": {"lon": 114, "lat": 30}, "zones": [ZONE]}],
}
NOISE = np.random.default_rng(3).integers(0, 255, (300, 400, 3), np.uint8)


def look(image: Image = NOISE, *found: Detection) -> Look:
    return Look(Frame("cam-1", datetime.now(UTC), image, "still", 0), found)


class Faulty:
    """Works, fails, works again."""

    def __init__(self) -> None:
        self.calls = 0

    def find(self, _image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        assert quick in (True, False)
        self.calls += 1
        if self.calls == 2:
            raise RuntimeError("the device was lost\nmore lines")
        return (Detection("face", "face", Box(0.2, 0.2, 0.4, 0.5), 0.9, "m"),)


def test_missing_models_hold_everything_back_and_are_tried_again() -> None:
    """One stable code, at once while it is fresh; opened anew after a while."""
    now, opened = 0.0, []

    def open_finder() -> NothingMore:
        opened.append(now)
        if len(opened) < 2:
            raise FileNotFoundError(2, "no such model")
        return NothingMore()

    redactor = Redactor("face+plate", open_finder, ticks=lambda: now)
    for _ in range(3):
        for fetch in (
            lambda: redactor.safe(look()),
            lambda: redactor.safe_small(look(), NOISE),
            lambda: redactor.safe_part(look(), Box(0.1, 0.1, 0.5, 0.5)),
        ):
            with pytest.raises(RedactionError, match="no such model") as refused:
                fetch()
            assert refused.value.code is Code.RED_FAILED
            assert "\n" not in str(refused.value)
    assert opened == [0.0]
    now = 31.0
    assert redactor.safe(look()).shape == NOISE.shape
    assert opened == [0.0, 31.0]


def test_a_fault_in_the_middle_costs_that_picture_only() -> None:
    """The second picture is refused, the third is redacted; no picture comes out half done."""
    faulty = Faulty()
    redactor = Redactor("face+plate", lambda: faulty)
    redactor.safe(look())
    with pytest.raises(RedactionError, match="device was lost"):
        redactor.safe(look())
    safe = redactor.safe(look())
    assert not np.array_equal(safe[70:140, 90:150], NOISE[70:140, 90:150])
    assert np.array_equal(safe[200:], NOISE[200:])


def test_a_look_is_searched_once() -> None:
    """Several revisions of one look ask once; another look asks anew."""
    faulty = Faulty()
    faulty.calls = 10
    redactor = Redactor("face+plate", lambda: faulty)
    first = look()
    redactor.safe(first)
    redactor.safe(first.plus(()))
    assert faulty.calls == 11
    redactor.safe(look())
    assert faulty.calls == 12


def test_a_part_to_be_shown_is_searched_closely_and_so_is_what_reaches_beyond_it() -> None:
    """What only the whole picture shows, and what only the part does, are both covered."""

    class Both:
        def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
            if image.shape == NOISE.shape:
                assert quick
                return (Detection("face", "face", Box(0.1, 0.3, 0.3, 0.6), 0.9, "m"),)
            assert not quick
            return (Detection("face", "face", Box(0.7, 0.5, 0.9, 0.8), 0.9, "m"),)

    redactor = Redactor("face+plate", Both)
    part = redactor.safe_part(look(), Box(0.2, 0.2, 0.7, 0.8), quick=False)
    was = NOISE[60:240, 80:280]
    assert part.shape == was.shape
    for clear, shown in (
        (was[40:110, 5:35], part[40:110, 5:35]),
        (was[95:140, 145:175], part[95:140, 145:175]),
    ):
        assert (
            cv2.Laplacian(shown, cv2.CV_64F).var() < 0.15 * cv2.Laplacian(clear, cv2.CV_64F).var()
        )
    assert np.array_equal(part[:20, 60:], was[:20, 60:])


def test_none_needs_no_models() -> None:
    """A policy that covers nothing never fails, and gives copies."""

    def never() -> NothingMore:
        raise AssertionError("opened")

    redactor = Redactor("none", never)
    first = look()
    safe = redactor.safe(first)
    assert np.array_equal(safe, NOISE)
    safe[:] = 0
    assert NOISE.any()


def sample(name: str) -> Image:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip("Debian's opencv-doc is not installed")
    if path.suffix == ".avi":
        with av.open(str(path)) as film:
            return next(film.decode(video=0)).to_ndarray(format="bgr24")
    return np.asarray(cv2.imread(str(path)), np.uint8)


def shipped_finder() -> Finder:
    names = ("coco-nanodet", "coco-nanodet-int8", "yunet")
    models = (ObjectDetector(shipped("models") / name, provider="cpu") for name in names)
    return Finder(*models)


def test_real_people_are_covered_who_are_too_unsure_for_the_alerts() -> None:
    """On OpenCV's street clip: every person that the alerts see, and some that they do not."""
    vtest, finder = sample("vtest.avi"), shipped_finder()
    sure = [d for d in finder.objects.find([vtest])[0] if d.meaning == "person"]
    eager = [d for d in finder.find(vtest) if d.meaning == "person"]
    assert len(sure) >= 3
    assert len(eager) > len(sure)
    safe = Redactor("face+plate", lambda: finder).safe(look(vtest))
    height, width = vtest.shape[:2]
    for d in sure:
        head = Box(d.box.x0, d.box.y0, d.box.x1, d.box.y0 + d.box.height * 0.2)
        x0, y0, x1, y1 = head.pixels(width, height)
        was, now = (cv2.Laplacian(i[y0:y1, x0:x1], cv2.CV_64F).var() for i in (vtest, safe))
        assert now < 0.15 * was


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_alerts_model_is_used_again(precision: str) -> None:
    """Its session serves both; beside int8 the same in fp32 is opened, for the weakest boxes."""
    chosen = {"detectors": {"object": {"models": ["coco-nanodet"], "precision": precision}}}
    settings = Settings.model_validate(DOCUMENT | chosen)
    (detector, *_) = detectors = build_detectors(settings)
    redactor = build_redactor(settings, detectors)
    redactor.open()
    finder, model = redactor._finder, model_inside(detector)
    assert isinstance(finder, Finder)
    assert model is not None
    assert finder.closer is model
    assert finder.objects.card.name == "coco-nanodet"
    assert (finder.objects is model) == (precision == "fp32")


@pytest.mark.parametrize("side", [640, 320, 160])
def test_a_face_is_found_from_near_to_far(side: int) -> None:
    """OpenCV's sample of a man beside a chessboard, pasted into a street view: 122 to 30 pixels
    from hair to chin, and the head of whom no object model is asked for."""
    photo = sample("left06.jpg")
    canvas = np.full((720, 1280, 3), 120, np.uint8)
    height = side * 3 // 4
    canvas[100 : 100 + height, 300 : 300 + side] = cv2.resize(
        photo, (side, height), interpolation=cv2.INTER_AREA
    )
    face = Box(
        (300 + side * 0.40) / 1280,
        (100 + height * 0.27) / 720,
        (300 + side * 0.49) / 1280,
        (100 + height * 0.46) / 720,
    )
    found = shipped_finder().find(canvas)
    assert any(face.covered_by(d.box) > 0.8 for d in found if d.meaning == "face")


@pytest.mark.parametrize(
    ("cases", "evidence", "policy"),
    [
        ({}, {}, "face+plate"),
        ({"blur_heads_and_plates": True}, {}, "face+plate"),
        ({"blur_heads_and_plates": False}, {}, "none"),
        ({}, {"redaction": "person"}, "person"),
        ({"blur_heads_and_plates": True}, {"redaction": "person"}, "person"),
    ],
)
def test_the_old_key_means_what_it_meant(cases: object, evidence: object, policy: str) -> None:
    """cases.blur_heads_and_plates goes on working beside its new name."""
    made = Settings.model_validate(DOCUMENT | {"cases": cases, "evidence": evidence})
    assert made.redaction == policy


def test_old_and_new_key_must_not_contradict() -> None:
    """One line that names both."""
    changes = {"cases": {"blur_heads_and_plates": False}, "evidence": {"redaction": "person"}}
    with pytest.raises(ValueError, match="leave the old one out"):
        Settings.model_validate(DOCUMENT | changes)


class Blinking:
    """Sees a face on the second of three pictures only."""

    def __init__(self, *, fails_at: int = -1) -> None:
        self.calls, self.fails_at = 0, fails_at

    def find(self, _image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        self.calls += 1
        if self.calls == self.fails_at:
            raise RuntimeError("the device was lost")
        seen = (Detection("face", "face", Box(0.2, 0.2, 0.4, 0.5), 0.9, "m"),)
        return seen if self.calls == 2 else ()


def test_who_is_missed_on_one_picture_of_a_run_is_covered_by_its_neighbours() -> None:
    finder = Blinking()
    one, two, three, four = Redactor("face+plate", lambda: finder).safe_run([NOISE] * 4, "cam-1")
    face = (slice(90, 120), slice(100, 140))
    for covered in (one, two, three):
        assert covered[face].std() < NOISE[face].std() / 2
    assert np.array_equal(four, NOISE)


def test_a_run_with_one_picture_that_cannot_be_searched_does_not_leave() -> None:
    finder = Blinking(fails_at=3)
    with pytest.raises(RedactionError) as raised:
        Redactor("face+plate", lambda: finder).safe_run([NOISE] * 4, "cam-1")
    assert raised.value.code is Code.RED_FAILED
