"""Pictures that must not be analysed: black, covered. They raise a health event, never a case."""

from __future__ import annotations

import cv2

from edge.streams.frame import Image

_BLACK_BELOW = 10.0
_FLAT_BELOW = 5.0
_SAMPLE = (64, 36)


def picture_fault(image: Image) -> str | None:
    """Why a picture is of no use, or None when it can be analysed.

    Measured on a 64 x 36 grey sample: mean brightness for black, spread for a covered lens.
    """
    small = cv2.resize(image, _SAMPLE, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    if float(grey.mean()) < _BLACK_BELOW:
        return "the picture is black"
    if float(grey.std()) < _FLAT_BELOW:
        return "the picture is one flat colour (covered lens?)"
    return None
