"""More of what is sold on the street, drawn in metres: carts, racks, baskets, buckets."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from _demo import SAMPLES, Canopy, Canvas, Colour, Place, fruits, heap, project
from _goods import CLOTHS
from _sprites import Sprite, from_canvas

_WINDOW = (240, 60, 768, 560)
_LEFT = (440.0, 452.0)
_WOOD: Colour = (92, 132, 168)
_STEEL: Colour = (176, 178, 180)
_DARK: Colour = (44, 42, 42)


def _place(wide: float = 150) -> Place:
    return Place(_LEFT, (_LEFT[0] + wide, _LEFT[1]))


def _done(canvas: Canvas, place: Place, base: tuple[float, float], what: str) -> Sprite:
    """The sprite; it stands on the middle of what its base covers."""
    ((u, v),) = project([place.at(base[0], base[1] * 0.6, 0.0)])
    return from_canvas(canvas, (float(u), float(v)), base, what)


def _wheel(canvas: Canvas, place: Place, along: float, across: float, radius: float) -> None:
    for r, tint in ((radius, _DARK), (radius * 0.82, (130, 132, 134)), (radius * 0.7, _DARK)):
        ring = [
            place.at(along + r * np.cos(t), across, radius + r * np.sin(t))
            for t in np.linspace(0, 2 * np.pi, 24)
        ]
        canvas.face(ring, tint)


@cache
def snack_cart(
    colour: Colour = (60, 70, 190), cloth: str = "rainbow", *, roof: bool = True
) -> Sprite:
    """A snack seller's pushcart: a box on wheels, a glass case, a pan, a roof on posts."""
    canvas, place = Canvas(_WINDOW), _place()
    long, deep = 1.5, 0.8
    _wheel(canvas, place, 0.35, 0.7, 0.3)
    place.block(canvas, (0, long), (0.05, deep), (0.3, 0.85), colour)
    panel = [place.at(a, 0.05, z) for a, z in ((0.1, 0.4), (1.4, 0.4), (1.4, 0.75), (0.1, 0.75))]
    canvas.face(panel, (205, 225, 235), 0.95)
    place.block(canvas, (-0.03, long + 0.03), (0.0, deep + 0.05), (0.85, 0.90), _STEEL)
    place.block(canvas, (0.05, 0.7), (0.3, 0.75), (0.90, 1.35), (196, 190, 176))
    for z in (0.98, 1.14):
        for a in np.linspace(0.1, 0.58, 5):
            place.block(canvas, (a, a + 0.08), (0.30, 0.34), (z, z + 0.08), (60, 130, 200))
    pan = [
        place.at(1.08 + 0.26 * np.cos(t), 0.42 + 0.24 * np.sin(t), 0.96)
        for t in np.linspace(0, 2 * np.pi, 24)
    ]
    canvas.face(pan, (50, 48, 46))
    _wheel(canvas, place, 0.35, 0.05, 0.3)
    _wheel(canvas, place, 1.2, 0.05, 0.3)
    if roof:
        for a in (0.05, long - 0.05):
            canvas.line([place.at(a, 0.4, 0.9), place.at(a, 0.4, 2.0)], _STEEL, 2.0)
        x, y, _ = place.at(long / 2, 0.4, 0)
        Canopy((x, y), radius=0.95, rim=1.95, cloth=CLOTHS[cloth]).paint(canvas)
    return _done(canvas, place, (0.75, 0.45), "snack cart drawn")


@cache
def clothes_rack(seed: int = 1, long: float = 1.8) -> Sprite:
    """A rail on feet with clothes on hangers, side by side."""
    canvas, place = Canvas(_WINDOW), _place(160)
    rng = np.random.default_rng(seed)
    for a in (0.0, long):
        canvas.line([place.at(a, 0.0, 0.0), place.at(a, 0.5, 0.0)], _STEEL, 1.8)
        canvas.line([place.at(a, 0.25, 0.0), place.at(a, 0.25, 1.6)], _STEEL, 1.8)
    canvas.line([place.at(0, 0.25, 1.6), place.at(long, 0.25, 1.6)], _STEEL, 2.0)
    for a in np.arange(0.08, long - 0.16, 0.12):
        tint = tuple(float(t) for t in rng.uniform(30, 230, 3))
        drop, wide = rng.uniform(0.6, 1.05), rng.uniform(0.14, 0.2)
        shape = ((0, 1.52), (wide, 1.52), (wide * 1.15, 1.52 - drop), (-wide * 0.15, 1.52 - drop))
        canvas.face(
            [place.at(a + x, 0.2, z) for x, z in shape],
            (tint[0], tint[1], tint[2]),
            float(rng.uniform(0.7, 1.05)),
        )
    return _done(canvas, place, (long / 2, 0.3), "clothes rack drawn")


