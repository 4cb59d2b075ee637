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
_Shared = tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]], ...]
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


def _shared(places: npt.NDArray[np.float64]) -> _Shared:
    """The two bins each value lies between, and its share in each: no jump at a bin's edge."""
    low = np.floor(places).astype(np.int64)
    part = places - low
    return (low, 1 - part), (low + 1, part)


# Hue, saturation and value are bytes: what each means is worked out once, not for every pixel.
_BYTES = np.arange(256, dtype=np.float64)
_HUE = tuple((bins % _HUES * _SHADES, share) for bins, share in _shared(_BYTES / 180 * _HUES))
_SHADE = tuple(
    (np.clip(bins, 0, _SHADES - 1), share) for bins, share in _shared(_BYTES / 256 * _SHADES - 0.5)
)
_GREY = tuple(
    (np.clip(bins, 0, _GREYS - 1) + _HUES * _SHADES, share)
    for bins, share in _shared(_BYTES / 256 * _GREYS - 0.5)
)
_IS_COLOURED = np.clip((_BYTES - _COLOURED + 20) / 40, 0, 1)
_IS_BRIGHT = np.clip(_BYTES / 60, 0, 1)


def _histogram(hsv: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Coloured pixels by hue and brightness, the rest by brightness; neighbours share."""
    hue, saturation, value = hsv[:, 0], hsv[:, 1], hsv[:, 2]
    coloured = _IS_COLOURED[saturation] * _IS_BRIGHT[value]
    bins, weights = [], []
    for hues, hue_share in _HUE:
        by_hue, of_hue = hues[hue], coloured * hue_share[hue]
        for shades, share in _SHADE:
            bins.append(by_hue + shades[value])
            weights.append(of_hue * share[value])
    for greys, share in _GREY:
        bins.append(greys[value])
        weights.append((1 - coloured) * share[value])
    found = np.bincount(np.concatenate(bins), np.concatenate(weights), _HUES * _SHADES + _GREYS)
    return (found / len(hsv)).astype(np.float32)
