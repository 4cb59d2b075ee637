"""Whether the ground still shows through a change: its edges stay under any light.

Light multiplies: in logarithms it adds a smooth surface, and the edges of the ground stay where
they are, in their directions. A thing hides them and brings its own. That needs no colour and no
level, so it holds in the rain, at dusk, and when an hour lies between background and look.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.detectors.background import Floats, Mask, mean_of, pure_log

_LIMIT = 0.05  # slope per pixel from which an edge counts in full: contrast is not structure
_FAINT = 0.24  # mean limited slope of ground below which nothing can be said


def shows_through(now: Floats, background: Floats, region: Mask) -> float:
    """How far the slopes of now are those of the background, -1 to 1; 0 on bare ground.

    Args:
        now: logarithms, better the mean of several looks: noise has slopes of its own.
        background: the same place without what may stand there.
        region: where to compare.
    """
    a, b = _slopes(now)[region], _slopes(background)[region]
    size = float(np.sqrt(float((a * a).sum()) * float((b * b).sum())))
    if size <= 0 or float(np.sqrt((b * b).sum(axis=1)).mean()) < _FAINT:
        return 0.0
    return float((a * b).sum() / size)


def _slopes(logs: Floats) -> Floats:
    """Slopes across and down, ``(h, w, 2)``, long ones limited."""
    grey = cv2.GaussianBlur(mean_of(pure_log(logs)), (3, 3), 0)
    slopes = cv2.merge([cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)])
    slopes = slopes / 32.0
    length = np.sqrt((slopes * slopes).sum(axis=2, keepdims=True))
    return np.asarray(slopes / (length + _LIMIT), np.float32)
