"""The picture after brought to the angle of the picture before: a camera that was shaken or turned
a little still gives a pair that can be laid over each other.

Features of both (ORB) are matched, and the most faithful transform that most of them agree on is
taken (MAGSAC). Where too few agree there is none: a wrong overlay is worse than none.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.streams.frame import Image

_WIDTH = 960
_FEATURES = 3000
_RATIO = 0.8
_LEAST = 30
_TOLERANCE_PX = 2.0
_FARTHEST = 0.2
_SIZES = (0.8, 1.25)

Transform = npt.NDArray[np.float64]
"""``(3, 3)``: pixels of the picture after to pixels of the one before."""


def transform(before: Image, after: Image) -> Transform | None:
    """How the picture after must be moved to lie over the one before; None: nobody can tell.

    Args:
        before, after: BGR, any sizes.
    """
    scale = _WIDTH / before.shape[1], _WIDTH / after.shape[1]
    points = _matches(_small(before, scale[0]), _small(after, scale[1]))
    if points is None:
        return None
    ours, theirs = points
    found, agree = cv2.findHomography(theirs, ours, cv2.USAC_MAGSAC, _TOLERANCE_PX)
    if found is None or int(agree.sum()) < _LEAST:
        return None
    full = np.diag([1 / scale[0], 1 / scale[0], 1.0]) @ found @ np.diag([scale[1], scale[1], 1.0])
    full /= full[2, 2]
    return np.asarray(full, np.float64) if _is_likely(full, before, after) else None


def brought_over(before: Image, after: Image) -> Image | None:
    """The picture after at the angle and size of the one before; None where that cannot be told."""
    found = transform(before, after)
    if found is None:
        return None
    return laid_over(before, after, found)


def laid_over(before: Image, after: Image, found: Transform) -> Image:
    """The picture after, moved as :func:`transform` found, at the size of the one before."""
    height, width = before.shape[:2]
    return np.asarray(cv2.warpPerspective(after, found, (width, height)), np.uint8)


def moved_by(before: Image, after: Image, found: Transform) -> float:
    """How far the corner that has moved most has moved, as a share of the picture's width."""
    corners, moved = _corners(after, found)
    grown = np.array(before.shape[1::-1]) / np.array(after.shape[1::-1])
    return float(np.abs(moved - corners * grown).max() / before.shape[1])


def _corners(
    after: Image, found: Transform
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    height, width = after.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = cv2.perspectiveTransform(corners[None], found)[0]
    return corners, np.asarray(moved, np.float64)


def _small(image: Image, scale: float) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    size = _WIDTH, max(round(image.shape[0] * scale), 1)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _matches(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """Points of both that look alike, ``(n, 2)`` each."""
    orb = cv2.ORB.create(_FEATURES, fastThreshold=8)
    (ours, about_ours), (theirs, about_theirs) = (
        orb.detectAndCompute(picture, None) for picture in (before, after)
    )
    if about_ours is None or about_theirs is None or min(len(ours), len(theirs)) < _LEAST:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(about_ours, about_theirs, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < _RATIO * p[1].distance]
    if len(good) < _LEAST:
        return None
    return (
        np.array([ours[m.queryIdx].pt for m in good], np.float32),
        np.array([theirs[m.trainIdx].pt for m in good], np.float32),
    )


def _is_likely(found: Transform, before: Image, after: Image) -> bool:
    """A camera is shaken, not carried away: corners stay near their places, sizes alike."""
    if moved_by(before, after, found) > _FARTHEST:
        return False
    _, moved = _corners(after, found)
    area = cv2.contourArea(moved.astype(np.float32)) / (before.shape[0] * before.shape[1])
    return bool(_SIZES[0] <= area <= _SIZES[1])
