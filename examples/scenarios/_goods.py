"""Stalls, goods and rubbish, drawn in metres with the demo's brushes."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from _demo import (
    SAMPLES,
    Canopy,
    Canvas,
    Colour,
    Place,
    bag,
    carton,
    fruits,
    ground,
    heap,
    project,
    table,
)
from _sprites import Sprite, from_canvas, joined

_WINDOW = (240, 60, 768, 560)
_LEFT, _RIGHT = (440.0, 452.0), (548.0, 452.0)
CLOTHS: dict[str, tuple[Colour, Colour]] = {
    "blue": ((158, 96, 44), (168, 100, 42)),
    "red": ((52, 46, 178), (206, 208, 212)),
    "green": ((84, 128, 52), (70, 112, 44)),
    "rainbow": ((60, 190, 220), (140, 70, 190)),
}
_FRUIT = "drawn; fruit cut from OpenCV's samples"


@cache
def stall(cloth: str = "blue", table_cloth: Colour = (74, 98, 38), *, roof: bool = True) -> Sprite:
    """A table with crates of fruit, under a market umbrella or under none."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, _RIGHT)
    x, y, _ = place.at(place.length / 2 - 0.2, 0.85, 0)
    if roof:
        canvas.line([(x, y, 0.02), (x, y, 2.2)], (150, 148, 146), 3.2)
    table(canvas, place, SAMPLES, depth=0.75, top=0.72, cloth=table_cloth)
    spare = Place(_pixel(place, -0.75, 0.25), _pixel(place, -0.2, 0.25))
    spare.block(canvas, (0.0, 0.5), (0.0, 0.36), (0.0, 0.30), (150, 92, 40))
    spare.block(canvas, (0.04, 0.5), (0.02, 0.36), (0.30, 0.56), (120, 164, 196))
    if roof:
        Canopy((x, y), radius=1.2, rim=2.15, cloth=CLOTHS[cloth]).paint(canvas)
    kind = f"{cloth} umbrella, table and crates" if roof else "table and crates"
    return from_canvas(canvas, ((_LEFT[0] + _RIGHT[0]) / 2, 446.0), (0.95, 0.5), f"{kind} {_FRUIT}")


@cache
def blanket(colour: Colour = (110, 60, 120), seed: int = 3) -> Sprite:
    """Goods laid out on a cloth on the ground: rows of small coloured things."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, (_LEFT[0] + 150, _LEFT[1]))
    long, deep = place.length, 1.25
    rng = np.random.default_rng(seed)
    edge = [
        place.at(a, c + 0.03 * np.sin(9 * a + seed), 0.01)
        for a, c in ((0, 0), (long / 3, 0), (2 * long / 3, 0), (long, 0), (long, deep), (0, deep))
    ]
    canvas.face(edge, colour, 0.95)
    for row in np.linspace(deep - 0.2, 0.15, 5):
        for along in np.linspace(0.15, long - 0.2, 9):
            a, c = rng.normal((along, row), 0.02)
            tint = tuple(float(t) for t in rng.uniform(30, 225, 3))
            w, d, h = rng.uniform(0.10, 0.18), rng.uniform(0.10, 0.16), rng.uniform(0.05, 0.16)
            place.block(canvas, (a, a + w), (c, c + d), (0.01, h), (tint[0], tint[1], tint[2]))
    return from_canvas(canvas, (_LEFT[0] + 75, 446.0), (0.1, 0.1), "blanket with goods drawn")


@cache
def tricycle(colour: Colour = (150, 90, 40)) -> Sprite:
    """A cargo tricycle seen from its side, its bed full of fruit."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, (_LEFT[0] + 150, _LEFT[1]))
    dark: Colour = (44, 42, 42)

    def wheel(along: float, across: float, radius: float) -> None:
        for r, tint in ((radius, dark), (radius - 0.05, (120, 122, 124)), (radius - 0.08, dark)):
            ring = [
                place.at(along + r * np.cos(t), across, radius + r * np.sin(t))
                for t in np.linspace(0, 2 * np.pi, 28)
            ]
            canvas.face(ring, tint)
        for t in np.linspace(0, np.pi, 7):
            spoke = [
                place.at(along + s * radius * np.cos(t), across, radius + s * radius * np.sin(t))
                for s in (-0.8, 0.8)
            ]
            canvas.line(spoke, (150, 152, 154), 0.5)

    wheel(0.42, 0.8, 0.31)
    place.block(canvas, (0.0, 1.15), (0.05, 0.8), (0.42, 0.50), (60, 60, 66))
    place.block(canvas, (0.0, 1.15), (0.05, 0.8), (0.50, 0.72), colour)
    piece = fruits(SAMPLES)
    for number, along in enumerate((0.04, 0.40, 0.76)):
        for across in (0.44, 0.08):
            place.block(
                canvas,
                (along, along + 0.33),
                (across, across + 0.32),
                (0.72, 0.80),
                (120, 164, 196),
            )
            heap(
                canvas,
                partial(_on_bed, place, along, across),
                piece[(number + int(across > 0.2)) % 4],
            )
    wheel(0.42, 0.02, 0.31)
    wheel(2.05, 0.42, 0.31)
    for a, b in (
        ((1.15, 0.5), (1.75, 0.5)),
        ((1.75, 0.5), (1.98, 0.95)),
        ((2.05, 0.31), (1.95, 1.0)),
        ((1.55, 0.5), (1.50, 0.82)),
    ):
        canvas.line([place.at(a[0], 0.42, a[1]), place.at(b[0], 0.42, b[1])], colour, 3.0)
    canvas.line([place.at(1.98, 0.15, 1.02), place.at(1.98, 0.70, 1.02)], dark, 2.2)
    place.block(canvas, (1.38, 1.62), (0.34, 0.50), (0.82, 0.88), dark)
    return from_canvas(
        canvas, (_LEFT[0] + 68, 446.0), (1.05, 0.45), f"cargo tricycle with crates {_FRUIT}"
    )


