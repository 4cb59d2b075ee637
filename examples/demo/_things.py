"""Things the recorded plaza lacks, drawn or cut out, as pictures with an alpha channel.

Everything here is made by this script, cut out of ``vtest.avi`` itself, or taken from the fruit
pictures of OpenCV's samples (Debian package ``opencv-doc``, Apache-2.0).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
"""``(height, width, 4)``: BGR and alpha."""

_SUPER = 4  # drawn so much larger, then shrunk: smooth edges


def _canvas(width: int, height: int) -> Picture:
    return np.zeros((height * _SUPER, width * _SUPER, 4), np.uint8)


def _shrunk(canvas: Picture) -> Picture:
    height, width = canvas.shape[:2]
    size = (width // _SUPER, height // _SUPER)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def umbrella(width: int, height: int) -> Picture:
    """A market umbrella: eight panels in two colours, scalloped rim, pole."""
    canvas = _canvas(width, height)
    w, h = width * _SUPER, height * _SUPER
    crown = int(h * 0.34)
    colours = [(52, 44, 196), (236, 238, 240)]
    pole = (w // 2 - w // 90, int(h * 0.1), w // 2 + w // 90, h - 1)
    cv2.rectangle(canvas, pole[:2], pole[2:], (150, 152, 156, 255), -1)
    edges = [int(w * (0.5 - 0.5 * np.cos(np.pi * i / 6))) for i in range(7)]
    for panel, (left, right) in enumerate(pairwise(edges)):
        shade = 0.72 + 0.28 * np.sin(np.pi * (panel + 1.2) / 7)
        colour = (*(float(c * shade) for c in colours[panel % 2]), 255.0)
        rim = [
            (left + (right - left) * t / 8, crown - abs(np.sin(np.pi * t / 8)) * h * 0.035)
            for t in range(9)
        ]
        top = (w / 2, h * 0.03)
        bow = [_bow(top, (right, crown), t / 8) for t in range(9)]
        back = [_bow(top, (left, crown), t / 8) for t in range(9)]
        points = np.array(back + rim + bow[::-1], np.int32)
        cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA)
    cv2.circle(canvas, (w // 2, int(h * 0.025)), w // 60, (60, 60, 70, 255), -1)
    return _shrunk(canvas)


def _bow(top: tuple[float, float], end: tuple[float, float], t: float) -> tuple[float, float]:
    """A rib: from the top outwards, bulging upwards."""
    x = top[0] + (end[0] - top[0]) * t
    y = top[1] + (end[1] - top[1]) * t**1.9
    return x, y


def table(width: int, height: int, samples: Path) -> Picture:
    """A trestle table with a cloth and crates of fruit."""
    canvas = _canvas(width, height)
    w, h = width * _SUPER, height * _SUPER
    top = int(h * 0.42)
    hem = int(h * 0.86)
    cloth = np.array([(0, top), (w - 1, top), (int(w * 0.97), hem), (int(w * 0.03), hem)])
    cv2.fillPoly(canvas, [cloth], (128, 84, 40, 255), cv2.LINE_AA)
    for fold in range(1, 9):
        x = int(w * fold / 9)
        cv2.line(canvas, (x, top), (x - w // 80, int(h * 0.86)), (100, 64, 28, 255), _SUPER * 2)
    for x in (0.08, 0.92):
        foot = (int(w * x), h)
        cv2.line(canvas, (foot[0], int(h * 0.85)), foot, (70, 72, 76, 255), _SUPER * 3)
    cv2.rectangle(canvas, (0, int(h * 0.38)), (w - 1, top), (176, 190, 200, 255), -1)
    _fruit(canvas, samples, w, int(h * 0.40))
    return _shrunk(canvas)


def _fruit(canvas: Picture, samples: Path, w: int, base: int) -> None:
    """Rows of oranges and apples, cut round from the sample pictures."""
    cuts = [_round_cut(samples / "orange.jpg", (0.12, 0.08, 0.9, 0.94)),
            _round_cut(samples / "apple.jpg", (0.08, 0.1, 0.9, 0.96))]  # fmt: skip
    size = int(w * 0.115)
    for row, lift in enumerate((0.0, 0.62)):
        for place in range(8 - row):
            cut = cuts[0 if place < 4 else 1]
            small = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
            x = int(w * 0.02 + (place + row * 0.5) * size * 1.05)
            _lay(canvas, small, x, base - size - int(size * lift))


def _round_cut(path: Path, share: tuple[float, float, float, float]) -> Picture:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: not there; install Debian's opencv-doc")
    h, w = image.shape[:2]
    x0, y0, x1, y1 = (int(s * d) for s, d in zip(share, (w, h, w, h), strict=True))
    cut = image[y0:y1, x0:x1]
    mask = np.zeros(cut.shape[:2], np.uint8)
    centre = (cut.shape[1] // 2, cut.shape[0] // 2)
    axes = (int(cut.shape[1] * 0.47), int(cut.shape[0] * 0.47))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    return np.dstack((cut, mask))


def _lay(canvas: Picture, piece: Picture, x: int, y: int) -> None:
    h, w = piece.shape[:2]
    x, y = max(x, 0), max(y, 0)
    part = canvas[y : y + h, x : x + w]
    piece = piece[: part.shape[0], : part.shape[1]]
    alpha = piece[..., 3:].astype(np.float32) / 255
    part[..., :3] = (part[..., :3] * (1 - alpha) + piece[..., :3] * alpha).astype(np.uint8)
    part[..., 3] = np.maximum(part[..., 3], piece[..., 3])


def rubbish_bag(width: int, height: int, *, seed: int, colour: tuple[int, int, int]) -> Picture:
    """A tied plastic bag: a crumpled blob with folds and highlights."""
    rng = np.random.default_rng(seed)
    w, h = width * _SUPER, height * _SUPER
    ys, xs = np.mgrid[:h, :w].astype(np.float32)
    u, v = (xs / w - 0.5) * 2, (ys / h - 0.56) * 2
    angle = np.arctan2(v, u)
    bumps = sum(
        rng.uniform(0.01, 0.05) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in range(2, 9)
    )
    inside = np.hypot(u / 0.95, v / 0.86) < 0.97 + bumps
    knot = np.hypot((u - 0.03) / 0.16, (v + 0.98) / 0.24) < 1
    noise = cv2.GaussianBlur(rng.normal(0, 1, (h, w)).astype(np.float32), (0, 0), w / 16)
    folds = cv2.GaussianBlur(rng.normal(0, 1, (h, w)).astype(np.float32), (0, 0), w / 40)
    light = 0.75 - 0.5 * v - 0.25 * u + 9 * noise + 4 * np.abs(folds)
    gloss = np.clip(noise * 14 - 0.75, 0, 1) * 120
    body = np.clip(np.array(colour, np.float32) * light[..., None] + gloss[..., None], 4, 245)
    mask = ((inside | knot) * 255).astype(np.uint8)
    return _shrunk(np.dstack((body.astype(np.uint8), mask)))


def carton(width: int, height: int) -> Picture:
    """A cardboard box with tape, seen a little from above."""
    canvas = _canvas(width, height)
    w, h = width * _SUPER, height * _SUPER
    lid = np.array([(w * 0.1, h * 0.02), (w * 0.92, 0), (w - 1, h * 0.22), (0, h * 0.25)], np.int32)
    sides = [(0, h * 0.25), (w - 1, h * 0.22), (w * 0.96, h - 1), (w * 0.03, h - 1)]
    front = np.array(sides, np.int32)
    cv2.fillPoly(canvas, [front], (84, 128, 168, 255), cv2.LINE_AA)
    cv2.fillPoly(canvas, [lid], (110, 158, 198, 255), cv2.LINE_AA)
    strip = [(w * 0.47, h * 0.01), (w * 0.55, h * 0.01), (w * 0.55, h * 0.5), (w * 0.46, h * 0.5)]
    tape = np.array(strip, np.int32)
    cv2.fillPoly(canvas, [tape], (150, 186, 208, 255), cv2.LINE_AA)
    at, ink = (int(w * 0.14), int(h * 0.78)), (50, 80, 110, 255)
    cv2.putText(canvas, "FRAGILE", at, cv2.FONT_HERSHEY_DUPLEX, w / 220, ink, _SUPER)
    return _shrunk(canvas)


def sticker(lines: list[str], font: Path, *, width: int, height: int) -> Picture:
    """A small ad: black wording on yellow paper, a little worn."""
    image = Image.new("RGBA", (width * _SUPER, height * _SUPER), (244, 222, 60, 255))
    draw = ImageDraw.Draw(image)
    step = height * _SUPER / (len(lines) + 0.35)
    for number, line in enumerate(lines):
        size = int(step * 0.86)
        face = ImageFont.truetype(str(font), size)
        while face.getlength(line) > width * _SUPER * 0.93:
            size -= 1
            face = ImageFont.truetype(str(font), size)
        x = (width * _SUPER - face.getlength(line)) / 2
        ink = (176, 20, 20) if number == 0 else (18, 18, 18)
        draw.text((x, number * step + step * 0.02), line, font=face, fill=ink)
    canvas = np.asarray(image, np.uint8)[:, :, [2, 1, 0, 3]].copy()
    wear = cv2.GaussianBlur(
        np.random.default_rng(5).normal(0, 1, canvas.shape[:2]).astype(np.float32), (0, 0), 18
    )
    canvas[..., :3] = np.clip(canvas[..., :3] + wear[..., None] * 160, 0, 255).astype(np.uint8)
    return _shrunk(canvas)


def person_cut(frame: npt.NDArray[np.uint8], ground: npt.NDArray[np.uint8],
               box: tuple[int, int, int, int], scale: float) -> Picture:  # fmt: skip
    """Somebody who walked through the recording, cut out against the empty plaza."""
    x0, y0, x1, y1 = box
    cut, empty = frame[y0:y1, x0:x1], ground[y0:y1, x0:x1]
    mask = np.full(cut.shape[:2], cv2.GC_PR_BGD, np.uint8)
    change = np.abs(cut.astype(np.int16) - empty).max(axis=2)
    mask[change > 26] = cv2.GC_PR_FGD
    mask[change > 70] = cv2.GC_FGD
    mask[:2], mask[-2:], mask[:, :2], mask[:, -2:] = (cv2.GC_BGD,) * 4
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(cut.copy(), mask, None, *models, 6, cv2.GC_INIT_WITH_MASK)
    alpha = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    alpha = cv2.GaussianBlur(cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((2, 2))), (3, 3), 0)
    size = (round(cut.shape[1] * scale), round(cut.shape[0] * scale))
    whole = np.dstack((cut, alpha))
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def lay(
    frame: npt.NDArray[np.uint8], piece: Picture, x: int, y: int, strength: float = 1.0
) -> None:
    """Composite a piece with its upper left corner at (x, y), cut at the picture's edges."""
    h, w = piece.shape[:2]
    left, top = max(-x, 0), max(-y, 0)
    part = frame[max(y, 0) : y + h, max(x, 0) : x + w]
    piece = piece[top : top + part.shape[0], left : left + part.shape[1]]
    alpha = piece[..., 3:].astype(np.float32) / 255 * strength
    part[:] = (part * (1 - alpha) + piece[..., :3] * alpha).astype(np.uint8)


def shadow(
    frame: npt.NDArray[np.uint8],
    centre: tuple[int, int],
    axes: tuple[int, int],
    dark: float = 0.45,
) -> None:
    """A soft contact shadow on the ground."""
    mask = np.zeros(frame.shape[:2], np.float32)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, dark, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), max(axes[1] / 2.5, 1.5))
    frame[:] = (frame * (1 - mask[..., None])).astype(np.uint8)
