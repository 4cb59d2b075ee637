"""A fruit vendor's stall: market umbrella, table with crates of fruit, and the vendor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from _camera import Floats, Frame, footage, ground, project
from _canvas import Canvas, Colour, Layer

_BLUE: Colour = (168, 100, 42)
_FADED: Colour = (158, 96, 44)
_GREEN: Colour = (74, 98, 38)
_PANEL = np.pi / 4
_TURN = 0.39  # of the first rib
_STEEL: Colour = (150, 148, 146)
_WOOD: Colour = (120, 164, 196)

_SUN = np.array([-0.30, -0.42, 0.86])  # whence the overcast sky is brightest

# The vendor: a passer-by of the recording's last seconds, which no clip shows otherwise.
_VENDOR_FRAME = 680
_VENDOR_BOX = (438, 236, 492, 350)
_VENDOR_FEET = 343

Vector = npt.NDArray[np.float64]
Corner = tuple[float, float, float]
Span = tuple[float, float]


class Place:
    """Metres along and across a table, to metres of the plaza.

    Args:
        left, right: picture pixels of the table's near lower corners.
    """

    def __init__(self, left: tuple[float, float], right: tuple[float, float]) -> None:
        self.origin = np.array(ground(*left))
        along = np.array(ground(*right)) - self.origin
        self.length = float(np.hypot(*along))
        self._along = along / self.length
        self._across = np.array([-self._along[1], self._along[0]])

    def at(self, along: float, across: float, up: float) -> Corner:
        """A point: metres from the left corner, from the near edge, and above the ground."""
        x, y = self.origin + along * self._along + across * self._across
        return float(x), float(y), up

    def block(
        self,
        canvas: Canvas,
        span: Span,
        depth: Span,
        rise: Span,
        colour: Colour,
    ) -> None:
        """A box: the faces that the camera sees, from back to front."""
        (a0, a1), (c0, c1), (z0, z1) = span, depth, rise
        ends = ((a0, 0.60), (a1, 0.62))
        for a, light in ends:
            side = [self.at(a, c0, z0), self.at(a, c1, z0), self.at(a, c1, z1), self.at(a, c0, z1)]
            canvas.face(side, colour, light)
        near = [self.at(a0, c0, z0), self.at(a1, c0, z0), self.at(a1, c0, z1), self.at(a0, c0, z1)]
        top = [self.at(a0, c0, z1), self.at(a1, c0, z1), self.at(a1, c1, z1), self.at(a0, c1, z1)]
        canvas.face(top, colour, 1.08)
        canvas.face(near, colour, 0.74)


@dataclass(frozen=True)
class Canopy:
    """A market umbrella's cloth of eight panels over a ground point, in metres."""

    foot: tuple[float, float]
    radius: float
    rim: float
    cloth: tuple[Colour, Colour] = (_FADED, _BLUE)

    @property
    def rise(self) -> float:
        """How far the top is above the rim."""
        return self.radius * 0.45

    def at(self, panel: int, turn: float, out: float) -> Corner:
        """A point of a panel: 0-1 from rib to rib, 0-1 from the pole to the rim.

        The cloth runs straight from rib to rib, sags a little between them, and bows up along
        them.
        """
        angle = panel * _PANEL + _TURN + turn * _PANEL
        chord = np.cos(_PANEL / 2) / np.cos((turn - 0.5) * _PANEL)
        reach = self.radius * out * chord
        sag = 0.10 * self.radius * out * np.sin(np.pi * turn)
        up = self.rim + self.rise * (1 - out**1.6) - sag
        x, y = self.foot
        return float(x + reach * np.cos(angle)), float(y + reach * np.sin(angle)), float(up)

    def paint(self, canvas: Canvas) -> None:
        """The far valance, the cloth from far to near, the near valance, the top."""
        self._valance(canvas, near=False)
        cells = []
        for panel in range(8):
            for t0, t1 in pairwise(np.linspace(0, 1, 6)):
                for r0, r1 in pairwise(np.linspace(0, 1, 7)):
                    spots = ((t0, r0), (t1, r0), (t1, r1), (t0, r1))
                    cells.append((panel, [self.at(panel, t, r) for t, r in spots]))
        cells.sort(key=lambda cell: -sum(corner[1] for corner in cell[1]))
        for panel, corners in cells:
            canvas.face(corners, self.cloth[panel % 2], _light(corners))
        self._valance(canvas, near=True)
        (x, y), top = self.foot, self.rim + self.rise
        canvas.line([(x, y, top), (x, y, top + 0.09)], (60, 60, 70), 2.6)

    def _valance(self, canvas: Canvas, *, near: bool) -> None:
        """The strip of cloth that hangs from the rim, scalloped."""
        for panel in range(8):
            middle = (panel + 0.5) * _PANEL + _TURN
            if (np.sin(middle) < 0.1) != near:
                continue
            turns = np.linspace(0, 1, 13)
            upper = [self.at(panel, t, 1.0) for t in turns]
            lower = [
                (x, y, z - 0.13 - 0.05 * abs(np.sin(t * _PANEL * 12)))
                for (x, y, z), t in zip(upper, turns, strict=True)
            ]
            light = 0.80 - 0.16 * np.cos(middle - 2.5) if near else 0.45
            canvas.face(upper + lower[::-1], self.cloth[panel % 2], float(light))


