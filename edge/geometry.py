"""Boxes in picture coordinates: 0–1, origin top left, independent of resolution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
