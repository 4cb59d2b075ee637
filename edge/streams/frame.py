"""The one thing that leaves this room: a decoded picture of a camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture, ``(height, width, 3)``, BGR, 8 bits."""

Reason = Literal["key_frame", "visit", "still"]


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

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.image.shape[0])
