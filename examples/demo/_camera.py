"""The recording: its frames, its camera's geometry, and what in it stands before a new thing.

Things are composited where a pinhole camera would see them, so that their size and the angle they
are seen from are those of the people beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

WIDTH, HEIGHT = 768, 576
FPS, SECONDS, APPEARS_S = 10, 60, 12
FRAMES = FPS * SECONDS

# Fitted to the height of the people who walk through the recording (1.75 m): metres and pixels.
_FOCAL, _TILT, _MAST = 1200.0, np.radians(17.6), 6.9

_CHANGED = 24  # grey levels; compression noise of the recording stays below


def project(points: Sequence[tuple[float, float, float]] | Points) -> Points:
    """Where metres (right, ahead, up) appear on the picture, ``(n, 2)`` pixels."""
    right, ahead, up = np.asarray(points, np.float64).reshape(-1, 3).T
    below = _MAST - up
    depth = ahead * np.cos(_TILT) + below * np.sin(_TILT)
    down = below * np.cos(_TILT) - ahead * np.sin(_TILT)
    return np.stack(
        (WIDTH / 2 + _FOCAL * right / depth, HEIGHT / 2 + _FOCAL * down / depth), axis=1
    )


def ground(u: float, v: float) -> tuple[float, float]:
    """The ground point (right, ahead), in metres, that appears at a pixel."""
    slope = np.tan(_TILT + np.arctan2(v - HEIGHT / 2, _FOCAL))
    ahead = _MAST / slope
    depth = ahead * np.cos(_TILT) + _MAST * np.sin(_TILT)
    return (u - WIDTH / 2) * depth / _FOCAL, ahead


def footage(path: Path, first: int = 0, count: int = FRAMES) -> Iterator[Frame]:
    """Consecutive frames of the recording, BGR."""
    with av.open(str(path)) as source:
        for number, frame in enumerate(source.decode(video=0)):
            if number >= first + count:
                return
            if number >= first:
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def empty_plaza(path: Path) -> Frame:
    """The plaza without people: the median over the recording."""
    sample = [frame for number, frame in enumerate(footage(path, count=795)) if number % 8 == 0]
    return np.asarray(np.median(np.stack(sample), axis=0), np.uint8)


class Passers:
    """Finds who passes before a thing, so that they are not painted over.

    Args:
        plaza: the plaza without people.
        fixed: mask of what always stands before the thing (a tripod), 0-1.
    """

    def __init__(self, plaza: Frame, fixed: Floats | None = None) -> None:
        self._plaza = plaza
        self._fixed = np.zeros((HEIGHT, WIDTH), np.float32) if fixed is None else fixed

    def before(self, frame: Frame, near: Floats) -> Floats:
        """Mask, 0-1, of the people whose feet are nearer to the camera than ``near``.

        ``near`` gives for every picture column the lowest row the thing stands on.
        """
        mask = self._fixed.copy()
        for body, bottom, middle in self.bodies(frame):
            if bottom > near[middle]:
                mask[body] = 1.0
        return np.asarray(cv2.GaussianBlur(mask, (3, 3), 0.7), np.float32)

    def bodies(self, frame: Frame) -> Iterator[tuple[npt.NDArray[np.bool_], int, int]]:
        """Who walks through the picture: mask, the row the feet are on, the middle's column."""
        change = cv2.absdiff(frame, self._plaza).max(axis=2)
        moved = cv2.medianBlur((change > _CHANGED).astype(np.uint8), 3)
        tall = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 13))
        moved = cv2.morphologyEx(moved, cv2.MORPH_CLOSE, tall)
        count, labels, stats, centres = cv2.connectedComponentsWithStats(moved)
        body = cv2.morphologyEx(
            ((change > _CHANGED) & ~self._like_ground(frame)).astype(np.uint8),
            cv2.MORPH_CLOSE,
            np.ones((3, 3), np.uint8),
        )
        for index in range(1, count):
            bottom = stats[index, cv2.CC_STAT_TOP] + stats[index, cv2.CC_STAT_HEIGHT]
            if stats[index, cv2.CC_STAT_HEIGHT] > 30:
                yield (labels == index) & (body > 0), int(bottom), int(centres[index, 0])

    def _like_ground(self, frame: Frame) -> npt.NDArray[np.bool_]:
        """Where only light has changed: a walker's own shadow is not the walker."""
        ratio = (frame.astype(np.float32) + 4) / (self._plaza.astype(np.float32) + 4)
        light = ratio.mean(axis=2)
        same_hue = ratio.max(axis=2) - ratio.min(axis=2) < 0.10
        return np.asarray(same_hue & (light > 0.6) & (light < 1.18), np.bool_)


def tripod(plaza: Frame) -> Floats:
    """Mask of the recording's black tripod, which stands before the place of the rubbish."""
    outline = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(outline, [np.array([(496, 334), (516, 334), (532, 484), (452, 476)])], 1)
    dark = (plaza.max(axis=2) < 92) & (outline > 0)
    return np.asarray(dark, np.float32)