def _light(corners: list[Corner]) -> float:
    a, b, c = (np.array(corners[i]) for i in (1, 2, 3))
    normal: Vector = np.cross(b - a, c - a)
    normal /= max(float(np.linalg.norm(normal)), 1e-9)
    if normal[2] < 0:
        normal = -normal
    return 0.42 + 0.70 * max(float(normal @ _SUN), 0.0)


def table(
    canvas: Canvas,
    place: Place,
    samples: Path,
    *,
    depth: float,
    top: float,
    cloth: Colour = _GREEN,
) -> None:
    """A table with a hanging cloth and two rows of crates of fruit."""
    length = place.length
    place.block(canvas, (0.0, length), (0.0, depth), (0.06, top), cloth)
    for fold in range(23):
        a = length * (fold + 0.5) / 23
        light = 0.70 + 0.12 * np.sin(fold * 1.9) * np.cos(fold * 0.7)
        half = length / 46
        strip = [place.at(a - half, 0, 0.06), place.at(a + half, 0, 0.06),
                 place.at(a + half * 0.8, 0, top), place.at(a - half * 0.8, 0, top)]  # fmt: skip
        canvas.face(strip, cloth, light)
    fruit = fruits(samples)
    columns, pitch = 5, length / 5
    kinds = [0, 1, 2, 3, 1, 3, 0, 1, 2, 0]
    for row, across in enumerate((depth * 0.52, depth * 0.04)):
        for column in range(columns):
            span = (column * pitch + 0.03, (column + 1) * pitch - 0.03)
            inside = (across, across + depth * 0.42)
            place.block(canvas, span, inside, (top, top + 0.10), _WOOD)
            piece = fruit[kinds[row * columns + column]]
            heap(canvas, partial(_in_crate, place, span, inside, top + 0.10), piece)


def _in_crate(place: Place, span: Span, depth: Span, rim: float, *spot: float) -> Corner:
    along, across, up = spot
    return place.at(
        span[0] + along * (span[1] - span[0]), depth[0] + across * (depth[1] - depth[0]), rim + up
    )


def heap(canvas: Canvas, crate: Callable[[float, float, float], Corner], piece: Floats) -> None:
    """A crate's fruit: a layer, and a smaller one upon it.

    ``crate`` gives the place of a point in the crate: 0-1 along, 0-1 across, metres up.
    """
    rng = np.random.default_rng(21)
    for layer, (count, inset) in enumerate(((4, 0.12), (3, 0.22))):
        for c in np.linspace(1 - inset, inset, count):
            for a in np.linspace(inset, 1 - inset, count + 1):
                along, across = rng.normal((a, c), 0.025)
                ((u, v),) = project([crate(along, across, 0.045 * layer)])
                shaded = piece.copy()
                shaded[..., :3] *= rng.uniform(0.78, 1.08) * (0.86 + 0.14 * layer)
                canvas.picture(shaded, u - 3.6, v + 2.6, 7.2)


def fruits(samples: Path) -> list[Floats]:
    """Orange, apple, lime and lemon, cut round from the sample pictures."""
    cuts = (
        ("orange.jpg", (0.42, 0.05, 0.92, 0.98), (0.9, 0.82, 1.1)),
        ("apple.jpg", (0.08, 0.12, 0.90, 0.97), (0.9, 0.85, 1.05)),
        ("fruits.jpg", (0.70, 0.29, 0.99, 0.63), (1.0, 1.25, 1.25)),
        ("orange.jpg", (0.40, 0.05, 0.92, 0.98), (1.0, 1.32, 1.2)),
    )
    found = []
    for name, (x0, y0, x1, y1), gain in cuts:
        image = cv2.imread(str(samples / name))
        if image is None:
            raise SystemExit(f"{samples / name}: not there; install Debian's opencv-doc")
        h, w = image.shape[:2]
        cut = image[int(y0 * h) : int(y1 * h), int(x0 * w) : int(x1 * w)].astype(np.float32)
        cut = cut * np.array(gain, np.float32) + 8
        cut = cv2.resize(cut, (48, 46), interpolation=cv2.INTER_AREA)
        mask = np.zeros((46, 48), np.float32)
        cv2.ellipse(mask, (24, 23), (22, 21), 0, 0, 360, 255, -1)
        found.append(np.dstack((np.clip(cut, 0, 255), mask)).astype(np.float32))
    return found


