"""Drawn banners (条幅) hung on photographs: no labelled set of them has a licence that fits."""

from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np
from data import Picture, Sample
from PIL import Image, ImageDraw, ImageFont

_FONT = Path(__file__).resolve().parents[2] / "edge/cases/fonts/NotoSansSC-subset.otf"
_LETTERS = (
    "城市管理市民文明单位公共安全生产经营活动大优惠开业特价招租出售欢迎光临热烈庆祝全场新店会员电话"
)
_CLOTH = ((30, 20, 190), (20, 20, 215), (40, 40, 160), (150, 90, 20), (30, 130, 30), (20, 170, 225))
_INK = ((40, 230, 250), (245, 245, 245), (245, 245, 245), (30, 30, 30))


def _banner(rng: random.Random) -> Picture:
    height = 60
    letters = rng.randrange(6, 18)
    width = int(height * letters * rng.uniform(0.8, 1.1)) + 40
    cloth = np.full((height, width, 3), rng.choice(_CLOTH), np.uint8)
    picture = Image.fromarray(cloth)
    font = ImageFont.truetype(str(_FONT), rng.randrange(34, 48))
    text = "".join(rng.choice(_LETTERS) for _ in range(letters))
    ImageDraw.Draw(picture).text((20, 4), text, fill=rng.choice(_INK), font=font)
    drawn = np.asarray(picture).astype(np.float32)
    folds = np.sin(np.linspace(0, rng.uniform(3, 12), width) + rng.uniform(0, 6))
    return (drawn * (1 + 0.12 * folds[None, :, None])).clip(0, 255).astype(np.uint8)


def hung(sample: Sample, kind: int, rng: random.Random) -> Sample:
    """The sample with one banner more: long, seen at an angle, sagging between its strings."""
    picture = sample.picture.copy()
    height, width = picture.shape[:2]
    banner = _banner(rng)
    h, w = banner.shape[:2]
    length = rng.uniform(0.25, 0.85) * width
    high = length * h / w
    x, y = rng.uniform(0, width - length), rng.uniform(0.05, 0.75) * height
    slope = rng.uniform(-0.12, 0.12) * length
    tall = rng.uniform(0.75, 1.3)
    corners = np.float32(
        [(x, y), (x + length, y + slope), (x + length, y + slope + high * tall), (x, y + high)]
    )
    warp = cv2.getPerspectiveTransform(np.float32([(0, 0), (w, 0), (w, h), (0, h)]), corners)
    laid = cv2.warpPerspective(banner, warp, (width, height), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), warp, (width, height))
    alpha = cv2.GaussianBlur(mask, (3, 3), 0)[..., None] / 255.0
    light = float(np.clip(picture.mean() / 125, 0.4, 1.2))
    picture = (laid * light * alpha + picture * (1 - alpha)).clip(0, 255).astype(np.uint8)
    box = [*corners.min(0).clip(0), *np.minimum(corners.max(0), (width, height))]
    hidden = _covered(sample.boxes, np.array(box))
    return Sample(
        picture,
        np.vstack((sample.boxes[~hidden], np.array([box], np.float32))).astype(np.float32),
        np.append(sample.kinds[~hidden], kind),
    )


def _covered(boxes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Signs of which the banner hides more than half are no longer there to be found."""
    low, high = np.maximum(boxes[:, :2], by[:2]), np.minimum(boxes[:, 2:], by[2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return (high - low).clip(0).prod(1) > 0.5 * area
