"""The one thing that leaves this room: a decoded picture of a camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture, ``(height, width, 3)``, BGR, 8 bits."""

Reason = Literal["key_frame", "visit", "still"]

SMALL_WIDTH = 320
"""Pixels across of :attr:`Frame.small`."""


def shrunk(image: Image, width: int) -> Image:
    """A picture so many pixels wide, each the mean of what it covers."""
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture and when, where and why it was taken.

    Attributes:
        camera_id: the configured id.
        captured_at: when the packet arrived at the box, aware UTC (cameras' own clocks lie).
        image: ``(height, width, 3)`` BGR.
        reason: a key frame of a held stream, a patrol visit, or a still picture of a folder.
        sequence: counts this camera's pictures since its worker started.
    """

    camera_id: str
    captured_at: datetime
    image: Image
    reason: Reason
    sequence: int
    _small: list[Image] = field(default_factory=list, init=False, repr=False)

    @property
    def small(self) -> Image:
        """The picture 320 pixels wide, made once: several ask for it, and it costs 1 ms."""
        if not self._small:
            self._small.append(shrunk(self.image, SMALL_WIDTH))
        return self._small[0]

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.image.shape[0])