def _on_bed(place: Place, along: float, across: float, *spot: float) -> tuple[float, float, float]:
    a, c, up = spot
    return place.at(along + a * 0.33, across + c * 0.32, 0.80 + up)


@cache
def shop_goods(rows: int = 2, seed: int = 1) -> Sprite:
    """Crates and baskets a shop puts before its door."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, (_LEFT[0] + 130, _LEFT[1]))
    rng = np.random.default_rng(seed)
    piece = fruits(SAMPLES)
    for row in range(rows, 0, -1):
        near, high = 0.48 * (row - 1), 0.22 + 0.2 * (row - 1)
        for number, along in enumerate(np.linspace(0.0, place.length - 0.48, 3)):
            tint = (float(rng.uniform(90, 150)), float(rng.uniform(120, 170)), 190.0)
            place.block(canvas, (along, along + 0.44), (near, near + 0.44), (0.0, high), tint)
            at = partial(_in_box, place, float(along), near, high)
            heap(canvas, at, piece[(number + row + seed) % 4])
    return from_canvas(
        canvas, (_LEFT[0] + 65, 448.0), (0.95, 0.45), f"crates before a shop {_FRUIT}"
    )


def _in_box(
    place: Place, along: float, near: float, high: float, *spot: float
) -> tuple[float, float, float]:
    a, c, up = spot
    return place.at(along + a * 0.44, near + c * 0.44, high + up)


_BAGS: tuple[tuple[Colour, float], ...] = (
    ((30, 29, 29), 230.0),
    ((34, 31, 30), 240.0),
    ((128, 74, 34), 135.0),
    ((186, 188, 190), 60.0),
    ((70, 120, 60), 120.0),
)


@cache
def rubbish_bag(seed: int, tint: int = 0, wide_m: float = 0.62) -> Sprite:
    """One tied plastic bag."""
    colour, gloss = _BAGS[tint % len(_BAGS)]
    image = bag(seed, colour, gloss=gloss)
    scale = image.shape[1] / wide_m
    foot = (image.shape[1] / 2, image.shape[0] * 0.93)
    return Sprite(image, scale, foot, (wide_m / 2, wide_m * 0.38), "rubbish bag drawn")


@cache
def bags(count: int, seed: int = 1) -> Sprite:
    """A heap of bags, the near ones over the far ones."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(count):
        back = number < count // 2
        right = (number % max(count // 2, 1) - count / 4) * 0.52 + rng.normal(0, 0.05)
        sprite = rubbish_bag(seed * 10 + number, int(rng.integers(0, 5)), rng.uniform(0.5, 0.7))
        parts.append((sprite, float(right), -0.22 if back else 0.02))
    return joined(*parts, made_of="rubbish bags drawn")


@cache
def cartons(count: int = 4, seed: int = 2) -> Sprite:
    """Cardboard boxes, some upon others."""
    canvas = Canvas(_WINDOW)
    rng = np.random.default_rng(seed)
    spots = [
        (0.0, 0.55, 0.0),
        (0.7, 0.45, 0.0),
        (0.25, 0.0, 0.0),
        (0.9, -0.1, 0.0),
        (0.15, 0.5, 0.5),
        (0.8, 0.3, 0.46),
    ][:count]
    x, y = ground(*_LEFT)
    for right, ahead, base in spots:
        size = tuple(float(v) for v in rng.uniform((0.42, 0.36, 0.34), (0.66, 0.5, 0.52)))
        carton(
            canvas,
            (x + right, y + ahead),
            turn=float(rng.uniform(-0.3, 0.5)),
            size=(size[0], size[1], size[2]),
            base=base,
        )
    return from_canvas(canvas, (_LEFT[0] + 50, 446.0), (0.8, 0.5), "cartons drawn")


@cache
def rubble(seed: int = 4, wide_m: float = 1.9) -> Sprite:
    """A heap of broken bricks and concrete on sand."""
    canvas = Canvas(_WINDOW)
    rng = np.random.default_rng(seed)
    x, y = ground(*_LEFT)
    half, tall = wide_m / 2, 0.55
    for ahead in np.linspace(half * 0.7, -half * 0.7, 26):
        for _ in range(26):
            right = rng.uniform(-half, half)
            far = min((right / half) ** 2 + (ahead / (half * 0.7)) ** 2, 1.0)
            up = tall * (1 - far) * rng.uniform(0.75, 1.05)
            if far >= 1:
                continue
            brick = rng.random() < 0.3
            grey = rng.uniform(105, 190)
            tint = (70.0, 86.0, grey) if brick else (grey * 0.9, grey * 0.97, grey)
            size = rng.uniform(0.05, 0.13)
            turn = rng.uniform(0, 6.3)
            corners = [
                (
                    x + half + right + size * np.cos(turn + t),
                    y + ahead,
                    up + size * 0.7 * np.sin(turn + t) + 0.02,
                )
                for t in np.sort(rng.uniform(0, 6.3, 5))
            ]
            canvas.face(corners, tint, float(rng.uniform(0.55, 1.1)))
    foot = (float(project([(x + half, y, 0.0)])[0][0]), _LEFT[1])
    return from_canvas(canvas, foot, (half, half * 0.6), "rubble drawn")


@cache
def planter() -> Sprite:
    """A flower box with a bush."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, _RIGHT)
    place.block(canvas, (0, 1.0), (0, 0.45), (0, 0.45), (120, 130, 140))
    rng = np.random.default_rng(8)
    for _ in range(420):
        a, c, z = rng.uniform(-0.02, 1.02), rng.uniform(0, 0.45), rng.uniform(0.42, 0.95)
        s = rng.uniform(0.02, 0.05)
        leaf = [place.at(a + s * np.cos(t), c, z + s * np.sin(t)) for t in (0.3, 1.7, 3.6, 5.0)]
        canvas.face(leaf, (40.0, float(rng.uniform(70, 140)), 50.0), float(rng.uniform(0.6, 1.1)))
    return from_canvas(canvas, (_LEFT[0] + 36, 449.0), (0.55, 0.3), "planter drawn")


@cache
def bin_() -> Sprite:
    """A street bin with wheels and a lid, not overfull."""
    canvas = Canvas(_WINDOW)
    place = Place(_LEFT, _RIGHT)
    place.block(canvas, (0.03, 0.55), (0.03, 0.55), (0.05, 0.95), (70, 92, 50))
    place.block(canvas, (0.0, 0.58), (0.0, 0.58), (0.95, 1.04), (58, 78, 42))
    canvas.line([place.at(0.1, 0.0, 0.86), place.at(0.48, 0.0, 0.86)], (40, 50, 34), 2.0)
    return from_canvas(canvas, (_LEFT[0] + 20, 449.0), (0.34, 0.3), "bin drawn")


@cache
def parasol(cloth: str = "red", rim: float = 1.72) -> Sprite:
    """An umbrella that somebody carries; its foot is the carrier's."""
    canvas = Canvas(_WINDOW)
    x, y = ground(*_LEFT)
    canvas.line([(x, y, 1.0), (x, y, rim + 0.2)], (90, 90, 92), 1.4)
    Canopy((x, y), radius=0.55, rim=rim, cloth=CLOTHS[cloth]).paint(canvas)
    return from_canvas(canvas, _LEFT, (0.4, 0.3), "umbrella drawn")


def _pixel(place: Place, along: float, across: float) -> tuple[float, float]:
    ((u, v),) = project([place.at(along, across, 0)])
    return float(u), float(v)
