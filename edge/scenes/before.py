"""What a zone looked like while its signs were learned.

A sign that hung there all along may become legible only later: in better light, or because the
reader has a good day. Whatever the picture already showed in the learning time is not new. The
picture kept is small, grey, and the median of several looks, so that nobody passing is on it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import PictureError
from edge.geometry import Box
from edge.pictures import read_picture
from edge.streams.frame import Image

Grey = NDArray[np.uint8]

_WIDTH = 960
_LOOKS = 9
_ALIKE = 0.7
_CONTRAST = 5.0  # grey levels; less is a blank wall, which looks like any other
_LEEWAY = 4  # pixels the camera may have moved
_LEAST_SIDE = 5
_COARSE_WIDTH, _CELLS = 320, (6, 4)
_CELL_CONTRAST, _CELL_ALIKE, _CELLS_ALIKE = 8.0, 0.4, 0.25
_IN_ZONE = 0.5
_SAME_CELL, _SAME_CELLS, _FEWEST_CELLS = 0.7, 0.65, 6
"""A sticker on a painted figure covers a part of it; whoever stands there fills most of his box."""


class WallBefore:
    """The picture of one zone from its learning time. One thread calls it.

    Args:
        bounds: box around the zone.
        memory: PNG that keeps the picture over a restart, or None.
    """

    def __init__(self, bounds: Box, memory: Path | None) -> None:
        self._bounds = bounds
        self._memory = memory
        self._looks: list[Grey] = []
        self._before = _load(memory)

    def see(self, image: Image) -> None:
        """Take in a look of the learning time; a few spread over it are kept."""
        look = self._small(image)
        if self._looks and self._looks[0].shape != look.shape:
            self._looks.clear()
        if len(self._looks) == _LOOKS:
            self._looks = self._looks[::2]
        self._looks.append(look)

    def settle(self) -> None:
        """The learning time is over: keep the median of its looks."""
        if not self._looks:
            return
        self._before = np.median(np.stack(self._looks), axis=0).astype(np.uint8)
        self._looks.clear()
        if self._memory is not None:
            done, data = cv2.imencode(".png", self._before)
            if done:
                draft = self._memory.with_suffix(".new")
                try:
                    self._memory.parent.mkdir(parents=True, exist_ok=True)
                    draft.write_bytes(bytes(data))
                    draft.replace(self._memory)
                except OSError:
                    return  # only a restart would miss it

    def showed(self, image: Image, box: Box) -> bool:
        """Whether the same structure stood in this box back then, whatever its light."""
        both = self._now_and_then(image)
        return both is not None and self._showed(*both, box)

    def _now_and_then(self, image: Image) -> tuple[Grey, Grey] | None:
        """The zone on this picture and in the learning time; None where they do not compare."""
        now = self._small(image)
        if self._before is None or now.shape != self._before.shape:
            return None
        return now, self._before

    def _showed(self, now: Grey, before: Grey, box: Box) -> bool:
        x0, y0, x1, y1 = self._within(box, now)
        part = cv2.GaussianBlur(now[y0:y1, x0:x1], (0, 0), 0.7) if x1 > x0 and y1 > y0 else None
        if part is None or min(part.shape) < _LEAST_SIDE or float(part.std()) < _CONTRAST:
            return False
        around = before[max(y0 - _LEEWAY, 0) : y1 + _LEEWAY, max(x0 - _LEEWAY, 0) : x1 + _LEEWAY]
        match = cv2.matchTemplate(cv2.GaussianBlur(around, (0, 0), 0.7), part, cv2.TM_CCOEFF_NORMED)
        return bool(match.max() >= _ALIKE)

    def new_on(self, image: Image, thing: Box, shown: Box) -> bool:
        """Whether what is shown is new on a thing that was there back then.

        Detectors see people and motorcycles in graffiti and on posters; what brings wording with
        it was not there before the wording. False where the zone holds too little of either.
        """
        known = thing.covered_by(self._bounds) >= _IN_ZONE and shown.covered_by(self._bounds) > 0.9
        both = self._now_and_then(image) if known else None
        return both is not None and not self._showed(*both, shown) and self._unchanged(*both, thing)

    def _unchanged(self, now: Grey, before: Grey, box: Box) -> bool:
        """Whether most of this box is as it was back then.

        Part by part: neither a bright sticker nor the wall beside a person decides for the rest.
        """
        x0, y0, x1, y1 = self._within(box, now)
        if x1 - x0 < _CELLS[0] * _LEAST_SIDE or y1 - y0 < _CELLS[1] * _LEAST_SIDE:
            return False
        here, then = now[y0:y1, x0:x1], before[y0:y1, x0:x1]
        # What is blank on both pictures says nothing; what is blank on one has changed.
        known = [
            min((0.0 if likeness is None else likeness) for likeness in both)
            for both in zip(_likenesses(here, then), _likenesses(then, here), strict=True)
            if any(likeness is not None for likeness in both)
        ]
        alike = sum(likeness >= _SAME_CELL for likeness in known)
        return len(known) >= _FEWEST_CELLS and alike >= _SAME_CELLS * len(known)

    def elsewhere(self, image: Image) -> bool:
        """Whether the camera now looks at another place: hardly any part of the zone is alike.

        What hangs there now was not there to be learned, so nothing can be said about it.
        """
        if self._before is None:
            return False
        now = self._small(image)
        if now.shape != self._before.shape:
            return True
        scale = min(_COARSE_WIDTH / now.shape[1], 1.0)
        size = tuple(max(round(side * scale), 8) for side in reversed(now.shape))
        coarse_now, coarse_before = (
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            for picture in (now, self._before)
        )
        cells = _likenesses(coarse_now, coarse_before)
        known = [likeness for likeness in cells if likeness is not None]
        alike = sum(likeness >= _CELL_ALIKE for likeness in known)
        return len(known) >= 4 and alike < _CELLS_ALIKE * len(known)

    def _within(self, box: Box, zone: Grey) -> tuple[int, int, int, int]:
        """A box of the picture as pixels of the zone's picture."""
        height, width = zone.shape
        return Box.clipped(
            (box.x0 - self._bounds.x0) / self._bounds.width,
            (box.y0 - self._bounds.y0) / self._bounds.height,
            (box.x1 - self._bounds.x0) / self._bounds.width,
            (box.y1 - self._bounds.y0) / self._bounds.height,
        ).pixels(width, height)

    def _small(self, image: Image) -> Grey:
        x0, y0, x1, y1 = self._bounds.pixels(image.shape[1], image.shape[0])
        grey = cv2.cvtColor(image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], cv2.COLOR_BGR2GRAY)
        scale = min(_WIDTH / image.shape[1], 1.0)
        size = (max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1))
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _likenesses(now: Grey, before: Grey) -> list[float | None]:
    """How alike each cell of two equally large pictures is; None for those blank before."""
    return [
        _cell_likeness(now, before, column, row)
        for column in range(_CELLS[0])
        for row in range(_CELLS[1])
    ]


def _cell_likeness(now: Grey, before: Grey, column: int, row: int) -> float | None:
    """How alike one cell of the zone is, shifts by a few pixels free; None for a blank one."""
    height, width = before.shape
    x0, x1 = column * width // _CELLS[0], (column + 1) * width // _CELLS[0]
    y0, y1 = row * height // _CELLS[1], (row + 1) * height // _CELLS[1]
    part = before[y0:y1, x0:x1]
    if part.size == 0 or float(part.std()) < _CELL_CONTRAST:
        return None
    around = now[max(y0 - _LEEWAY, 0) : y1 + _LEEWAY, max(x0 - _LEEWAY, 0) : x1 + _LEEWAY]
    return float(cv2.matchTemplate(around, part, cv2.TM_CCOEFF_NORMED).max())


def _load(memory: Path | None) -> Grey | None:
    if memory is None or not memory.is_file():
        return None
    try:
        return np.ascontiguousarray(read_picture(memory)[:, :, 0])
    except PictureError:  # torn by a power cut: it is learned anew
        return None