def vendor(vtest: Path, plaza: Frame, feet: tuple[float, float]) -> Layer:
    """Somebody who walked through the recording, as tall as people are at that place."""
    x0, y0, x1, y1 = _VENDOR_BOX
    (frame,) = footage(vtest, first=_VENDOR_FRAME, count=1)
    cut = cut_out(frame[y0:y1, x0:x1], plaza[y0:y1, x0:x1])
    here = project([(*ground(*feet), 1.75)])[0][1]
    there = project([(*ground((x0 + x1) / 2, _VENDOR_FEET), 1.75)])[0][1]
    scale = (feet[1] - here) / (_VENDOR_FEET - there)
    width = cut.shape[1] * scale
    bottom = feet[1] + (y1 - _VENDOR_FEET) * scale
    left = feet[0] - width / 2
    top = bottom - cut.shape[0] * scale
    canvas = Canvas((int(left) - 4, int(top) - 4, int(left + width) + 5, int(bottom) + 3))
    canvas.picture(cut, left, bottom, width)
    x, y = ground(feet[0], feet[1] - 3)
    canvas.shadow(_ring(x, y, 0.34, 0.22), 0.45, 2.5)
    return canvas.finish(plaza, seed=4)


def cut_out(cut: Frame, empty: Frame) -> Floats:
    """BGRA of the person: what differs from the empty plaza, with soft edges."""
    mask = np.full(cut.shape[:2], cv2.GC_PR_BGD, np.uint8)
    change = cv2.absdiff(cut, empty).max(axis=2)
    mask[change > 22] = cv2.GC_PR_FGD
    mask[cv2.erode((change > 60).astype(np.uint8), np.ones((2, 2))) > 0] = cv2.GC_FGD
    mask[change < 6] = cv2.GC_BGD
    mask[:2], mask[-2:], mask[:, :2], mask[:, -2:] = (cv2.GC_BGD,) * 4
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(cut.copy(), mask, None, *models, 6, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside)
    body = labels == 1 + int(np.argmax(stats[1:count, cv2.CC_STAT_AREA]))
    alpha = cv2.GaussianBlur(body.astype(np.float32), (3, 3), 0.8)
    alpha = np.clip((alpha - 0.35) / 0.55, 0, 1) * 255  # without a rim of the old ground
    return np.dstack((cut.astype(np.float32), alpha)).astype(np.float32)


def _ring(x: float, y: float, wide: float, deep: float) -> list[Corner]:
    return [
        (x + wide * np.cos(t), y + deep * np.sin(t), 0.0)
        for t in np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ]


def stall(plaza: Frame, samples: Path, place: Place) -> Layer:
    """Umbrella, table, fruit and spare crates as one layer."""
    canvas = Canvas((500, 200, 768, 500))
    depth, top = 0.75, 0.72
    x, y, _ = place.at(place.length / 2 - 0.28, depth + 0.10, 0)
    spare = Place(_pixel(place.at(-0.75, 0.25, 0)), _pixel(place.at(-0.2, 0.25, 0)))
    under = _outline(place, (-0.04, place.length + 0.04), (-0.05, depth))
    canvas.shadow(_ring(x, y - 0.1, 1.3, 1.1), 0.22, 9)
    canvas.shadow(under, 0.5, 4)
    canvas.shadow(under, 0.35, 1.6)
    canvas.shadow(_outline(spare, (-0.02, 0.57), (-0.03, 0.4)), 0.5, 2.5)
    canvas.line([(x, y, 0.02), (x, y, 2.2)], _STEEL, 3.2)
    table(canvas, place, samples, depth=depth, top=top)
    spare.block(canvas, (0.0, 0.5), (0.0, 0.36), (0.0, 0.30), (150, 92, 40))
    spare.block(canvas, (0.04, 0.5), (0.02, 0.36), (0.30, 0.56), _WOOD)
    Canopy((x, y), radius=1.2, rim=2.2).paint(canvas)
    return canvas.finish(plaza, seed=9)


def _pixel(corner: Corner) -> tuple[float, float]:
    ((u, v),) = project([corner])
    return float(u), float(v)


def _outline(place: Place, span: Span, depth: Span) -> list[Corner]:
    (a0, a1), (c0, c1) = span, depth
    return [place.at(a, c, 0) for a, c in ((a0, c0), (a1, c0), (a1, c1), (a0, c1))]
