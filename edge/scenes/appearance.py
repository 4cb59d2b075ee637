"""What a person looks like, small enough to keep for each, and whether a box shows only background.

Between two looks of a key-frame stream people turn round, bend and step aside: shapes change,
the colours of coat and trousers do not. A descriptor is therefore a colour histogram of the upper
and of the lower body, taken after the light of the whole picture is evened out.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.geometry import Box
from edge.streams.frame import Frame

Descriptor = npt.NDArray[np.float32]
"""Histograms of upper and lower body, ``(2, 8 * 4 + 8)``; each half sums to 1."""

_SIZE = (24, 48)  # pixels a person is resized to: colours need no more
_MIDDLE = slice(5, 19)  # columns that are body rather than the ground beside it
_UPPER, _LOWER = slice(8, 24), slice(24, 42)  # rows of coat and trousers; head and feet left out
_HUES, _SHADES, _GREYS = 8, 4, 8
_COLOURED = 45  # saturation from which a hue means anything
_MIN_PIXELS = 6  # people smaller than this across have no colours to speak of


def light_of(frame: Frame) -> npt.NDArray[np.float32]:
    """Mean of each channel over the picture, ``(3,)`` BGR; what the light does to all alike."""
    mean = cv2.mean(frame.small)[:3]  # NumPy's takes ten times as long
    return np.maximum(np.array(mean, np.float32), np.float32(1.0))


def describe(frame: Frame, box: Box, light: npt.NDArray[np.float32]) -> Descriptor | None:
    """Descriptor of the person in the box; None when too few pixels show them.

    Args:
        frame: the picture.
        box: the person.
        light: of the picture, from :func:`light_of`.
    """
    x0, y0, x1, y1 = box.pixels(frame.width, frame.height)
    if x1 - x0 < _MIN_PIXELS or y1 - y0 < 2 * _MIN_PIXELS:
        return None
    small = frame.part(x0, y0, x1, y1, _SIZE)
    even = np.clip(small.astype(np.float32) * (110.0 / light), 0, 255).astype(np.uint8)
    hsv = cv2.cvtColor(even, cv2.COLOR_BGR2HSV)
    halves = [_histogram(hsv[rows, _MIDDLE].reshape(-1, 3)) for rows in (_UPPER, _LOWER)]
    return np.stack(halves)


def alike(left: Descriptor | None, right: Descriptor | None) -> float | None:
    """Bhattacharyya coefficient of two descriptors, 0–1, or None when one is missing."""
    if left is None or right is None:
        return None
    return float(np.sqrt(left * right).sum(axis=1).mean())


def blended(old: Descriptor | None, new: Descriptor | None, share: float) -> Descriptor | None:
    """The old descriptor moved towards the new one by a share."""
    if old is None or new is None:
        return new if old is None else old
    return np.asarray(old + share * (new - old), np.float32)


def _histogram(hsv: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Coloured pixels by hue and brightness, the rest by brightness; neighbours share."""
    hue, saturation, value = (hsv[:, i].astype(np.float32) for i in range(3))
    coloured = np.clip((saturation - _COLOURED + 20) / 40, 0, 1) * np.clip(value / 60, 0, 1)
    bins = np.zeros(_HUES * _SHADES)
    for hues, hue_part in _shared(hue / 180 * _HUES):
        for shades, shade_part in _shared(value / 256 * _SHADES - 0.5):
            index = hues % _HUES * _SHADES + np.clip(shades, 0, _SHADES - 1)
            bins += np.bincount(index, coloured * hue_part * shade_part, len(bins))
    greys = np.zeros(_GREYS)
    for shades, part in _shared(value / 256 * _GREYS - 0.5):
        greys += np.bincount(np.clip(shades, 0, _GREYS - 1), (1 - coloured) * part, _GREYS)
    return (np.concatenate((bins, greys)) / len(hsv)).astype(np.float32)


def _shared(
    place: npt.NDArray[np.floating],
) -> tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.floating]], ...]:
    """The two bins a value lies between, and its share in each: no jump at a bin's edge."""
    low = np.floor(place).astype(np.int64)
    part = place - low
    return (low, 1 - part), (low + 1, part)
