"""What stood there from the start: detectors take boards and cones for people, and stay with it.

A person breathes, turns and shifts; an information board is the same picture for hours. A camera's
first pictures are therefore kept as one median picture, and a box that still looks like it shows
furniture, whatever the detector calls it.
"""

from __future__ import annotations

from datetime import datetime

import cv2
import numpy as np

from edge.geometry import Box
from edge.streams.frame import Frame, Image, shrunk

_WIDTH = 480  # pixels across at which the empty view is kept
_SAMPLES = 9  # pictures the median is made of
_SAME = 0.94  # a board stays above 0.96, people in a group that stands fall below 0.91
_MIN_CONTRAST = 4.0  # grey levels; flat ground correlates with anything
_MIN_SIDE = 4  # pixels; below that there is nothing to compare


class EmptyView:
    """The median of a camera's first pictures.

    Args:
        learn_s: seconds from the first picture over which it is made.
    """

    def __init__(self, learn_s: float) -> None:
        self._learn_s = learn_s
        self._size: tuple[int, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._began: datetime | None = None
        self._samples: list[Image] = []
        self._taken = 0
        self._view: Image | None = None

    def take(self, frame: Frame) -> None:
        """Learn from a picture, as long as there is something to learn."""
        now, size = frame.captured_at, (frame.width, frame.height)
        if size != self._size:
            self._forget()  # another stream profile is another view
            self._size = size
        if self._view is not None:
            return
        self._began = self._began or now
        spent_s = (now - self._began).total_seconds()
        if spent_s >= self._taken * self._learn_s / _SAMPLES:
            self._samples.append(_grey(shrunk(frame.picture, _WIDTH)))
            self._taken += 1
        if spent_s >= self._learn_s and len(self._samples) >= 3:
            self._view = np.median(np.stack(self._samples), axis=0).astype(np.uint8)
            self._samples.clear()

    def shows_only(self, frame: Frame, box: Box) -> bool:
        """Whether the box looks as it did at the start; False as long as that is not known."""
        if self._view is None:
            return False
        height, width = self._view.shape
        x0, y0, x1, y1 = box.pixels(width, height)
        if x1 - x0 < _MIN_SIDE or y1 - y0 < _MIN_SIDE:
            return False
        before = self._view[y0:y1, x0:x1]
        # The same whole pixels of both: half a pixel off costs a tenth of the likeness.
        exact = Box.clipped(x0 / width, y0 / height, x1 / width, y1 / height)
        left, top, right, bottom = exact.pixels(frame.width, frame.height)
        now = _grey(frame.part(left, top, right, bottom, (x1 - x0, y1 - y0)))
        return _correlation(before.astype(np.float32), now.astype(np.float32)) >= _SAME


def _grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _correlation(left: np.ndarray, right: np.ndarray) -> float:
    if min(left.std(), right.std()) < _MIN_CONTRAST:
        return 0.0
    return float(np.corrcoef(left.ravel(), right.ravel())[0, 1])
