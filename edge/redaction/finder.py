"""Look for people, vehicles and faces more eagerly than the alerts do.

A person that the alerts need not see (too far, too unsure) may still be recognised. So the object
model is asked again for weak boxes, on the whole picture and once more at a larger scale, and a
face model looks at it at a scale larger still.

How far one must look follows from the pixels, not from the picture: a face of fewer than some ten
pixels shows nobody, on a wide picture as little as on a small one.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from edge.detectors.base import Detection
from edge.detectors.objects import ObjectDetector
from edge.detectors.tiles import fewest, spans
from edge.geometry import Box
from edge.streams.frame import Image

_LEAST = {"person": 0.2, "vehicle": 0.25, "two_wheeler": 0.3, "face": 0.4}
"""Lower than the alerts' 0.4: who is covered for nothing loses little."""
_OBJECT_SCALE = 0.65
"""Scale at which small people and vehicles are looked for: one of 100 pixels is 65 high."""
_FACE_SCALE = 0.9
"""The face model finds faces from about 10 pixels of its input."""
_LARGE = {
    "face": (0.3, 0.6),
    "person": (0.5, 0.3),
    "vehicle": (0.35, 0.4),
    "two_wheeler": (0.35, 0.4),
}
"""What takes more than this share of the picture's height counts only from this score: so near it
would be sure, and heaps, bins and walls that are taken for it would cost half of the evidence
(measured: bench/redaction.py)."""
_TILE_PX = 2240
"""Longer pictures are looked at in parts: memory grows with the input."""

Place = tuple[tuple[int, int], tuple[int, int]]


class Finder:
    """Finds what has to be covered. Thread-safe.

    Args:
        objects: the object model; its meanings ``person``, ``vehicle`` and ``two_wheeler`` count.
        closer: the same in the precision that is quicker here, for the larger scale; it may serve
            the alerts as well.
        faces: the face model; every detection of it is a face.
    """

    def __init__(
        self, objects: ObjectDetector, closer: ObjectDetector, faces: ObjectDetector
    ) -> None:
        self.objects, self.closer, self._faces = objects, closer, faces

    def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        """People, vehicles, two-wheelers and faces; the same thing may be there several times.

        Args:
            image: BGR, any size.
            quick: at the models' own scales only, for pictures on which nothing small can be made
                out.
        """
        least = min(_LEAST.values())
        found = list(self.objects.find([image], least=least)[0])
        if not quick and max(image.shape) * _OBJECT_SCALE > self.closer.card.input.width:
            found += _at_scale(self.closer, image, _OBJECT_SCALE, least)
        if quick:
            found += self._faces.find([image], least=_LEAST["face"])[0]
        else:
            found += _at_scale(self._faces, image, _FACE_SCALE, _LEAST["face"])
        return tuple(d for d in found if _believed(d))


def _believed(d: Detection) -> bool:
    height, score = _LARGE.get(d.meaning, (1.0, 0.0))
    if d.score < _LEAST.get(d.meaning, 1.0):  # a meaning that is nobody's secret
        return False
    return d.box.height <= height or d.score >= score


def _at_scale(model: ObjectDetector, image: Image, scale: float, least: float) -> list[Detection]:
    """What a model sees of the picture at a scale, boxes in 0–1 of the whole picture."""
    height, width = image.shape[:2]
    wanted, found = model.card.input, []
    side = _TILE_PX if wanted.step else min(wanted.width, wanted.height) / scale
    for (x0, x1), (y0, y1) in _tiles(width, height, side):
        across, down = x1 - x0, y1 - y0
        # A network with fixed sides gets smaller parts instead of a larger input.
        at = model if not wanted.step else model.with_input(max(across, down) * scale)
        for d in at.find([image[y0:y1, x0:x1]], least=least)[0]:
            box = Box.clipped(
                (x0 + d.box.x0 * across) / width,
                (y0 + d.box.y0 * down) / height,
                (x0 + d.box.x1 * across) / width,
                (y0 + d.box.y1 * down) / height,
            )
            found.append(replace(d, box=box))
    return found


def _tiles(width: int, height: int, side: float) -> list[Place]:
    """Overlapping tiles of at most about that side in pixels; one, where the picture is smaller."""
    columns, rows = (spans(length, fewest(length, side)) for length in (width, height))
    return [(xs, ys) for ys, xs in product(rows, columns)]
