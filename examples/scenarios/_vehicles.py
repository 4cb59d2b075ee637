"""Vehicles drawn flat from their side: cars, taxis, lettered vans, scooters."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from _demo import Colour, Floats
from _sprites import Sprite, worn
from _words import words

_S = 110  # pixels for a metre
_TYRE, _RIM, _GLASS = (28, 28, 29), (150, 152, 155), (70, 64, 56)


def _blank(long: float, tall: float) -> Floats:
    return np.zeros((round(tall * _S), round(long * _S), 4), np.float32)


def _poly(image: Floats, points: list[tuple[float, float]], tint: Colour) -> None:
    """Fill a polygon given in metres from the lower left corner."""
    h = image.shape[0]
    corners = np.array([(x * _S * 8, (h - y * _S) * 8) for x, y in points]).astype(np.int32)
    cv2.fillPoly(image, [corners], (*tint, 255), cv2.LINE_AA, 3)


def _wheel(image: Floats, x: float, radius: float) -> None:
    at = (round(x * _S), image.shape[0] - round(radius * _S) - 2)
    cv2.circle(image, at, round(radius * _S), (*_TYRE, 255), -1, cv2.LINE_AA)
    cv2.circle(image, at, round(radius * _S * 0.62), (*_RIM, 255), -1, cv2.LINE_AA)
    cv2.circle(image, at, round(radius * _S * 0.2), (90, 90, 92, 255), -1, cv2.LINE_AA)


def _shaded(image: Floats, seed: int) -> Floats:
    rows = np.linspace(1.12, 0.78, image.shape[0], dtype=np.float32)[:, None, None]
    image[..., :3] *= rows
    return worn(image, seed, 0.07)


@cache
def car(tint: Colour = (60, 58, 56), *, taxi: bool = False) -> Sprite:
    """A saloon; a taxi has a lamp on its roof and a second colour below."""
    image = _blank(4.5, 1.6)
    body = [(0.05, 0.3), (0.0, 0.62), (0.15, 0.82), (1.0, 0.92), (1.55, 1.38), (2.1, 1.45),
            (2.9, 1.42), (3.55, 0.98), (4.25, 0.9), (4.48, 0.7), (4.48, 0.32), (4.3, 0.26),
            (0.2, 0.26)]  # fmt: skip
    _poly(image, body, tint)
    if taxi:
        _poly(image, [(0.04, 0.3), (0.02, 0.6), (4.46, 0.6), (4.46, 0.3)], (60, 190, 235))
        _poly(image, [(2.2, 1.45), (2.2, 1.58), (2.6, 1.58), (2.6, 1.45)], (60, 220, 245))
    _poly(image, [(1.18, 0.94), (1.62, 1.32), (2.12, 1.38), (2.12, 0.94)], _GLASS)
    _poly(image, [(2.2, 0.94), (2.2, 1.38), (2.86, 1.35), (3.36, 0.96)], _GLASS)
    for x in (1.18, 2.16, 3.1):
        cv2.line(image, (round(x * _S), image.shape[0] - round(0.92 * _S)),
                 (round(x * _S), image.shape[0] - round(0.36 * _S)),
                 (tint[0] * 0.6, tint[1] * 0.6, tint[2] * 0.6, 255), 2, cv2.LINE_AA)  # fmt: skip
    _poly(image, [(4.28, 0.66), (4.46, 0.64), (4.46, 0.76), (4.3, 0.8)], (220, 235, 240))
    _poly(image, [(0.02, 0.62), (0.14, 0.62), (0.18, 0.78), (0.06, 0.74)], (40, 40, 190))
    _wheel(image, 0.85, 0.31)
    _wheel(image, 3.6, 0.31)
    return Sprite(_shaded(image, 11), _S, (image.shape[1] / 2, image.shape[0] - 4.0), (2.2, 0.8),
                  "car drawn")  # fmt: skip


@cache
def lettered_van(text: str, phone: str = "", tint: Colour = (222, 224, 226)) -> Sprite:
    """A panel van with its firm's name and telephone on the side."""
    image = _blank(4.9, 2.2)
    _poly(image, [(0.03, 0.3), (0.03, 2.0), (0.2, 2.12), (3.5, 2.12), (4.05, 1.45), (4.75, 1.15),
                  (4.86, 0.8), (4.86, 0.32), (4.6, 0.26), (0.2, 0.26)], tint)  # fmt: skip
    _poly(image, [(3.2, 1.3), (3.2, 1.95), (3.46, 1.95), (3.92, 1.4), (3.92, 1.3)], _GLASS)
    for x in (1.9, 3.1):
        cv2.line(image, (round(x * _S), 14), (round(x * _S), 190), (150, 152, 154, 255), 2)
    _poly(image, [(4.6, 0.78), (4.82, 0.76), (4.8, 0.95), (4.64, 0.98)], (220, 235, 240))
    for line, top, high in ((text, 46, 62), (phone, 112, 44)):
        if line:
            paint = words(line, height=high, ink=(170, 30, 30), ground=tint[::-1], pad=4)  # type: ignore[arg-type]
            wide = min(paint.shape[1], 300)
            room = image[top : top + high, 26 : 26 + wide]
            room[...] = cv2.resize(paint, (wide, high), interpolation=cv2.INTER_AREA)
    _wheel(image, 0.95, 0.34)
    _wheel(image, 3.95, 0.34)
    return Sprite(_shaded(image, 12), _S, (image.shape[1] / 2, image.shape[0] - 4.0), (2.4, 0.8),
                  "lettered van drawn")  # fmt: skip


