"""Rubbish left behind: tied plastic bags and a carton."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from _camera import Floats, Frame, ground
from _canvas import Canvas, Colour, Layer

Mask = npt.NDArray[np.bool_]

_SIZE = 240  # a bag is rendered so many pixels wide, then shrunk to its place
_LIGHT = np.array([-0.35, -0.62, 0.70])
_CARTON: Colour = (104, 150, 186)


def pile(plaza: Frame, left: float, bottom: float) -> Layer:
    """Three bags and a carton, ``left`` and ``bottom`` in picture pixels."""
    canvas = Canvas((int(left) - 40, int(bottom) - 90, int(left) + 190, int(bottom) + 30))
    bags = (
        (left + 34, bottom - 12, 46, bag(5, (30, 29, 29), gloss=230)),
        (left - 2, bottom - 1, 54, bag(3, (34, 31, 30), gloss=240)),
        (left + 46, bottom + 2, 50, bag(11, (128, 74, 34), gloss=135)),
    )
    for x, y, width, _ in bags:
        _ground_shadow(canvas, x + width / 2, y - 4, width / 2 * 1.05)
    corner = ground(left + 90, bottom - 4)
    box = carton(canvas, corner)
    canvas.shadow(box, 0.5, 4)
    canvas.shadow(box, 0.45, 1.5)
    for x, y, width, picture in bags:
        canvas.picture(picture, x, y, width)
    return canvas.finish(plaza, seed=12)


def _ground_shadow(canvas: Canvas, u: float, v: float, half_px: float) -> None:
    x, y = ground(u, v)
    half = half_px * (ground(u + 1, v)[0] - x)
    ring = [
        (x + half * np.cos(t), y + half * 0.8 * np.sin(t), 0.0)
        for t in np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ]
    canvas.shadow(ring, 0.42, 5)
    canvas.shadow(ring, 0.5, 1.8)


def carton(
    canvas: Canvas,
    corner: tuple[float, float],
    *,
    turn: float = 0.32,
    size: tuple[float, float, float] = (0.62, 0.46, 0.52),
    base: float = 0.0,
) -> list[tuple[float, float, float]]:
    """A cardboard box with tape, turned a little; returns its outline on the ground.

    ``base`` is how high above the ground it stands, in metres.
    """
    wide, deep, tall = size
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-np.sin(turn), np.cos(turn)])

    def at(a: float, c: float, z: float) -> tuple[float, float, float]:
        x, y = np.array(corner) + a * along + c * across
        return float(x), float(y), base + z

    canvas.face([at(0, 0, 0), at(0, deep, 0), at(0, deep, tall), at(0, 0, tall)], _CARTON, 0.55)
    canvas.face([at(0, 0, 0), at(wide, 0, 0), at(wide, 0, tall), at(0, 0, tall)], _CARTON, 0.72)
    for z in np.linspace(0, tall * 0.3, 8):  # darker towards the ground
        low = [at(0, 0, z), at(wide, 0, z), at(wide, 0, z + 0.03), at(0, 0, z + 0.03)]
        canvas.face(low, _CARTON, 0.60 + 0.12 * z / (tall * 0.3))
    canvas.face([at(0, 0, tall), at(wide, 0, tall), at(wide, deep, tall), at(0, deep, tall)],
                _CARTON, 1.06)  # fmt: skip
    middle, tape = deep / 2, (150, 178, 196)
    ends = ((0, -0.035), (wide, -0.035), (wide, 0.035), (0, 0.035))
    strip = [at(a, middle + c, tall) for a, c in ends]
    canvas.face(strip, tape, 1.05)
    canvas.line([at(0, middle, tall), at(wide, middle, tall)], (70, 100, 128), 0.6)
    flap = [at(0, 0, tall), at(wide, 0, tall), at(wide * 0.97, -0.16, tall - 0.10),
            at(wide * 0.03, -0.16, tall - 0.10)]  # fmt: skip
    canvas.face(flap, _CARTON, 0.92)
    print_at = [at(wide * 0.60, 0, 0.10), at(wide * 0.88, 0, 0.10), at(wide * 0.88, 0, 0.22),
                at(wide * 0.60, 0, 0.22)]  # fmt: skip
    canvas.face(print_at, (70, 96, 122), 0.9)
    return [at(0, 0, 0), at(wide, 0, 0), at(wide, deep, 0), at(0, deep, 0)]


def bag(seed: int, colour: Colour, *, gloss: float) -> Floats:
    """A tied plastic bag, BGRA: a crumpled height field under an overcast sky."""
    rng = np.random.default_rng(seed)
    size = _SIZE
    ys, xs = np.mgrid[:size, :size].astype(np.float32) / size * 2 - 1
    v = (ys - 0.16) / 0.82
    angle = np.arctan2(v, xs)
    outline = sum(
        rng.uniform(0.008, 0.028) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in range(2, 10)
    )
    squat = np.where(v > 0, np.abs(v) ** 3.4, np.abs(v) ** 1.8)  # flat where it rests
    radius = np.sqrt(np.abs(xs / 0.96) ** 2.3 + squat) * (1 + outline)
    body = radius < 1
    height = np.sqrt(np.clip(1 - radius**2, 0, 1)) * 0.8 + _crumple(rng, xs, ys)
    neck, fan = _knot(rng, xs, ys)
    height = np.where(neck | fan, 0.5 + 0.10 * np.sin(xs * 70 + ys * 14), height)
    slope_y, slope_x = np.gradient(height.astype(np.float32), 2 / size)
    normal = np.dstack((-slope_x, -slope_y, np.ones_like(slope_x)))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    # The picture's axes: right, down, and towards the camera, which looks down on the bag.
    lit = np.clip(normal @ np.array([_LIGHT[0], -_LIGHT[2], 0.45]), 0, None)
    sky = np.clip(-normal[..., 1] * 0.55 + normal[..., 2] * 0.45, 0, 1)
    shine = np.clip((lit - 0.72) / 0.4, 0, 1) ** 2 + 0.30 * sky**4
    grounded = np.clip(1.15 - np.clip(v, 0, 1) ** 2 * 0.55, 0.45, 1.1)
    base = np.array(colour, np.float32)
    pixels = base * (0.45 + 0.75 * lit)[..., None] + (gloss * shine)[..., None]
    pixels *= grounded[..., None]
    alpha = cv2.GaussianBlur(((body | neck | fan) * 255).astype(np.float32), (0, 0), 1.6)
    upright = np.dstack((np.clip(pixels, 4, 240), alpha)).astype(np.float32)
    return np.asarray(cv2.resize(upright, (size, round(size * 0.88))), np.float32)


def _crumple(rng: np.random.Generator, xs: Floats, ys: Floats) -> Floats:
    """Folds that run out from the knot, and creases without direction."""
    angle = np.arctan2(ys + 0.72, xs)
    far = np.hypot(xs, ys + 0.72)
    folds = np.zeros_like(xs)
    for n in (7, 11, 17):
        folds += np.abs(np.sin(n * angle / 2 + rng.uniform(0, 6.3) + 0.8 * far)) / n
    creases = np.zeros_like(xs)
    for blur, weight in ((16, 0.55), (8, 0.30), (4, 0.12)):
        noise = cv2.GaussianBlur(rng.normal(0, 1, xs.shape).astype(np.float32), (0, 0), blur)
        creases += weight * np.abs(noise / noise.std())
    return np.asarray(-0.20 * folds * np.clip(1.5 - far, 0.1, 1) - 0.10 * creases, np.float32)


def _knot(rng: np.random.Generator, xs: Floats, ys: Floats) -> tuple[Mask, Mask]:
    """The pinched neck and the ruffled end above it, as masks."""
    lean = rng.uniform(-0.12, 0.12)
    x = xs - lean * (-ys)
    neck = (np.abs(x) < 0.10 + 0.5 * np.clip(ys + 0.62, 0, 1)) & (ys > -0.74) & (ys < -0.5)
    edge = -0.90 + 0.05 * np.sin(x * 38 + lean * 30)
    fan = (np.abs(x) < 0.08 + 0.50 * np.clip(-0.70 - ys, 0, 1)) & (ys < -0.70) & (ys > edge)
    return neck, fan
