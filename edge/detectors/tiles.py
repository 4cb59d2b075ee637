"""Small and far things: large pictures are looked at in overlapping tiles as well as whole.

A 4K picture laid into a 416 pixel input shrinks ninefold: a person at the far end of a square is
four pixels high. Tiles keep them; the whole picture keeps what is larger than a tile. A box cut by
a tile's border is dropped: the overlap holds it whole in the next tile, or the whole picture does.

Where somebody may be selling in a corner of the picture, that part is looked at once more by
itself: wares before a person's legs leave the model half in doubt, and a second sight at another
scale often decides it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from edge.detectors.base import Detection, Look
from edge.detectors.objects import ObjectDetector
from edge.geometry import Box, enclosing
from edge.streams.planes import cut

MOST_TILES = 24
"""However large the picture, a look costs at most so many inferences more."""
_OVERLAP = 0.25
_SIDE = 2.5
"""Side of an automatic tile as a multiple of the model's input (measured: bench/tiles.py)."""
_FROM = 5.0
"""A picture is tiled automatically when its long side is more than so many inputs: beyond 1080p
for an input of 416. Below, each look would cost several times as much on ordinary cameras."""
_RIM_PX = 3.0
_ABOVE, _BELOW, _BESIDE = 0.35, 0.1, 0.1  # of the picture, round a zone: who stands in it fits in
_PART = 0.5  # of the picture; a larger part shows little more by itself than the whole does
_SAME_IOU = 0.5
_SAME_INSIDE = 0.75
"""Seen from two views: so much of the smaller box inside the larger one is one thing."""

Spans = tuple[tuple[int, int], ...]


def spans(length: int, count: int) -> Spans:
    """``count`` equal spans over ``length`` pixels, neighbours sharing a quarter of a span."""
    side = min(length / (count - (count - 1) * _OVERLAP), length)
    step = (length - side) / max(count - 1, 1)
    return tuple((round(n * step), round(n * step + side)) for n in range(count))


def tiling(width: int, height: int, mode: str, input_side: int) -> tuple[Spans, Spans] | None:
    """Columns and rows of the tiles of a picture, in pixels; None when it is not tiled.

    Args:
        width, height: of the picture.
        mode: ``off``, ``auto`` or columns x rows like ``3x2``.
        input_side: longer side of the model's input, pixels.
    """
    if mode == "off":
        return None
    if mode == "auto":
        if max(width, height) <= _FROM * input_side:
            return None
        side = _SIDE * input_side
        while fewest(width, side) * fewest(height, side) > MOST_TILES:
            side *= 1.1
        columns, rows = fewest(width, side), fewest(height, side)
    else:
        matched = re.fullmatch(r"(\d+)x(\d+)", mode)
        if matched is None:
            raise ValueError(f"{mode!r} is no tiling; use off, auto or columns x rows like 3x2")
        columns, rows = (int(number) for number in matched.groups())
    if columns * rows <= 1 or width < columns * 8 or height < rows * 8:
        return None
    return spans(width, columns), spans(height, rows)


def fewest(length: int, side: float) -> int:
    """Fewest spans no longer than ``side`` that cover ``length`` with their overlaps."""
    return max(1, int(np.ceil((length / side - _OVERLAP) / (1 - _OVERLAP))))


def close_view(zones: Sequence[Box]) -> Box | None:
    """The part of the picture that holds zones and whoever stands in them.

    None when there are no zones, or when that is most of the picture.
    """
    if not zones:
        return None
    box = enclosing(zones)
    view = Box.clipped(box.x0 - _BESIDE, box.y0 - _ABOVE, box.x1 + _BESIDE, box.y1 + _BELOW)
    return view if view.area <= _PART else None


class TiledDetector:
    """An object detector that looks at large pictures in tiles too.

    Args:
        detector: the model.
        default: ``off``, ``auto`` or ``NxM`` for cameras without their own.
        cameras: the same by camera id.
        close: parts to look at once more, by camera id; only of pictures that ``auto`` leaves
            whole.
    """

    def __init__(
        self,
        detector: ObjectDetector,
        *,
        default: str,
        cameras: Mapping[str, str] | None = None,
        close: Mapping[str, Box] | None = None,
    ) -> None:
        self.detector = detector
        self._default = default
        self._cameras = dict(cameras or {})
        self._close = dict(close or {})

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.detector.name

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Detections of each look, each thing once."""
        found = self.detector.detect(looks)
        return [self._with_tiles(look, whole) for look, whole in zip(looks, found, strict=True)]

    def _with_tiles(self, look: Look, whole: tuple[Detection, ...]) -> tuple[Detection, ...]:
        frame = look.frame
        size = (frame.width, frame.height)
        mode = self._cameras.get(frame.camera_id, self._default)
        wanted = self.detector.card.input
        tiles = tiling(*size, mode, max(wanted.width, wanted.height))
        places = [] if tiles is None else [(x, y) for y, x in product(tiles[1], tiles[0])]
        close = self._close.get(frame.camera_id)
        if tiles is None and mode == "auto" and close is not None:
            x0, y0, x1, y1 = close.pixels(*size)
            places = [((x0, x1), (y0, y1))]
        if not places:
            return whole
        crops = [cut(frame.picture, x0, y0, x1, y1) for (x0, x1), (y0, y1) in places]
        views = [whole]
        for (xs, ys), found in zip(places, self.detector.find(crops), strict=True):
            views.append(_uncut(found, xs, ys, size))
        return merged(views)


def _uncut(
    found: Sequence[Detection], xs: tuple[int, int], ys: tuple[int, int], size: tuple[int, int]
) -> tuple[Detection, ...]:
    """A tile's detections on the whole picture, without those its border cuts."""
    (x0, x1), (y0, y1), (width, height) = xs, ys, size
    kept = []
    for d in found:
        left, right = x0 + d.box.x0 * (x1 - x0), x0 + d.box.x1 * (x1 - x0)
        top, bottom = y0 + d.box.y0 * (y1 - y0), y0 + d.box.y1 * (y1 - y0)
        cut = (
            (x0 > 0 and left - x0 < _RIM_PX)
            or (y0 > 0 and top - y0 < _RIM_PX)
            or (x1 < width and x1 - right < _RIM_PX)
            or (y1 < height and y1 - bottom < _RIM_PX)
        )
        if not cut:
            box = Box.clipped(left / width, top / height, right / width, bottom / height)
            kept.append(replace(d, box=box))
    return tuple(kept)


def merged(views: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    """Each thing once, from views of one picture: the surest detection of it stays.

    Within a view the model has already told things apart; only boxes of one class from two
    views are one thing when they overlap, or when one lies in the other.
    """
    ordered = sorted(
        ((d, n) for n, view in enumerate(views) for d in view), key=lambda entry: -entry[0].score
    )
    kept: list[tuple[Detection, int]] = []
    for d, n in ordered:
        if not any(n != m and d.label == k.label and _one_thing(d.box, k.box) for k, m in kept):
            kept.append((d, n))
    return tuple(d for d, _ in kept)


def _one_thing(left: Box, right: Box) -> bool:
    smaller = min(left.area, right.area)
    return (
        left.iou(right) >= _SAME_IOU
        or smaller == 0.0
        or left.overlap(right) / smaller >= _SAME_INSIDE
    )
