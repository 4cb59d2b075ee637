"""Fixed-camera sequences with one difficulty each, on the demo's real plaza.

Ground is the clear clip: its real pictures with passers-by, or their median when the difficulty
alone is to be seen. The pile is cut from the demo's pile clip; light, weather and shake are put
on by arithmetic, then every picture goes through JPEG as a camera's key frame would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from edge.detectors.base import Detection, Look
from edge.detectors.static import StaticObjectDetector
from edge.geometry import Box
from edge.streams.frame import Frame, Image
from tests.detectors.test_objects import frames

PILE = Box(0.6289, 0.5087, 0.7969, 0.6007)
Floats = npt.NDArray[np.float32]


@cache
def plaza() -> tuple[Image, ...]:
    """The clear clip, one picture a second."""
    return tuple(frames("clear", *range(60)))


@cache
def empty_plaza() -> Floats:
    """The plaza without its people."""
    return np.median(np.stack(plaza()[::3]), axis=0).astype(np.float32)


@cache
def _pile() -> Floats:
    """The pile and the ground right around it, as it lies in the demo's clip."""
    return np.median(np.stack(frames("piles", *range(20, 60, 3))), axis=0).astype(np.float32)


@dataclass(frozen=True)
class Shot:
    """One picture of a sequence and what a model saw on it."""

    at_s: float
    image: Image
    seen: tuple[Detection, ...] = ()


def with_pile(ground: Floats, box: Box = PILE) -> Floats:
    """The ground with the pile on it."""
    picture = ground.copy()
    x0, y0, x1, y1 = box.grown(0.12).pixels(ground.shape[1], ground.shape[0])
    picture[y0:y1, x0:x1] = _pile()[y0:y1, x0:x1]
    return picture


def crowd(second: int) -> Floats:
    """A real picture with passers-by; the clip is run to and fro."""
    there_and_back = abs((second + 59) % 118 - 59)
    return plaza()[there_and_back].astype(np.float32)


def camera_picture(picture: Floats, *, noise: float = 3.0, quality: int = 60, seed: int) -> Image:
    """What a camera makes of it: sensor noise and compression."""
    rng = np.random.default_rng(seed)
    half = rng.normal(0, noise, (picture.shape[0] // 2, picture.shape[1] // 2, 3))
    grain = cv2.resize(half.astype(np.float32), (picture.shape[1], picture.shape[0]))
    small = np.clip(picture + grain, 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def moved(picture: Floats, dx: float, dy: float, *, turn: float = 0.0, zoom: float = 1.0) -> Floats:
    """Shifted by shares of the width, turned by degrees, zoomed."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, zoom)
    matrix[:, 2] += dx * width, dy * width
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def shaded(picture: Floats, corners: list[tuple[float, float]], depth: float = 0.5) -> Floats:
    """A hard shadow: darker by ``depth``, a little bluer, the ground's texture kept."""
    mask = np.zeros(picture.shape[:2], np.float32)
    points = np.array(corners) * (picture.shape[1], picture.shape[0])
    cv2.fillPoly(mask, [points.astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.2)[..., None]
    factor = np.array([depth * 1.06, depth, depth * 0.96], np.float32)
    return picture * (1 - mask * (1 - factor))


def lamp(picture: Floats, x: float, y: float, radius: float, gain: float) -> Floats:
    """A soft pool of warm light."""
    ys, xs = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    width, height = picture.shape[1], picture.shape[0]
    away = ((xs - x * width) ** 2 + (ys - y * height) ** 2) / (radius * width) ** 2
    pool = np.exp(-away)[..., None] * gain * np.array([0.8, 0.95, 1.1], np.float32)
    return picture * (1 + pool)


def play(
    detector: StaticObjectDetector, shots: Iterator[Shot], noon: datetime
) -> list[tuple[float, tuple[Detection, ...]]]:
    """What the detector says on each picture."""
    said = []
    for number, shot in enumerate(shots):
        frame = Frame("cam-1", noon + timedelta(seconds=shot.at_s), shot.image, "key_frame", number)
        said.append((shot.at_s, detector.detect([Look(frame, shot.seen)])[0]))
    return said


def standing_man(picture: Floats, x: float, y: float, second: int) -> Floats:
    """A drawn person who sways a little; ``x``, ``y`` are his feet."""
    drawn = picture.copy()
    height, width = picture.shape[:2]
    middle, feet = int(x * width + 2 * np.sin(second * 1.7)), int(y * height)
    cv2.rectangle(drawn, (middle - 9, feet - 75), (middle + 9, feet - 35), (60, 50, 90), -1)
    cv2.rectangle(drawn, (middle - 8, feet - 35), (middle + 8, feet), (40, 40, 45), -1)
    cv2.circle(drawn, (middle, feet - 83), 8, (120, 140, 180), -1)
    return drawn


def parked_car(picture: Floats, box: Box) -> Floats:
    """A drawn car."""
    drawn = picture.copy()
    x0, y0, x1, y1 = box.pixels(picture.shape[1], picture.shape[0])
    roof, side = y0 + (y1 - y0) // 3, (x1 - x0) // 5
    cv2.rectangle(drawn, (x0, roof), (x1, y1 - 8), (150, 40, 30), -1)
    cv2.rectangle(drawn, (x0 + side, y0), (x1 - side, roof), (70, 60, 50), -1)
    cv2.line(drawn, (x0, y1 - 22), (x1, y1 - 22), (220, 220, 220), 2)
    for wheel in (x0 + 20, x1 - 20):
        cv2.circle(drawn, (wheel, y1 - 8), 10, (20, 20, 20), -1)
    return drawn


def rain(picture: Floats, second: int) -> Floats:
    """Four hundred streaks before a dull scene."""
    rng = np.random.default_rng(second)
    streaks = np.zeros(picture.shape[:2], np.float32)
    for x, y in rng.integers(0, (picture.shape[1], picture.shape[0]), (400, 2)):
        cv2.line(streaks, (int(x), int(y)), (int(x) + 4, int(y) + 25), 1.0, 1)
    return picture * 0.85 + 60 * cv2.GaussianBlur(streaks, (3, 3), 0)[..., None]


def infra_red(picture: Floats) -> Floats:
    """The camera's own lamp at night: no colour, plants bright, the corners dark."""
    blue, green, red = picture[..., 0], picture[..., 1], picture[..., 2]
    plants = np.clip((green - 0.5 * blue - 0.5 * red) / 20, 0, 1)
    grey = (0.2 * blue + 0.3 * green + 0.5 * red) * (0.5 + 0.7 * plants)
    lit = lamp(np.repeat(grey[..., None], 3, axis=2), 0.5, 0.6, 0.5, 0.6)
    return np.repeat(lit.mean(axis=2, keepdims=True), 3, axis=2)
