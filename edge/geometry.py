"""Boxes in picture coordinates (0–1, origin top left), and the ground plane they stand on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

METRES_PER_DEGREE = 111_320.0
"""Of latitude."""

FARTHEST_M = 500.0
"""A point near the horizon maps to nonsense far away; nothing farther is believed."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel box; ``x0 <= x1`` and ``y0 <= y1``, all within 0–1.

    Raises:
        ValueError: when the corners are out of order (clip first with :meth:`clipped`).
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.x0 <= self.x1 <= 1.0 and 0.0 <= self.y0 <= self.y1 <= 1.0):
            raise ValueError(f"box out of order or out of the picture: {self}")

    @classmethod
    def clipped(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box cut to the picture, corners put in order."""
        left, right = sorted((min(max(x0, 0.0), 1.0), min(max(x1, 0.0), 1.0)))
        top, bottom = sorted((min(max(y0, 0.0), 1.0), min(max(y1, 0.0), 1.0)))
        return cls(left, top, right, bottom)

    @property
    def width(self) -> float:
        """Share of the picture's width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Share of the picture's height."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Share of the picture's area."""
        return self.width * self.height

    @property
    def foot(self) -> tuple[float, float]:
        """Where the thing meets the ground: the middle of the lower edge."""
        return ((self.x0 + self.x1) / 2, self.y1)

    def overlap(self, other: Box) -> float:
        """Area of the intersection, as a share of the picture."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0–1."""
        shared = self.overlap(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def covered_by(self, other: Box) -> float:
        """Share of this box that lies inside the other, 0–1."""
        return self.overlap(other) / self.area if self.area > 0 else 0.0

    def grown(self, share: float) -> Box:
        """The box enlarged on each side by ``share`` of its own size, cut to the picture."""
        dx, dy = self.width * share, self.height * share
        return Box.clipped(self.x0 - dx, self.y0 - dy, self.x1 + dx, self.y1 + dy)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Whole-pixel corners ``(x0, y0, x1, y1)`` in a picture of that size."""
        return (
            int(self.x0 * width),
            int(self.y0 * height),
            min(int(self.x1 * width + 0.999), width),
            min(int(self.y1 * height + 0.999), height),
        )


def enclosing(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them.

    Raises:
        ValueError: when there is none to enclose.
    """
    found = list(boxes)
    if not found:
        raise ValueError("no box to enclose")
    return Box(
        min(b.x0 for b in found),
        min(b.y0 for b in found),
        max(b.x1 for b in found),
        max(b.y1 for b in found),
    )


def same_spot(one: Box, other: Box) -> bool:
    """Whether two boxes are of one place: much of both, or most of the smaller, is shared."""
    return one.iou(other) >= 0.3 or max(one.covered_by(other), other.covered_by(one)) >= 0.7


def to_metres(origin: tuple[float, float], point: tuple[float, float]) -> tuple[float, float]:
    """Degrees (lon, lat) to metres east and north of an origin nearby."""
    shrink = math.cos(math.radians(origin[1]))
    return (
        (point[0] - origin[0]) * METRES_PER_DEGREE * shrink,
        (point[1] - origin[1]) * METRES_PER_DEGREE,
    )


class GroundPlane:
    """From the picture to the ground, by four or more known points.

    Args:
        picture: points 0–1.
        ground: the same points, metres east and north of any origin nearby.

    Raises:
        ValueError: the points do not span a plane.
    """

    def __init__(
        self, picture: Sequence[tuple[float, float]], ground: Sequence[tuple[float, float]]
    ) -> None:
        matrix, _ = cv2.findHomography(np.array(picture, float), np.array(ground, float))
        if matrix is None or abs(float(np.linalg.det(matrix))) < 1e-9:
            raise ValueError("the points do not span a plane")
        self._matrix = np.asarray(matrix, np.float64)
        middle = np.array([*np.mean(np.array(picture, float), axis=0), 1.0])
        self._near = math.copysign(1.0, float(self._matrix[2] @ middle))

    def at(self, x: float, y: float) -> tuple[float, float] | None:
        """Metres east and north; None at or above the horizon."""
        east, north, scale = self._matrix @ np.array([x, y, 1.0])
        if scale * self._near < 1e-9:
            return None
        return float(east / scale), float(north / scale)

    def size(self, box: Box) -> tuple[float, float] | None:
        """Metres: width of the lower edge, and depth if the box lay flat, so an upper bound.

        None where the box reaches beyond what can be measured.
        """
        corners = (self.at(box.x0, box.y1), self.at(box.x1, box.y1))
        foot, top = self.at(*box.foot), self.at(box.foot[0], box.y0)
        if None in (*corners, foot, top):
            return None
        left, right = corners
        assert left and right and foot and top  # noqa: S101, PT018 - just tested
        width, depth = math.dist(left, right), math.dist(foot, top)
        return (width, depth) if max(width, depth) <= FARTHEST_M else None