@cache
def scooter(tint: Colour = (170, 120, 30), *, box: bool = True) -> Sprite:
    """An electric scooter on its stand, a delivery box on its carrier."""
    image = _blank(1.8, 1.35)
    dark = (52.0, 50.0, 48.0)
    _wheel(image, 0.3, 0.24)
    _wheel(image, 1.45, 0.24)
    _poly(image, [(0.2, 0.45), (0.3, 0.72), (0.85, 0.74), (0.92, 0.4), (0.5, 0.3)], tint)
    _poly(image, [(0.85, 0.3), (0.85, 0.42), (1.25, 0.42), (1.25, 0.3)], dark)
    _poly(image, [(1.2, 0.3), (1.32, 0.9), (1.42, 0.92), (1.42, 0.36)], tint)
    _poly(image, [(1.28, 0.88), (1.18, 1.12), (1.24, 1.14), (1.4, 0.9)], dark)
    _poly(image, [(1.02, 1.08), (1.02, 1.13), (1.28, 1.16), (1.28, 1.1)], dark)
    _poly(image, [(0.28, 0.72), (0.3, 0.82), (0.86, 0.8), (0.88, 0.73)], dark)
    if box:
        _poly(image, [(0.0, 0.76), (0.0, 1.2), (0.46, 1.2), (0.46, 0.76)], (40, 170, 235))
        _poly(image, [(0.0, 1.12), (0.0, 1.2), (0.46, 1.2), (0.46, 1.12)], (30, 120, 190))
    return Sprite(_shaded(image, 13), _S, (image.shape[1] / 2, image.shape[0] - 3.0), (0.8, 0.25),
                  "scooter drawn")  # fmt: skip


@cache
def stand_board(
    sheet_text: str, line: str, ground: tuple[int, int, int] = (250, 220, 40)
) -> Sprite:
    """A board on two feet that somebody sets out on the footway, 0.8 m by 1.3 m."""
    image = _blank(0.8, 1.4)
    h, w = image.shape[:2]
    cv2.rectangle(image, (0, 0), (w - 1, h - 12), (*[float(c) for c in ground[::-1]], 255), -1)
    rows = [*sheet_text.split(" "), *line.split(" ")]
    high = (h - 24) // len(rows)
    for number, row in enumerate(rows):
        paint = words(
            row,
            height=120,
            ink=(180, 20, 20) if number < 2 else (20, 20, 24),
            ground=ground,
            pad=10,
        )
        share = min((w - 8) / paint.shape[1], high / paint.shape[0])
        small = cv2.resize(paint, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        y, x = 6 + number * high + (high - small.shape[0]) // 2, (w - small.shape[1]) // 2
        image[y : y + small.shape[0], x : x + small.shape[1]] = small
    cv2.rectangle(image, (0, 0), (w - 1, h - 12), (60, 60, 62, 255), 3)
    for x in (8, w - 9):
        cv2.line(image, (x, h - 12), (x, h - 1), (40, 40, 42, 255), 4)
    return Sprite(worn(image, 14, 0.05), _S, (w / 2, h - 2.0), (0.4, 0.2), "standing board drawn")


@cache
def bus(advert: str, tint: Colour = (70, 140, 60)) -> Sprite:
    """A city bus from the side, drawn flat, with an advertisement between the wheels."""
    scale, long, tall = 110, 8.0, 2.9
    image = np.zeros((round(tall * scale), round(long * scale), 4), np.float32)
    h, w = image.shape[:2]
    cv2.rectangle(image, (4, 6), (w - 5, h - 40), (*tint, 255), -1)
    cv2.rectangle(image, (4, 6), (w - 5, 26), (210, 214, 216, 255), -1)
    for left in range(30, w - 90, 118):
        cv2.rectangle(image, (left, 44), (left + 104, 138), (62, 58, 52, 255), -1)
        cv2.line(image, (left + 20, 134), (left + 70, 48), (96, 92, 86, 255), 12)
    for left in (190, 620):
        cv2.rectangle(image, (left, 44), (left + 90, h - 48), (78, 76, 70, 255), -1)
        cv2.line(image, (left + 45, 44), (left + 45, h - 48), (40, 40, 40, 255), 4)
    panel = words(advert, height=86, ink=(250, 250, 250), ground=(30, 30, 190), pad=24)
    room = image[158:244, 292:608]
    room[...] = cv2.resize(panel, (room.shape[1], room.shape[0]), interpolation=cv2.INTER_AREA)
    for middle in (140, 745):
        cv2.circle(image, (middle, h - 46), 44, (30, 30, 30, 255), -1, cv2.LINE_AA)
        cv2.circle(image, (middle, h - 46), 22, (130, 132, 134, 255), -1, cv2.LINE_AA)
    shade = np.linspace(1.05, 0.8, h, dtype=np.float32)[:, None, None]
    image[..., :3] *= shade
    return Sprite(worn(image, 5, 0.08), scale, (w / 2, h - 4.0), (3.9, 0.9), "bus drawn")
