"""How often the number on a pasted small ad is read exactly, digit for digit.

    .venv/bin/python bench/phone_numbers.py --stickers 200          # one look each
    .venv/bin/python bench/phone_numbers.py --stickers 100 --looks 3

Stickers are drawn with the project's own caption font on walls made in code: digits 20 to 40 px
high before the sheet is turned by up to 30 degrees about both axes, blur up to sigma 1.2 px,
sensor noise, JPEG quality 60. Numbers are of the form 139 0000 xxxx, which nobody owns; runs of
equal digits are the hardest a reader of characters can be given. With ``--folder`` photos with a
``truth.csv`` (columns ``file``, ``phone``) are read instead. The rate comes
with its 95 % Wilson interval.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.detectors.base import Detection, Look
from edge.detectors.text import TextDetector
from edge.geometry import Box
from edge.scenes.wording import phone_number
from edge.streams.frame import Frame, Image

SIZE = (960, 540)
_WORDS = (
    "办证 刻章",
    "专业开锁",
    "疏通下水道",
    "贷款 无抵押",
    "高价回收",
    "搬家 拉货",
    "招聘 日结",
)
_PAPERS = ((250, 248, 240), (40, 220, 250), (60, 60, 220), (250, 250, 250), (170, 220, 240))
_INKS = ((30, 26, 24), (30, 26, 24), (250, 250, 250), (30, 30, 180), (140, 40, 30))
_LAYOUTS = ("{0}{1}{2}", "{0}-{1}-{2}", "{0} {1} {2}", "电话{0}{1}{2}", "{0}.{1}.{2}")
_SUPER = 3


@dataclass(frozen=True)
class Sticker:
    """One drawn sticker seen on some looks.

    Attributes:
        number: digits only.
        digit_px: height of the digits seen from the front.
        looks: the pictures, BGR.
    """

    number: str
    digit_px: float
    looks: tuple[Image, ...]


def font(size: int) -> ImageFont.FreeTypeFont:
    """The caption font."""
    with as_file(files("edge.cases") / "fonts" / "NotoSansSC-subset.otf") as path:
        return ImageFont.truetype(str(path), size)


def paper(number: str, digit_px: float, rng: np.random.Generator) -> Image:
    """The flat sheet, ``_SUPER`` times as large as it will be seen."""
    face = font(100)
    _, top, _, bottom = face.getbbox("0123456789")
    face = font(max(round(100 * digit_px * _SUPER / (bottom - top)), 8))
    line = str(rng.choice(_LAYOUTS)).format(number[:3], number[3:7], number[7:])
    word = str(rng.choice(_WORDS))
    style = int(rng.integers(len(_PAPERS)))
    step = digit_px * _SUPER
    width = int(max(face.getlength(line), face.getlength(word)) + 2 * step)
    sheet = Pillow.new("RGB", (width, int(4.2 * step)), _PAPERS[style])
    draw = ImageDraw.Draw(sheet)
    for text, middle in ((word, 1.2), (line, 2.9)):
        bold = int(rng.integers(0, 3))
        draw.text((width / 2, middle * step), text, _INKS[style], face, "mm", stroke_width=bold)
    return np.asarray(sheet, np.uint8)


def wall(rng: np.random.Generator) -> Image:
    """Rough plaster or bricks under uneven light."""
    width, height = SIZE
    ground = np.full((height, width, 3), rng.integers(60, 200, 3), np.float32)
    if rng.random() < 0.5:
        brick_w, brick_h = int(rng.integers(40, 90)), int(rng.integers(16, 34))
        for row, y in enumerate(range(0, height, brick_h)):
            ground[y : y + 2] *= 0.75
            for x in range(-(row % 2) * brick_w // 2, width, brick_w):
                ground[y : y + brick_h, max(x, 0) : max(x + 2, 0)] *= 0.75
    for blur, strength in ((2, 25.0), (25, 350.0)):
        rough = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), blur)
        ground += strength * rough[..., None]
    light = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), width, dtype=np.float32)
    return np.clip(ground * light[None, :, None], 0, 255).astype(np.uint8)


def turned(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Corners of a sheet of that size turned up to 30 degrees about both axes, rolled up to 6."""
    yaw, pitch = np.radians(rng.uniform(-30, 30, 2))
    roll = math.radians(rng.uniform(-6, 6))
    far = 4.0 * width
    corners = []
    for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        px, py = x * width, y * height
        px, py = (
            px * math.cos(roll) - py * math.sin(roll),
            px * math.sin(roll) + py * math.cos(roll),
        )
        pz = px * math.sin(yaw) + py * math.sin(pitch)
        px, py = px * math.cos(yaw), py * math.cos(pitch)
        corners.append((far * px / (far + pz), far * py / (far + pz)))
    return np.array(corners, np.float32)


