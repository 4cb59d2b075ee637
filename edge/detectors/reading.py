"""What a line of text says: the second half of OCR, run only where it has to be.

Every line is read once as it is. One that holds a number, or that was read with doubt, is read
again in other guises (wider, more contrast, sharper), and what most of them say is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.consensus import Reading, is_number
from edge.detectors.text_regions import Quad
from edge.streams.frame import Image

_HEIGHT = 48  # of what the network reads
_MAX_ASPECT = 40.0
_DOUBT = 0.85
_MARGIN = 0.12


class LineReader:
    """Reads lines of text. One thread calls it.

    Args:
        engine: a ``RapidOCR``, whose recognition network is used.

    Attributes:
        lines_read: lines put through the network so far, each guise counted.
    """

    def __init__(self, engine: Any) -> None:
        self._net = engine.text_rec
        self.lines_read = 0

    def read(self, image: Image, lines: Sequence[Quad]) -> list[list[Reading]]:
        """One or more readings for each line, best guise first; none where nothing is legible."""
        plain = [straightened(image, quad) for quad in lines]
        first = self._recognise(plain)
        readings = [[reading] if reading.text.strip() else [] for reading in first]
        for number, reading in enumerate(first):
            if is_number(reading.text) or (reading.score < _DOUBT and len(reading.text) >= 2):
                again = self._recognise(_guises(straightened(image, lines[number], _MARGIN)))
                readings[number] += [r for r in again if r.text.strip()]
        return readings

    def _recognise(self, crops: Sequence[Image]) -> list[Reading]:
        if not crops:
            return []
        self.lines_read += len(crops)
        results, _ = self._net(list(crops))
        return [Reading(str(result[0]), float(result[1])) for result in results]


def straightened(image: Image, quad: Quad, margin: float = 0.0) -> Image:
    """The line cut out and set level, ``_HEIGHT`` pixels high, BGR.

    Args:
        image: the whole picture.
        quad: the line's corners.
        margin: share of its height added on each side.
    """
    top_left, top_right, bottom_right, bottom_left = quad.astype(np.float64)
    width = max(_apart(top_left, top_right), _apart(bottom_left, bottom_right), 1.0)
    height = max(_apart(top_left, bottom_left), _apart(top_right, bottom_right), 1.0)
    if height >= 1.5 * width:  # written from top to bottom: read lying on its side
        quad = np.roll(quad, -1, axis=0)
        width, height = height, width
    pad = margin * height
    aspect = min((width + 2 * pad) / (height + 2 * pad), _MAX_ASPECT)
    size = (max(round(_HEIGHT * aspect), 8), _HEIGHT)
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inner = (flat + pad) * np.float32(_HEIGHT / (height + 2 * pad))
    warp = cv2.getPerspectiveTransform(quad.astype(np.float32), inner.astype(np.float32))
    cut = cv2.warpPerspective(
        image, warp, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(one - other))


def _guises(crop: Image) -> list[Image]:
    """The line as it is, wider, with more contrast, sharper, and sharper and wider."""
    wider = (round(crop.shape[1] * 1.3), crop.shape[0])
    sharp = cv2.addWeighted(crop, 1.8, cv2.GaussianBlur(crop, (0, 0), 2.0), -0.8, 0)
    return [
        crop,
        np.asarray(cv2.resize(crop, wider, interpolation=cv2.INTER_CUBIC), np.uint8),
        _more_contrast(crop),
        np.asarray(sharp, np.uint8),
        np.asarray(cv2.resize(sharp, wider, interpolation=cv2.INTER_CUBIC), np.uint8),
    ]


def _more_contrast(crop: Image) -> Image:
    lab = cv2.cvtColor(crop, cv2.COLOR_BGR2LAB)
    light = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(1, 4)).apply(lab[:, :, 0])
    return np.asarray(cv2.cvtColor(np.dstack((light, lab[:, :, 1:])), cv2.COLOR_LAB2BGR), np.uint8)
