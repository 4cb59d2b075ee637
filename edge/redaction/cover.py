"""Make parts of a picture unreadable, for good.

A part is averaged to a few blocks and the blocks are blurred into each other: what was there
cannot be computed back, since the pixels are gone. How many blocks is a matter of the thing: a
head is left three to four across, a licence plate less than two a character.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from edge.geometry import Box
from edge.streams.frame import Image

_LEAST_BLOCK_PX = 6.0
"""Below this a block is no bigger than the detail of a far face."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture to cover; ``blocks`` across its shorter side are left."""

    box: Box
    blocks: float


def covered(image: Image, parts: Iterable[Part]) -> Image:
    """A copy with every part made unreadable.

    Args:
        image: ``(height, width, 3)`` BGR; left alone.
        parts: may overlap, and may be smaller than a pixel.
    """
    copy = image.copy()
    height, width = image.shape[:2]
    places = [(part, part.box.pixels(width, height)) for part in parts]
    coarse = [(_block(part, place), place) for part, place in places]
    for block, (x0, y0, x1, y1) in sorted(coarse):  # where parts overlap, the coarsest is seen
        if x1 <= x0 or y1 <= y0:
            continue
        # Always from the picture as it came: blocks of blocks would show more than one size.
        patch = image[y0:y1, x0:x1]
        size = max(round((x1 - x0) / block), 1), max(round((y1 - y0) / block), 1)
        few = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(few, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        copy[y0:y1, x0:x1] = np.asarray(smooth, np.uint8)
    return copy


def _block(part: Part, place: tuple[int, int, int, int]) -> float:
    """Side of the blocks of a part, pixels."""
    x0, y0, x1, y1 = place
    return max(min(x1 - x0, y1 - y0) / part.blocks, _LEAST_BLOCK_PX)