def draw_sticker(rng: np.random.Generator, digits: tuple[float, float], looks: int) -> Sticker:
    """A sticker on a wall, seen on several looks with their own blur and noise."""
    number = f"1390000{rng.integers(0, 10000):04d}"
    digit_px = float(rng.uniform(*digits))
    sheet = paper(number, digit_px, rng)
    height, width = sheet.shape[:2]
    corners = turned(round(width / _SUPER), round(height / _SUPER), rng)
    corners -= corners.min(axis=0)
    room = np.maximum(np.array(SIZE) - corners.max(axis=0) - 20, 1)
    corners += (10 + rng.uniform(0, 1, 2) * room).astype(np.float32)
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    warp = cv2.getPerspectiveTransform(flat, corners * _SUPER)
    large = (SIZE[0] * _SUPER, SIZE[1] * _SUPER)
    ground = cv2.resize(wall(rng), large, interpolation=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), warp, large)
    placed = cv2.warpPerspective(sheet, warp, large, flags=cv2.INTER_LINEAR)
    ground[mask > 127] = (placed[mask > 127] * rng.uniform(0.7, 1.0)).astype(np.uint8)
    clean = cv2.resize(ground, SIZE, interpolation=cv2.INTER_AREA)
    return Sticker(number, digit_px, tuple(seen(clean, rng) for _ in range(looks)))


def seen(clean: Image, rng: np.random.Generator) -> Image:
    """As a camera sends it: shaken a little, blurred, noisy, JPEG 60."""
    move = np.array([[1, 0, rng.uniform(-0.5, 0.5)], [0, 1, rng.uniform(-0.5, 0.5)]])
    picture = cv2.warpAffine(clean, move, SIZE, borderMode=cv2.BORDER_REPLICATE)
    sigma = rng.uniform(0, 1.2)
    if sigma > 0.1:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    noisy = picture + rng.normal(0, rng.uniform(1, 6), picture.shape)
    _, data = cv2.imencode(
        ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60]
    )
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def stickers(options: argparse.Namespace) -> Iterator[Sticker]:
    """Drawn stickers, or the photos of a folder."""
    if options.folder is None:
        rng = np.random.default_rng(options.seed)
        for _ in range(options.stickers):
            yield draw_sticker(rng, tuple(options.digits), options.looks)
        return
    with (options.folder / "truth.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            picture = cv2.imread(str(options.folder / row["file"]), cv2.IMREAD_COLOR)
            yield Sticker(row["phone"], float(row.get("font_px") or 0), (picture,) * options.looks)


def read_number(found: tuple[Detection, ...]) -> str | None:
    """The number a reading shows, lines from the top."""
    lines = sorted(found, key=lambda d: d.box.y0)
    alone = [n for d in lines if (n := phone_number(d.text or "")) is not None]
    return alone[0] if alone else phone_number(" ".join(d.text or "" for d in lines))


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a rate."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.96, right / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stickers", type=int, default=200)
    parser.add_argument("--looks", type=int, default=1, help="looks at each sticker")
    parser.add_argument("--digits", type=float, nargs=2, default=(20, 40), metavar="PX")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--wrong", type=Path, help="folder for the pictures read wrongly")
    options = parser.parse_args()
    detector = TextDetector({"bench": (Box(0, 0, 1, 1),)}, every_s=1, min_score=0.6)
    right = missed = number = 0
    seconds: list[float] = []
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number, sticker in enumerate(stickers(options), 1):
        started, got = time.perf_counter(), None
        for look, picture in enumerate(sticker.looks):
            at = began + timedelta(seconds=number * 1000 + look * 10)
            (found,) = detector.detect([Look(Frame("bench", at, picture, "key_frame", look))])
            got = read_number(found)
        seconds.append((time.perf_counter() - started) / len(sticker.looks))
        right += got == sticker.number
        missed += got is None
        if got != sticker.number:
            lines = [(d.text, round(d.score, 2)) for d in found]
            print(f"{sticker.digit_px:4.0f} px  {sticker.number}  read {got}  {lines}")
            if options.wrong:
                options.wrong.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.wrong / f"{number:04d}-{sticker.number}.png"), picture)
    low, high = wilson(right, number)
    result = {
        "stickers": number, "looks": options.looks, "exact": round(right / max(number, 1), 4),
        "interval_95": [round(low, 4), round(high, 4)], "no_number": missed,
        "wrong_number": number - right - missed,
        "ms_per_look_median": round(1000 * float(np.median(seconds))),
        "ms_per_look_worst": round(1000 * max(seconds)),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
