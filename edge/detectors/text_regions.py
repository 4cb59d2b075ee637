"""Where wording is: the first half of OCR, cheap enough for every changed region.

PP-OCRv4's detection network runs on the region at the scale at which 20-pixel digits are still
found; very large regions are cut into tiles, so that memory and time stay bounded whatever the
picture's size.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.streams.frame import Image

Quad = NDArray[np.float32]
"""Corners of a line of text, clockwise from the top left, shape (4, 2), in picture pixels."""
Pixels = tuple[int, int, int, int]

_TILE_PIXELS = 1_300_000
_MIN_SCALE, _MAX_SCALE = 0.5, 2.0
_OVERLAP = 320
"""Tiles share so many pixels: a number 40 px high fits in."""
_MIN_SIDE = 8
_STEP = 32  # the network takes multiples of this


class RegionFinder:
    """Finds lines of text in parts of a picture. One thread calls it.

    Args:
        engine: a ``RapidOCR``, whose detection network is used.
    """

    def __init__(self, engine: Any) -> None:
        self._net = engine.text_det

    def find(self, image: Image, region: Pixels) -> list[Quad]:
        """Lines of text inside a region, top to bottom; none where it is smaller than a letter."""
        x0, y0, x1, y1 = region
        if min(x1 - x0, y1 - y0) < _MIN_SIDE:
            return []
        area = (x1 - x0) * (y1 - y0)
        scale = min(max(math.sqrt(_TILE_PIXELS / area), _MIN_SCALE), _MAX_SCALE)
        found: list[Quad] = []
        for left, right in _spans(x0, x1, area * scale * scale):
            for top, bottom in _spans(y0, y1, area * scale * scale):
                tile = image[top:bottom, left:right]
                corner = np.array((left, top), np.float32)
                found += [quad + corner for quad in self._find_in(tile, scale)]
        return sorted(_without_repeats(found), key=lambda quad: float(quad[:, 1].min()))

    def _find_in(self, tile: Image, scale: float) -> list[Quad]:
        height, width = tile.shape[:2]
        size = (_multiple(width * scale), _multiple(height * scale))
        small = cv2.resize(
            tile, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        batch = (small.astype(np.float32).transpose(2, 0, 1)[None] / 255.0 - 0.5) / 0.5
        heat = self._net.infer(batch)[0]
        boxes, _ = self._net.postprocess_op(heat, (height, width))
        if len(boxes) == 0:
            return []
        return [
            np.asarray(q, np.float32) for q in self._net.filter_tag_det_res(boxes, (height, width))
        ]


def bounds(quad: Quad) -> tuple[float, float, float, float]:
    """The axis-parallel box around a line, pixels."""
    (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _multiple(length: float) -> int:
    return max(round(length / _STEP), 1) * _STEP


def _spans(start: int, end: int, scaled_area: float) -> list[tuple[int, int]]:
    """The side cut into as many overlapping spans as its tiles need."""
    pieces = max(math.ceil(math.sqrt(scaled_area / (1.2 * _TILE_PIXELS))), 1)
    step = (end - start) / pieces
    margin = _OVERLAP / 2 if pieces > 1 else 0
    return [
        (max(int(start + i * step - margin), start), min(int(start + (i + 1) * step + margin), end))
        for i in range(pieces)
    ]


def _without_repeats(quads: list[Quad]) -> list[Quad]:
    """Where two tiles saw the same line, the longer sight of it stays."""
    kept: list[Quad] = []
    for quad in sorted(quads, key=lambda q: -_area(bounds(q))):
        if all(_shared(bounds(quad), bounds(other)) < 0.5 for other in kept):
            kept.append(quad)
    return kept


def _area(box: tuple[float, float, float, float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _shared(
    small: tuple[float, float, float, float], large: tuple[float, float, float, float]
) -> float:
    both = (
        max(small[0], large[0]), max(small[1], large[1]),
        min(small[2], large[2]), min(small[3], large[3]),
    )  # fmt: skip
    return _area(both) / max(_area(small), 1e-6)
