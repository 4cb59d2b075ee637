"""QR codes on stickers, by OpenCV's own detector.

``QRCodeDetectorAruco`` finds the three finder patterns as it finds markers: far smaller ones than
``QRCodeDetector`` does, and in less time (``bench/qr_codes.py``).

What a code says is never kept: a payload leaves this module as a hash, enough to know the same
code again. A code that is seen but cannot be decoded is still a code on a wall.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.text_regions import Pixels
from edge.streams.frame import Image

_MIN_SIDE = 24
_LARGER = 2.0
"""Regions are looked at so much larger: modules of 2.5 pixels are found nine times in ten."""
_MAX_PIXELS = 8_300_000  # a 4K picture as it is
_MAX_ASPECT = 2.5


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code on a picture.

    Attributes:
        box: around it, picture pixels.
        payload: hash of what it says, None where it could not be decoded.
    """

    box: tuple[float, float, float, float]
    payload: str | None


class QrFinder:
    """Finds QR codes in parts of a picture. One thread calls it."""

    def __init__(self) -> None:
        self._detector = cv2.QRCodeDetectorAruco()

    def find(self, image: Image, region: Pixels) -> list[Code]:
        """The codes inside a region; none where it is too small to hold one."""
        x0, y0, x1, y1 = region
        if min(x1 - x0, y1 - y0) < _MIN_SIDE:
            return []
        area = (x1 - x0) * (y1 - y0)
        scale = min(math.sqrt(_MAX_PIXELS / area), _LARGER)
        grey = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
        if scale != 1.0:
            how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how)
        try:
            there, payloads, corners, _ = self._detector.detectAndDecodeMulti(grey)
        except cv2.error:  # some patterns make OpenCV's decoder give up with an assertion
            return []
        if not there or corners is None:
            return []
        found = []
        for payload, quad in zip(payloads, np.asarray(corners, np.float64), strict=False):
            if not _plausible(quad):
                continue
            left, top = quad.min(axis=0) / scale
            right, bottom = quad.max(axis=0) / scale
            box = (x0 + float(left), y0 + float(top), x0 + float(right), y0 + float(bottom))
            found.append(Code(box, hashed(payload) if payload else None))
        return found


def hashed(payload: str) -> str:
    """What stands for a payload: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(payload.encode()).hexdigest()[:16]


def _plausible(quad: np.ndarray) -> bool:
    """Four corners of something square, seen from the front or the side."""
    if not np.isfinite(quad).all() or not cv2.isContourConvex(quad.astype(np.float32)):
        return False
    sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
    return bool(sides.min() >= _MIN_SIDE / 2 and sides.max() / max(sides.min(), 1) <= _MAX_ASPECT)
