"""Whether a part of a picture still shows what it showed: light-normalised comparison.

Clouds, dusk and the camera's own exposure change every grey value and nothing that matters, so
pictures are compared by their local structure. Weak structure is not blown up: on a blank wall
the sensor's noise must not pass for a change.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.streams.frame import Image

Grey = NDArray[np.float32]
Pixels = tuple[int, int, int, int]

_PRINT_SIZE = (96, 24)
_THUMB_WIDTH = 384
_BLOCK = 8
_FLOOR = 8.0
"""Grey levels of contrast below which structure is taken for noise."""
_CHANGED = 0.45
"""Mean difference of a block, in local standard deviations, from which it has changed."""
DARK = 18.0
"""Mean grey level under which wording can neither be read nor be said to be gone."""


def fingerprint(image: Image, box: Pixels) -> Grey:
    """A line's picture, small and free of its light, zero mean and unit length; zeros if blank."""
    x0, y0, x1, y1 = box
    grey = cv2.cvtColor(image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, _PRINT_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), 0.8)
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > 1e-3 else np.zeros_like(small)


def likeness(left: Grey, right: Grey) -> float:
    """Correlation of two fingerprints, -1 to 1; a shift by a pixel of the small picture is free."""
    padded = np.pad(left, 1, mode="edge")
    scores = cv2.matchTemplate(padded.astype(np.float32), right, cv2.TM_CCORR)
    return float(scores.max())


class RegionWatch:
    """Says whether a region has changed since its wording was last looked for."""

    def __init__(self) -> None:
        self._seen: Grey | None = None

    def changed(self, image: Image, region: Pixels, passers: Iterable[Pixels]) -> bool:
        """Whether a part differs that nobody stands or drives in front of.

        Args:
            image: the picture.
            region: the part that is watched.
            passers: boxes of people and vehicles.
        """
        if self._seen is None:
            return True
        now = self._visible(image, region, passers)
        if now.shape != self._seen.shape:
            return True
        difference = np.abs(_structure(now) - _structure(self._seen))
        blocks = cv2.resize(
            difference,
            (max(now.shape[1] // _BLOCK, 1), max(now.shape[0] // _BLOCK, 1)),
            interpolation=cv2.INTER_AREA,
        )
        return bool(blocks.max() > _CHANGED)

    def remember(self, image: Image, region: Pixels, passers: Iterable[Pixels]) -> None:
        """Take the region as it is now as looked at, except behind people and vehicles."""
        self._seen = self._visible(image, region, passers)

    def _visible(self, image: Image, region: Pixels, passers: Iterable[Pixels]) -> Grey:
        """The region, small and grey; behind passers-by what was last seen there."""
        now = _small(image, region)
        if self._seen is not None and self._seen.shape == now.shape:
            hidden = _hidden(now.shape, region, passers)
            if hidden.any() and not hidden.all():
                light = float(now[~hidden].mean()) / max(float(self._seen[~hidden].mean()), 1.0)
                now[hidden] = self._seen[hidden] * light
        return now


def _small(image: Image, region: Pixels) -> Grey:
    x0, y0, x1, y1 = region
    width = min(x1 - x0, _THUMB_WIDTH)
    height = max(round((y1 - y0) * width / (x1 - x0)), 1)
    grey = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.8), np.float32)


def _structure(small: Grey) -> Grey:
    """Local mean taken out, local contrast evened."""
    mean = cv2.GaussianBlur(small, (0, 0), 10)
    deviation = np.sqrt(np.maximum(cv2.GaussianBlur(small * small, (0, 0), 10) - mean * mean, 0))
    return np.asarray((small - mean) / np.maximum(deviation, _FLOOR), np.float32)


def _hidden(shape: tuple[int, ...], region: Pixels, passers: Iterable[Pixels]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    scale_x = shape[1] / (region[2] - region[0])
    scale_y = shape[0] / (region[3] - region[1])
    for x0, y0, x1, y1 in passers:
        left, right = ((x - region[0]) * scale_x for x in (x0, x1))
        top, bottom = ((y - region[1]) * scale_y for y in (y0, y1))
        rows = slice(max(int(top) - 1, 0), max(int(bottom) + 3, 0))
        mask[rows, max(int(left) - 1, 0) : max(int(right) + 3, 0)] = True
    return mask
