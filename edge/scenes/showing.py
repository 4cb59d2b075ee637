"""How well a picture shows a thing: how sharp and large, how much of it hidden, how it is lit.

Every share is 0–1 and they are multiplied: a picture on which the thing is hidden is of no use
however sharp it is. ``docs/decisions/0012-best-frame.md`` has the measurements behind the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.streams.frame import Frame
from edge.streams.planes import Planes

_MOVING = ("person", "vehicle", "two_wheeler")
_SIDE = 160
"""Pixels of the longer side at which sharpness is measured: noise weighs otherwise at each."""
_NOISE_SIGMA = 1.0  # of the blur before it: a dark picture's noise is not detail
_OF_MEDIAN = 1.4826  # standard deviation of noise by the median of its magnitude
_HALF_SHARP = 8.0  # variance of the Laplacian at which a picture counts half
_ENOUGH_PX = 240.0  # mean side from which more pixels say no more
_EDGE = 0.003  # a box so near the picture's edge is cut off by it
_CUT, _COLOURLESS = 0.8, 0.85
_DARK, _BRIGHT = 12, 245
_GREY = 3.0  # mean difference of the channels below which a camera shows no colour: infrared
_IN_FRONT = 0.1  # box heights that a passer's foot may stand above the thing's
_GRID = 24
_UNLIKE = 0.5  # standard deviations of a box's brightness
_ALIKE_ENOUGH = 0.8  # boxes tremble and people move: less than that is something else
_LEAST_CONTRAST = 4.0
_CLEAR_COUNTS = 3.0  # the power of what is not hidden: half a thing is less than half a proof

_Grey = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Impression = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
_Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Showing:
    """How well a thing is shown; each 0–1, the more the better.

    Attributes:
        sharp: by the variance of the Laplacian at a fixed scale.
        large: by its pixels.
        clear: share of it that nobody stands in front of.
        whole: less than one where the picture's edge cuts it.
        lit: share that is neither black nor white, less without colour.
        usual: less than one where it looks unlike most looks: something unknown may hide it.
    """

    sharp: float
    large: float
    clear: float
    whole: float
    lit: float
    usual: float = 1.0

    @property
    def quality(self) -> float:
        """All in one, 0–1."""
        return self.sharp * self.large * self.clear * self.whole * self.lit * self.usual

    def beside(self, usual: Impression, one: Impression) -> Showing:
        """The same, by how far the look is like what is usual there."""
        share = min(alike(one, usual) / _ALIKE_ENOUGH, 1.0)
        return replace(self, usual=share**_CLEAR_COUNTS)


def showing(look: Look, box: Box, own: Sequence[Detection]) -> Showing:
    """How well a look shows what is in a box.

    Args:
        look: the picture, with everything that was detected on it.
        box: where the thing is.
        own: what the thing is made of; whoever belongs to it hides nothing.
    """
    frame = look.frame
    x0, y0, x1, y1 = box.pixels(frame.width, frame.height)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    luma = _luma(frame, x0, y0, min(x1, frame.width), min(y1, frame.height))
    if luma.size == 0:
        return Showing(0.0, 0.0, 0.0, 0.0, 0.0)
    edges = sum((box.x0 <= _EDGE, box.y0 <= _EDGE, box.x1 >= 1 - _EDGE, box.y1 >= 1 - _EDGE))
    small = _at_scale(luma)
    lost = float(np.mean((small <= _DARK) | (small >= _BRIGHT)))
    hidden = _hidden(box, _passers(look, box, own))
    detail = sharpness(small, ~hidden)
    return Showing(
        sharp=detail / (detail + _HALF_SHARP),
        large=min(math.sqrt((x1 - x0) * (y1 - y0)) / _ENOUGH_PX, 1.0),
        clear=(1.0 - float(hidden.mean())) ** _CLEAR_COUNTS,
        whole=_CUT**edges,
        lit=(1.0 - lost) * (_COLOURLESS if _colourless(frame, box) else 1.0),
    )


def impression(look: Look, box: Box) -> Impression:
    """What a box looks like, small and freed of brightness and contrast."""
    frame = look.frame
    x0, y0, x1, y1 = box.pixels(frame.width, frame.height)
    luma = _luma(frame, x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
    if luma.size == 0:
        return np.zeros((_GRID, _GRID), np.float32)
    small = cv2.resize(luma, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray((small - small.mean()) / max(float(small.std()), _LEAST_CONTRAST), np.float32)


def alike(one: Impression, usual: Impression) -> float:
    """Share of a box that looks as it usually does: what no detector knows hides things, too."""
    return float((np.abs(one - usual) <= _UNLIKE).mean())


def sharpness(luma: _Grey, seen: _Mask | None = None) -> float:
    """Variance of the Laplacian of a cut-out's brightness, at one scale whatever its size.

    Less what noise adds, by the median of its strength: flat ground has no detail, noise has it
    everywhere. Zero or more.

    Args:
        luma: the cut-out.
        seen: what of it counts, of any size: who stands in front is sharp, too. None: all.
    """
    small = cv2.GaussianBlur(_at_scale(luma), (0, 0), _NOISE_SIGMA)
    edges = cv2.Laplacian(small, cv2.CV_32F)
    if seen is not None and not seen.all():
        size = small.shape[1], small.shape[0]
        mask = cv2.resize(seen.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        edges = edges[mask > 0]
    if not edges.size:
        return 0.0
    noise = _OF_MEDIAN * float(np.median(np.abs(edges)))
    return max(float(edges.var()) - noise * noise, 0.0)


def _at_scale(luma: _Grey) -> _Grey:
    height, width = luma.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if size == (width, height):
        return luma
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, size, interpolation=how), np.uint8)


def _luma(frame: Frame, x0: int, y0: int, x1: int, y1: int) -> _Grey:
    picture = frame.picture
    if isinstance(picture, Planes):
        return picture.y[y0:y1, x0:x1]
    cut = picture[y0:y1, x0:x1]
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8) if cut.size else cut[..., 0]


def _passers(look: Look, box: Box, own: Sequence[Detection]) -> Iterable[Box]:
    """Boxes of people and vehicles that stand before the box: their feet are as low as its own."""
    for seen in look.of(*_MOVING):
        if any(seen.box.iou(part.box) > 0.5 for part in own if part.meaning == seen.meaning):
            continue
        if seen.box.overlap(box) > 0 and seen.box.y1 >= box.y1 - _IN_FRONT * box.height:
            yield seen.box


def _hidden(box: Box, before: Iterable[Box]) -> _Mask:
    """What of a box lies behind any of the others."""
    mask = np.zeros((_GRID, _GRID), bool)
    width, height = max(box.width, 1e-9), max(box.height, 1e-9)
    for other in before:
        x0, x1 = ((x - box.x0) / width * _GRID for x in (other.x0, other.x1))
        y0, y1 = ((y - box.y0) / height * _GRID for y in (other.y0, other.y1))
        mask[max(round(y0), 0) : max(round(y1), 0), max(round(x0), 0) : max(round(x1), 0)] = True
    return mask


def _colourless(frame: Frame, box: Box) -> bool:
    small = frame.small
    x0, y0, x1, y1 = box.pixels(small.shape[1], small.shape[0])
    part = small[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].astype(np.int16)
    return part.size > 0 and float((part.max(axis=2) - part.min(axis=2)).mean()) < _GREY
