"""Do two streams show one view? Thumbs of their pictures are compared, however one is squeezed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.streams.frame import Image

Thumb = npt.NDArray[np.float32]
"""Each pixel against its surroundings, ``(36, 64)``."""

_SIZE = (64, 36)
_AROUND = 7  # pixels of the surroundings that each is held against: light and haze drop out
_NOISE = 6.0  # levels of contrast that flat ground counts as having
_ALIKE = 0.4  # one street a minute apart, with traffic: above 0.47; two streets: 0.1
_BLANK = 0.3  # fog and night are no picture to compare


def thumb(image: Image) -> Thumb:
    """The structure of a picture, ``(height, width, 3)`` BGR; its proportions are lost."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA), np.float32)
    small -= cv2.blur(small, (_AROUND, _AROUND))
    contrast = cv2.sqrt(cv2.blur(small * small, (_AROUND, _AROUND)) + _NOISE * _NOISE)
    return np.asarray(small / contrast, np.float32)


def same_view(one: Thumb, other: Thumb) -> bool:
    """Whether both show one place, some seconds apart; True where too little is to be seen."""
    if min(float(one.std()), float(other.std())) < _BLANK:
        return True
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) >= _ALIKE