@cache
def baskets(count: int = 2, seed: int = 1) -> Sprite:
    """Wicker baskets of fruit on the ground, a carrying pole across them."""
    canvas, place = Canvas(_WINDOW), _place(170)
    piece = fruits(SAMPLES)
    for number in range(count):
        left = number * 0.8
        ring = [
            place.at(left + 0.3 + 0.32 * np.cos(t), 0.3 + 0.3 * np.sin(t), 0.34)
            for t in np.linspace(0, 2 * np.pi, 28)
        ]
        foot = [
            place.at(left + 0.3 + 0.24 * np.cos(t), 0.3 + 0.22 * np.sin(t), 0.0)
            for t in np.linspace(np.pi, 2 * np.pi, 14)
        ]
        rim = [
            place.at(left + 0.3 + 0.32 * np.cos(t), 0.3 + 0.3 * np.sin(t), 0.34)
            for t in np.linspace(2 * np.pi, np.pi, 14)
        ]
        canvas.face(foot + rim, _WOOD, 0.72)
        for z in (0.1, 0.2, 0.28):
            canvas.line(
                [place.at(left + 0.05 + 0.5 * s, 0.02, z) for s in (0, 1)], (60, 92, 120), 0.7
            )
        canvas.face(ring, (60, 84, 104))
        heap(canvas, partial(_in, place, left + 0.06, 0.08, 0.26, 0.48), piece[(number + seed) % 4])
    canvas.line([place.at(0.1, 0.75, 0.03), place.at(0.8 * count, 0.7, 0.03)], (90, 140, 180), 2.2)
    return _done(
        canvas, place, (0.4 * count, 0.35), "baskets drawn; fruit cut from OpenCV's samples"
    )


@cache
def flower_buckets(columns: int = 4, seed: int = 1) -> Sprite:
    """Buckets of cut flowers in two rows, the far one on a bench."""
    canvas, place = Canvas(_WINDOW), _place(160)
    rng = np.random.default_rng(seed)
    for across, base in ((0.55, 0.35), (0.05, 0.0)):
        if base:
            place.block(canvas, (0, columns * 0.42), (0.5, 0.95), (0.0, base), _WOOD)
        for number in range(columns):
            a = number * 0.42 + 0.04
            blue = float(rng.uniform(60, 190))
            place.block(canvas, (a, a + 0.28), (across, across + 0.28), (base, base + 0.34),
                        (blue, 120.0, 90.0))  # fmt: skip
            bloom = tuple(float(t) for t in rng.uniform((40, 40, 150), (220, 200, 250)))
            for _ in range(46):
                x, c, z = rng.normal((a + 0.14, across + 0.14, base + 0.52), (0.09, 0.07, 0.09))
                s = rng.uniform(0.02, 0.045)
                petal = [
                    place.at(x + s * np.cos(t), c, z + s * np.sin(t)) for t in (0.2, 1.8, 3.3, 4.9)
                ]
                green = rng.random() < 0.35
                tint = (50.0, 130.0, 60.0) if green else (bloom[0], bloom[1], bloom[2])
                canvas.face(petal, tint, float(rng.uniform(0.7, 1.1)))
    return _done(canvas, place, (columns * 0.21, 0.45), "flower buckets drawn")


@cache
def folding_table(seed: int = 1, long: float = 1.5, cloth: Colour = (120, 40, 40)) -> Sprite:
    """A folding table under a cloth, with rows of small things on it."""
    canvas, place = Canvas(_WINDOW), _place(140)
    rng = np.random.default_rng(seed)
    place.block(canvas, (0, long), (0, 0.65), (0.3, 0.74), cloth)
    for a in (0.05, long - 0.05):
        canvas.line([place.at(a, 0.02, 0.0), place.at(a, 0.02, 0.32)], _STEEL, 2.0)
    for across in (0.45, 0.25, 0.05):
        for a in np.arange(0.06, long - 0.14, 0.15):
            tint = tuple(float(t) for t in rng.uniform(25, 235, 3))
            high = 0.74 + rng.uniform(0.03, 0.2)
            place.block(canvas, (float(a), float(a) + 0.11), (across, across + 0.12), (0.74, high),
                        (tint[0], tint[1], tint[2]))  # fmt: skip
    return _done(canvas, place, (long / 2, 0.35), "folding table with small goods drawn")


@cache
def suitcase(colour: Colour = (150, 60, 40)) -> Sprite:
    """A traveller's case on wheels; beside its owner it is nothing to report."""
    canvas, place = Canvas(_WINDOW), _place(60)
    place.block(canvas, (0, 0.42), (0, 0.26), (0.05, 0.68), colour)
    canvas.line([place.at(0.1, 0.2, 0.68), place.at(0.1, 0.2, 0.98)], _DARK, 1.2)
    canvas.line([place.at(0.3, 0.2, 0.68), place.at(0.3, 0.2, 0.98)], _DARK, 1.2)
    canvas.line([place.at(0.1, 0.2, 0.98), place.at(0.3, 0.2, 0.98)], _DARK, 1.6)
    return _done(canvas, place, (0.21, 0.15), "suitcase drawn")


def _in(
    place: Place, along: float, across: float, up: float, wide: float, *spot: float
) -> tuple[float, float, float]:
    a, c, z = spot
    return place.at(along + a * wide, across + c * wide, up + z)
