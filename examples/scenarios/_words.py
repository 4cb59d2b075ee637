"""Wording on paper, cloth and boards, in the project's own font."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from _demo import FONT, Floats, Frame, paper, pasted
from PIL import Image, ImageDraw, ImageFont

Rgb = tuple[int, int, int]
Quad = list[tuple[float, float]]


def number(seed: int) -> str:
    """A phone number nobody has: 139 0000 and four digits."""
    return f"139 0000 {np.random.default_rng(seed).integers(0, 10000):04d}"


@cache
def words(text: str, *, height: int, ink: Rgb, ground: Rgb, pad: int = 20) -> Floats:
    """One line of wording on a plain ground, BGRA."""
    face = ImageFont.truetype(str(FONT), int(height * 0.66))
    width = int(face.getlength(text)) + 2 * pad
    image = Image.new("RGB", (width, height), ground)
    ImageDraw.Draw(image).text(
        (width / 2, height / 2), text, font=face, fill=ink, anchor="mm", stroke_width=1
    )
    sheet = np.asarray(image, np.float32)[..., ::-1]
    return np.dstack((sheet, np.full(sheet.shape[:2], 255, np.float32))).astype(np.float32)


@cache
def small_ad(
    line: str, phone: str, *, size: tuple[int, int] = (178, 78), ground: Rgb = (236, 226, 196),
    inks: tuple[Rgb, Rgb] = ((172, 28, 24), (24, 22, 26)), seed: int = 5,
) -> Floats:  # fmt: skip
    """The demo's sheet of paper with other wording and colours."""
    return paper((line, phone), FONT, *size, ground=ground, inks=inks, seed=seed)


@cache
def banner(text: str, *, ground: Rgb = (196, 22, 26), ink: Rgb = (250, 226, 60)) -> Floats:
    """A cloth banner (条幅): long, with folds and a sagging edge."""
    sheet = words(text, height=150, ink=ink, ground=ground, pad=90).copy()
    h, w = sheet.shape[:2]
    xs = np.linspace(0, 1, w, dtype=np.float32)
    folds = 1 + 0.07 * np.sin(xs * 61 + 2) + 0.05 * np.sin(xs * 23)
    sheet[..., :3] = np.clip(sheet[..., :3] * folds[None, :, None], 0, 255)
    ys, columns = np.mgrid[:h, :w].astype(np.float32)
    sag = 10 * np.sin(np.pi * columns / w) - 5
    waved = cv2.remap(sheet, columns, ys - sag, cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
    return np.asarray(waved, np.float32)


@cache
def qr_sticker(content: str, line: str) -> Floats:
    """A QR code on white paper over a line of wording."""
    code = cv2.QRCodeEncoder.create().encode(content)
    code = cv2.resize(code, (360, 360), interpolation=cv2.INTER_NEAREST)
    sheet = np.full((520, 440, 3), 244, np.float32)
    sheet[30:390, 40:400] = code[..., None]
    foot = words(line, height=96, ink=(20, 20, 20), ground=(244, 244, 244))
    foot = cv2.resize(foot, (420, 92), interpolation=cv2.INTER_AREA)
    sheet[412:504, 10:430] = foot[..., :3]
    return np.dstack((sheet, np.full(sheet.shape[:2], 255, np.float32))).astype(np.float32)


@cache
def board(
    title: str, line: str, *, ground: Rgb = (24, 70, 160), ink: Rgb = (250, 250, 250)
) -> Floats:
    """A shop's or an advertiser's board: a title, a smaller line, a frame."""
    upper = words(title, height=190, ink=ink, ground=ground, pad=60)
    width = upper.shape[1]
    lower = words(line, height=100, ink=ink, ground=ground, pad=40)
    share = min(1.0, (width - 20) / lower.shape[1])
    lower = cv2.resize(lower, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    sheet = np.empty((300, width, 4), np.float32)
    sheet[:] = (*ground[::-1], 255)
    sheet[6:196] = upper
    left = (width - lower.shape[1]) // 2
    sheet[196 : 196 + lower.shape[0], left : left + lower.shape[1]] = lower
    cv2.rectangle(sheet, (4, 4), (width - 5, 295), (210, 210, 206, 255), 7)
    return sheet


def on_wall(sheet: Floats, wall: Frame, corners: Quad) -> tuple[slice, slice, Floats, Floats]:
    """The sheet pasted to a wall: rows, columns, colour with alpha (BGRA), shade around it."""
    layer = pasted(sheet, wall, corners)
    colour, alpha, shade = layer.parts()
    xs, ys = np.array(corners).T
    h, w = wall.shape[:2]
    rows = slice(max(int(ys.min()) - 12, 0), min(int(ys.max()) + 13, h))
    columns = slice(max(int(xs.min()) - 12, 0), min(int(xs.max()) + 13, w))
    piece = np.dstack((colour, alpha * 255))[rows, columns]
    return rows, columns, piece.astype(np.float32), shade[rows, columns]
