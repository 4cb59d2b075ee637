"""A small ad: wording and an invented phone number on paper, pasted to a wall."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from _camera import Floats, Frame
from _canvas import Layer
from PIL import Image, ImageDraw, ImageFont

Ink = tuple[int, int, int]

_SUPER = 6
_PAPER = (236, 226, 196)  # RGB
_INKS = ((172, 28, 24), (24, 22, 26))


def paper(
    lines: tuple[str, str],
    font: Path,
    width: int,
    height: int,
    *,
    ground: Ink = _PAPER,
    inks: tuple[Ink, Ink] = _INKS,
    seed: int = 5,
) -> Floats:
    """The sheet, BGRA, six times as large: creased, a corner torn off."""
    w, h = width * _SUPER, height * _SUPER
    image = Image.new("RGB", (w, h), ground)
    draw = ImageDraw.Draw(image)
    for line, ink, middle, share in zip(lines, inks, (0.29, 0.73), (0.80, 0.93), strict=True):
        face = ImageFont.truetype(str(font), 100)
        face = ImageFont.truetype(str(font), int(100 * w * share / face.getlength(line)))
        draw.text((w / 2, h * middle), line, font=face, fill=ink, anchor="mm", stroke_width=2)
    sheet = np.asarray(image, np.float32)[..., ::-1].copy()
    rng = np.random.default_rng(seed)
    for blur, strength in ((70, 900.0), (14, 60.0)):
        noise = cv2.GaussianBlur(rng.normal(0, 1, (h, w)).astype(np.float32), (0, 0), blur)
        sheet += strength * noise[..., None]
    for crease in (0.34, 0.68):  # it was folded in a pocket
        x = int(w * crease)
        sheet[:, x : x + 5] *= 0.90
        sheet[:, x + 5 : x + 10] *= 1.05
    alpha = np.full((h, w), 255, np.float32)
    torn = [(w, h), (w - h // 5, h), (w - h // 6, h - h // 14), (w - h // 14, h - h // 9),
            (w, h - h // 4)]  # fmt: skip
    cv2.fillPoly(alpha, [np.array(torn, np.int32)], 0.0)
    return np.dstack((np.clip(sheet, 0, 255), alpha)).astype(np.float32)


def pasted(sheet: Floats, wall: Frame, corners: list[tuple[float, float]]) -> Layer:
    """The sheet in perspective on a view of the wall; the wall's roughness shows through."""
    h, w = sheet.shape[:2]
    size = (wall.shape[1], wall.shape[0])
    flat = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    # First only as large as it will be, else the warp would skip most of its pixels.
    small = cv2.resize(sheet, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    warp = cv2.getPerspectiveTransform(flat / 2, np.array(corners, np.float32) * 3)
    large = cv2.warpPerspective(small, warp, (size[0] * 3, size[1] * 3), flags=cv2.INTER_LINEAR)
    there = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    there = cv2.GaussianBlur(there, (0, 0), 0.6)
    alpha = np.clip(there[..., 3] / 255, 0, 1)
    colour = there[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    grey = cv2.cvtColor(wall, cv2.COLOR_BGR2GRAY).astype(np.float32)
    rough = grey / np.maximum(cv2.GaussianBlur(grey, (0, 0), 9), 1)
    colour = np.clip(colour * 0.88 * (0.72 + 0.28 * rough[..., None]), 0, 255)
    shade = cv2.GaussianBlur(alpha, (0, 0), 2.0)
    shade = np.roll(shade, (2, 1), (0, 1)) * 0.40 * (1 - alpha)
    return Layer((0, 0), colour.astype(np.float32), alpha, shade)
