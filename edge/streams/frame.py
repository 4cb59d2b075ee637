"""The one thing that leaves this room: a decoded picture of a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import cv2

from edge.streams.planes import Image, Picture, as_bgr, cut, resized

__all__ = ["SMALL_WIDTH", "Frame", "Image", "Picture", "Reason", "shrunk"]

Reason = Literal["key_frame", "visit", "still", "evidence"]

SMALL_WIDTH = 320
"""Pixels across of :attr:`Frame.small`."""
_LONGEST = 16  # times as high as wide: a sliver is squeezed, or its small picture would be huge


def shrunk(picture: Picture, width: int) -> Image:
    """A picture in BGR so many pixels wide, each the mean of what it covers."""
    height = min(max(round(picture.shape[0] * width / picture.shape[1]), 1), _LONGEST * width)
    return resized(picture, width, height, cv2.INTER_AREA)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Frame:
    """A picture and when, where and why it was taken.

    Attributes:
        camera_id: the configured id.
        captured_at: when the packet arrived at the box, aware UTC (cameras' own clocks lie).
        picture: as the decoder gave it, or ``(height, width, 3)`` BGR.
        reason: a key frame of a held stream, a patrol visit, a still picture of a folder, or
            the one picture of a main stream that was fetched as evidence.
        sequence: counts this camera's pictures since its worker started.
    """

    camera_id: str
    captured_at: datetime
    picture: Picture
    reason: Reason
    sequence: int
    _made: dict[str, Image] = field(default_factory=dict, init=False, repr=False)

    @property
    def image(self) -> Image:
        """The whole picture, ``(height, width, 3)`` BGR, made when first asked for: 1-2 ms.

        What can do with :attr:`small` or :meth:`part` should: on most looks nobody needs this.
        """
        return self._once("image", lambda: as_bgr(self.picture))

    @property
    def small(self) -> Image:
        """The picture 320 pixels wide, BGR, made once: several ask for it."""
        return self._once("small", lambda: shrunk(self.picture, SMALL_WIDTH))

    def part(self, x0: int, y0: int, x1: int, y1: int, size: tuple[int, int]) -> Image:
        """A part of the picture in pixels, shrunk to ``size`` (width, height), BGR."""
        return resized(cut(self.picture, x0, y0, x1, y1), *size, cv2.INTER_AREA)

    def lighten(self) -> None:
        """Forget the whole picture in BGR, two thirds of what a frame holds; safe at any time.

        For whoever keeps a frame after its look; it is made again if somebody asks.
        """
        self._made.pop("image", None)

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.picture.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.picture.shape[0])

    def _once(self, name: str, make: Callable[[], Image]) -> Image:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = make()
        return made
