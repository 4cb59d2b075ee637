"""More of what is left on the ground, drawn in metres: sand, sacks, planks, bricks, furniture."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from _demo import Canvas, Colour, Place, ground, project
from _sprites import Sprite, from_canvas, worn

_WINDOW = (240, 60, 768, 560)
_LEFT = (440.0, 452.0)


def _place(wide: float = 170) -> Place:
    return Place(_LEFT, (_LEFT[0] + wide, _LEFT[1]))


def _done(canvas: Canvas, place: Place, base: tuple[float, float], what: str) -> Sprite:
    ((u, v),) = project([place.at(base[0], base[1] * 0.6, 0.0)])
    return from_canvas(canvas, (float(u), float(v)), base, what)


@cache
def sand(seed: int = 1, wide_m: float = 2.4, tint: Colour = (120, 165, 196)) -> Sprite:
    """A smooth heap of building sand with a ragged foot."""
    canvas = Canvas(_WINDOW)
    rng = np.random.default_rng(seed)
    x, y = ground(*_LEFT)
    half, tall = wide_m / 2, wide_m * 0.27
    for ahead in np.linspace(half * 0.7, -half * 0.75, 60):
        reach = half * np.sqrt(max(1 - (ahead / (half * 0.8)) ** 2, 0.0))
        if reach <= 0.05:
            continue
        sides = np.linspace(-reach, reach, 26)
        far = (sides / half) ** 2 + (ahead / (half * 0.8)) ** 2
        crest = tall * np.clip(1 - np.sqrt(np.clip(far, 0, 1)), 0, 1) + rng.normal(0, 0.012, 26)
        top = [
            (x + half + s, y + ahead, max(float(z), 0.0)) for s, z in zip(sides, crest, strict=True)
        ]
        foot = [(x + half + s, y + ahead - 0.06, 0.0) for s in sides[::-1]]
        canvas.face(top + foot, tint, float(0.92 + 0.16 * np.sin(ahead * 3) + rng.normal(0, 0.02)))
    for _ in range(260):
        s, ahead = rng.normal(0, half * 0.55), rng.normal(-half * 0.2, half * 0.35)
        z = tall * max(1 - np.hypot(s / half, ahead / (half * 0.8)), 0)
        spot = [
            (x + half + s + 0.03 * np.cos(t), y + ahead, z + 0.02 * np.sin(t)) for t in (0, 2, 4)
        ]
        if z > 0.02:
            canvas.face(spot, tint, float(rng.uniform(0.7, 1.15)))
    foot_at = (float(project([(x + half, y, 0.0)])[0][0]), _LEFT[1])
    return from_canvas(canvas, foot_at, (half, half * 0.6), "sand heap drawn")


@cache
def sacks(count: int = 7, seed: int = 1, tint: Colour = (206, 212, 214)) -> Sprite:
    """Woven sacks of building waste, heaped."""
    canvas, place = Canvas(_WINDOW), _place()
    rng = np.random.default_rng(seed)
    rows = ((0.55, 0.0, 0.0), (0.05, 0.1, 0.0), (0.3, 0.35, 0.38))
    for number in range(count):
        row = number * 3 // count
        across, shift, base = rows[row]
        a = shift + (number - row * count / 3) * 0.62 + rng.normal(0, 0.04)
        long, high = rng.uniform(0.5, 0.66), rng.uniform(0.34, 0.46)
        turns = np.linspace(0, 2 * np.pi, 40)
        outline = [
            place.at(
                a + long / 2 * (1 + np.sign(np.cos(t)) * abs(np.cos(t)) ** 0.55),
                across,
                base
                + high
                / 2
                * (1 + np.sign(np.sin(t)) * abs(np.sin(t)) ** 0.6 * (1 - 0.12 * np.cos(3 * t))),
            )
            for t in turns
        ]
        light = float(rng.uniform(0.78, 1.02))
        canvas.face(outline, tint, light)
        low = [
            place.at(a + long * s, across - 0.01, base + high * (0.05 + 0.3 * s * (1 - s)))
            for s in (0.1, 0.5, 0.9)
        ]
        canvas.face([*low, place.at(a + long * 0.5, across - 0.01, base)], tint, light * 0.7)
        for s in (0.3, 0.55, 0.75):
            crease = [
                place.at(
                    a + long * (s + 0.05 * np.sin(5 * z + number)), across - 0.02, base + high * z
                )
                for z in (0.2, 0.5, 0.8)
            ]
            canvas.line(crease, (150, 156, 160), 0.8)
    return _done(canvas, place, (0.9, 0.4), "woven sacks drawn")


@cache
def planks(count: int = 14, seed: int = 1, long: float = 2.4) -> Sprite:
    """Old boards and beams thrown upon each other."""
    canvas, place = Canvas(_WINDOW), _place(190)
    rng = np.random.default_rng(seed)
    for number in range(count):
        across = 0.9 - 0.9 * number / count
        base = 0.05 + 0.45 * (1 - abs(2 * number / count - 1)) * rng.uniform(0.6, 1.0)
        tilt, slope = rng.uniform(-0.25, 0.25), rng.uniform(-0.18, 0.18)
        start, reach = rng.uniform(-0.1, 0.4), long * rng.uniform(0.65, 1.0)
        grey = rng.uniform(0.65, 1.15)
        tint = (92 * grey, 128 * grey, 160 * grey)
        thick = rng.uniform(0.05, 0.13)
        a0, a1 = start, start + reach
        z0, z1 = max(base - slope, 0.0), max(base + slope, 0.0)
        near = [
            place.at(a0, across - tilt, z0),
            place.at(a1, across + tilt, z1),
            place.at(a1, across + tilt, z1 + thick),
            place.at(a0, across - tilt, z0 + thick),
        ]
        top = [
            place.at(a0, across - tilt, z0 + thick),
            place.at(a1, across + tilt, z1 + thick),
            place.at(a1, across + tilt + 0.14, z1 + thick),
            place.at(a0, across - tilt + 0.14, z0 + thick),
        ]
        canvas.face(top, tint, 1.1)
        canvas.face(near, tint, 0.7)
    return _done(canvas, place, (long / 2, 0.5), "old boards drawn")


@cache
def brick_stack(seed: int = 1, rows: int = 7) -> Sprite:
    """Bricks set down in courses, the upper ones loose."""
    canvas, place = Canvas(_WINDOW), _place(150)
    rng = np.random.default_rng(seed)
    for row in range(rows):
        wide = 6 if row < rows - 2 else 6 - 2 * (row - rows + 3)
        for across in (0.5, 0.25, 0.0):
            for number in range(wide):
                a = number * 0.25 + 0.06 * (row % 2) + rng.normal(0, 0.008)
                red = float(rng.uniform(120, 185))
                place.block(
                    canvas,
                    (a, a + 0.235),
                    (across, across + 0.235),
                    (row * 0.115, row * 0.115 + 0.108),
                    (red * 0.45, red * 0.55, red),
                )
    return _done(canvas, place, (0.75, 0.4), "stack of bricks drawn")


@cache
def sofa(colour: Colour = (70, 96, 128)) -> Sprite:
    """A worn sofa set out on the street, its cushion askew, a mattress leaning behind it."""
    canvas, place = Canvas(_WINDOW), _place(190)
    sheet = [place.at(a, 0.95, z) for a, z in ((0.5, 0.1), (2.3, 0.0), (2.35, 1.15), (0.55, 1.28))]
    canvas.face(sheet, (190, 205, 212), 0.95)
    for z in (0.3, 0.6, 0.9):
        canvas.line([place.at(0.55, 0.94, z), place.at(2.3, 0.94, z - 0.05)], (150, 160, 176), 0.9)
    place.block(canvas, (0.0, 1.8), (0.6, 0.85), (0.1, 0.85), colour)
    place.block(canvas, (0.1, 1.7), (0.1, 0.65), (0.1, 0.42), colour)
    for a in (0.16, 0.95):
        place.block(canvas, (a, a + 0.72), (0.08, 0.6), (0.42, 0.54), (86.0, 112.0, 146.0))
    for a in (0.0, 1.62):
        place.block(canvas, (a, a + 0.18), (0.05, 0.8), (0.1, 0.62), (60.0, 84.0, 112.0))
    place.block(canvas, (1.95, 2.35), (0.1, 0.5), (0.0, 0.4), (90.0, 120.0, 150.0))
    return _done(canvas, place, (1.1, 0.5), "sofa and mattress drawn")


@cache
def branches(seed: int = 1, wide_m: float = 2.2) -> Sprite:
    """Cut branches with their leaves."""
    canvas = Canvas(_WINDOW)
    rng = np.random.default_rng(seed)
    x, y = ground(*_LEFT)
    half = wide_m / 2
    for _ in range(46):
        s, ahead = rng.uniform(-half, half), rng.uniform(-0.5, 0.5)
        high = 0.55 * max(1 - (s / half) ** 2, 0.1)
        ends = [
            (
                x + half + s + d * rng.uniform(0.1, 0.35),
                y + ahead,
                max(high * rng.uniform(0, 1), 0.02),
            )
            for d in (-1, 1)
        ]
        canvas.line(ends, (50, 74, 96), float(rng.uniform(0.8, 2.0)))
    for ahead in np.linspace(0.5, -0.5, 20):
        for _ in range(34):
            s = rng.normal(0, half * 0.55)
            z = 0.6 * max(1 - (s / half) ** 2, 0) * rng.uniform(0.1, 1.0)
            r = rng.uniform(0.03, 0.07)
            leaf = [
                (x + half + s + r * np.cos(t), y + ahead, z + r * 0.7 * np.sin(t))
                for t in (0.4, 1.9, 3.5, 5.2)
            ]
            canvas.face(
                leaf, (52.0, float(rng.uniform(80, 140)), 70.0), float(rng.uniform(0.6, 1.1))
            )
    foot_at = (float(project([(x + half, y, 0.0)])[0][0]), _LEFT[1])
    return from_canvas(canvas, foot_at, (half, 0.4), "cut branches drawn")


@cache
def full_bin(colour: Colour = (60, 110, 50)) -> Sprite:
    """A wheeled bin whose lid no longer closes over the bags in it."""
    scale, wide, tall = 150, 0.9, 1.6
    image = np.zeros((round(tall * scale), round(wide * scale), 4), np.float32)
    h, w = image.shape[:2]
    for (x, y), (a, b), tint in (
        ((48, 66), (40, 34), (38, 36, 36)), ((92, 70), (36, 30), (200, 202, 204)),
        ((70, 48), (34, 28), (120, 70, 40)),
    ):  # fmt: skip
        cv2.ellipse(image, (x, y), (a, b), 0, 0, 360, (*tint, 255), -1, cv2.LINE_AA)
        cv2.ellipse(image, (x - 8, y - 10), (a // 3, b // 4), 20, 0, 360,
                    (*(min(t + 60, 250) for t in tint), 255), 2, cv2.LINE_AA)  # fmt: skip
    body = np.array([(14, 84), (w - 14, 84), (w - 26, h - 12), (26, h - 12)], np.int32)
    cv2.fillPoly(image, [body], (*colour, 255), cv2.LINE_AA)
    cv2.line(image, (20, 96), (w - 20, 96), (*(c * 0.6 for c in colour), 255), 5)
    lid = np.array([(w - 16, 84), (w - 2, 10), (w - 10, 6), (w - 26, 80)], np.int32)
    cv2.fillPoly(image, [lid], (*(c * 0.75 for c in colour), 255), cv2.LINE_AA)
    for x in (34, w - 34):
        cv2.circle(image, (x, h - 12), 10, (30, 30, 30, 255), -1, cv2.LINE_AA)
    return Sprite(worn(image, 6, 0.08), scale, (w / 2, h - 4.0), (0.36, 0.3), "overfull bin drawn")
