"""Look for people, vehicles and faces more eagerly than the alerts do.

A person that the alerts need not see (too far, too unsure) may still be recognised. So the object
model is asked again for weak boxes, on the whole picture and on tiles of it, and a face model
looks at enlarged tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from edge.detectors.base import Detection
from edge.detectors.objects import ObjectDetector
from edge.detectors.tiles import spans
from edge.geometry import Box
from edge.streams.frame import Image

_LEAST = {"person": 0.2, "vehicle": 0.25, "two_wheeler": 0.3, "face": 0.3}
"""Lower than the alerts' 0.4: who is covered for nothing loses little."""
_OBJECT_SIDE = 640
"""Pixels of a tile for the object model; its input is 416."""
_FACE_ENLARGED = 2.0
"""Faces are looked for at this scale: the model's smallest anchor is 32 pixels."""
_LARGE = {
    "face": (0.3, 0.6),
    "person": (0.5, 0.3),
    "vehicle": (0.35, 0.4),
    "two_wheeler": (0.35, 0.4),
}
"""What takes more than this share of the picture's height counts only from this score: so near it
would be sure, and heaps, bins and walls that are taken for it would cost half of the evidence
(measured: bench/redaction.py)."""
_MOST_TILES = 24

Place = tuple[tuple[int, int], tuple[int, int]]


class Finder:
    """Finds what has to be covered. Thread-safe.

    Args:
        objects: folder of the object model; its meanings ``person``, ``vehicle`` and
            ``two_wheeler`` count.
        faces: folder of the face model; every detection of it is a face.
        provider, threads: as for :class:`edge.detectors.objects.ObjectDetector`.

    Raises:
        ModelError: a model that is missing, altered, or other than its card says.
    """

    def __init__(self, objects: Path, faces: Path, *, provider: str, threads: int) -> None:
        self._objects = ObjectDetector(objects, provider=provider, threads=threads)
        self._faces = ObjectDetector(faces, provider=provider, threads=threads)

    def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        """People, vehicles, two-wheelers and faces; the same thing may be there several times.

        Args:
            image: BGR, any size.
            quick: without tiles, for pictures on which nothing small can be made out.
        """
        height, width = image.shape[:2]
        tiles = [] if quick else _tiles(width, height, _OBJECT_SIDE)
        things = _found(self._objects, image, tiles, min(_LEAST.values()))
        side = round(self._faces.card.input.width / _FACE_ENLARGED)
        tiles = [] if quick else _tiles(width, height, side)
        faces = _found(self._faces, image, tiles, _LEAST["face"])
        return tuple(d for d in (*things, *faces) if _believed(d))


def _believed(d: Detection) -> bool:
    height, score = _LARGE.get(d.meaning, (1.0, 0.0))
    if d.score < _LEAST.get(d.meaning, 1.0):  # a meaning that is nobody's secret
        return False
    return d.box.height <= height or d.score >= score


def _found(
    model: ObjectDetector, image: Image, tiles: Sequence[Place], least: float
) -> list[Detection]:
    """Of the whole picture and of its tiles, boxes in 0–1 of the picture."""
    height, width = image.shape[:2]
    found = list(model.find([image], least=least)[0])
    crops: list[Image] = [image[y0:y1, x0:x1] for (x0, x1), (y0, y1) in tiles]
    for ((x0, x1), (y0, y1)), seen in zip(tiles, model.find(crops, least=least), strict=True):
        across, down = x1 - x0, y1 - y0
        for d in seen:
            box = Box.clipped(
                (x0 + d.box.x0 * across) / width,
                (y0 + d.box.y0 * down) / height,
                (x0 + d.box.x1 * across) / width,
                (y0 + d.box.y1 * down) / height,
            )
            found.append(replace(d, box=box))
    return found


def _tiles(width: int, height: int, side: float) -> list[Place]:
    """Overlapping tiles of about that side in pixels; none where the picture is hardly larger."""
    if max(width, height) <= 1.2 * side:
        return []
    while _count(width, side) * _count(height, side) > _MOST_TILES:
        side *= 1.1
    columns, rows = spans(width, _count(width, side)), spans(height, _count(height, side))
    return [(xs, ys) for ys, xs in product(rows, columns)]


def _count(length: int, side: float) -> int:
    return max(1, int(np.ceil((length / side - 0.25) / 0.75)))
