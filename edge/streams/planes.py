"""Pictures as decoders give them: planes of YUV 4:2:0, half the size of BGR, and BGR made of them.

Most looks need a picture only small: 320 pixels across to see whether anything has changed, some
400 for a model. So planes are handed on as they are and shrunk one by one; only what is left is
converted. Shrinking and conversion are both linear, so their order changes nothing but rounding
(``tests/streams/test_planes.py`` says by how many grey levels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import av

Image = npt.NDArray[np.uint8]
"""A picture, ``(height, width, 3)``, BGR, 8 bits."""

Plane = npt.NDArray[np.uint8]
"""One component of a picture, ``(height, width)``; its rows need not follow each other closely."""

_PLANAR = frozenset({"yuv420p", "yuvj420p"})
_FULL = 2  # FFmpeg's AVCOL_RANGE_JPEG
# What red and blue add to the brightness, by FFmpeg's AVColorSpace. What a stream does not say, or
# says in another way, counts as BT.601, as swscale has it.
_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
_BT601 = (0.299, 0.114)


@dataclass(frozen=True, slots=True)
class Colours:
    """How a picture's YUV is meant.

    Attributes:
        matrix: FFmpeg's AVColorSpace: 1 is BT.709, 2 unspecified.
        full: brightness runs over 0-255 rather than 16-235.
    """

    matrix: int = 2
    full: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """Size and kind of a picture: all that must be told of it beside its bytes.

    Attributes:
        height, width: pixels.
        colours: of planes; None for BGR.
    """

    height: int
    width: int
    colours: Colours | None = None

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the arrays the picture is made of."""
        if self.colours is None:
            return ((self.height, self.width, 3),)
        half = (-(-self.height // 2), -(-self.width // 2))
        return ((self.height, self.width), half, half)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A picture in YUV 4:2:0.

    Attributes:
        y: ``(height, width)``.
        u, v: half as high and wide, rounded up.
        colours: how they are meant.
    """

    y: Plane
    u: Plane
    v: Plane
    colours: Colours

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the picture in BGR: height, width, 3."""
        return self.y.shape[0], self.y.shape[1], 3

    def bgr(self) -> Image:
        """The whole picture; a pixel has the colour of the four it shares it with."""
        height, width = self.y.shape
        size = (self.u.shape[1] * 2, self.u.shape[0] * 2)
        u, v = (
            cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST)[:height, :width]
            for plane in (self.u, self.v)
        )
        return _converted(self.y, u, v, self.colours)

    def resized(self, width: int, height: int, how: int) -> Image:
        """The picture at another size, by OpenCV's interpolation ``how``."""
        y, u, v = self.y, self.u, self.v
        if how == cv2.INTER_AREA and y.shape[1] % (2 * width) == y.shape[0] % (2 * height) == 0:
            y = _halved(y)  # as exact, and twice as fast
        size = (width, height)
        y, u, v = (_resized(plane, size, how) for plane in (y, u, v))
        return _converted(y, u, v, self.colours)

    def cut(self, x0: int, y0: int, x1: int, y1: int) -> Planes:
        """A part of the picture, not copied; its colours may lie half a pixel off."""
        halves = (slice(y0 // 2, -(-y1 // 2)), slice(x0 // 2, -(-x1 // 2)))
        return Planes(self.y[y0:y1, x0:x1], self.u[halves], self.v[halves], self.colours)


Picture = Image | Planes
"""A picture in BGR or as a decoder gives it; both have a ``shape``."""


def shape_of(picture: Picture) -> Shape:
    """What must be told of a picture beside its bytes."""
    height, width, _ = picture.shape
    return Shape(height, width, picture.colours if isinstance(picture, Planes) else None)


def parts_of(picture: Picture) -> tuple[npt.NDArray[np.uint8], ...]:
    """The arrays a picture is made of, in the order of :attr:`Shape.parts`."""
    return (picture.y, picture.u, picture.v) if isinstance(picture, Planes) else (picture,)


def made_of(shape: Shape, parts: Sequence[npt.NDArray[np.uint8]]) -> Picture:
    """The picture that such arrays make."""
    if shape.colours is None:
        (image,) = parts
        return image
    y, u, v = parts
    return Planes(y, u, v, shape.colours)


def as_bgr(picture: Picture) -> Image:
    """The picture in BGR."""
    return picture.bgr() if isinstance(picture, Planes) else picture


def resized(picture: Picture, width: int, height: int, how: int) -> Image:
    """The picture in BGR at another size, by OpenCV's interpolation ``how``."""
    if isinstance(picture, Planes):
        return picture.resized(width, height, how)
    return _resized(picture, (width, height), how)


def cut(picture: Picture, x0: int, y0: int, x1: int, y1: int) -> Picture:
    """A part of the picture in pixels, not copied."""
    if isinstance(picture, Planes):
        return picture.cut(x0, y0, x1, y1)
    return picture[y0:y1, x0:x1]


def halved(picture: Picture) -> Picture:
    """The picture half as wide and high, each pixel the mean of four: a tenth of a millisecond."""
    if not isinstance(picture, Planes):
        return _halved(picture)
    y = _halved(picture.y)
    size = (-(-y.shape[1] // 2), -(-y.shape[0] // 2))
    u, v = (_resized(plane, size, cv2.INTER_AREA) for plane in (picture.u, picture.v))
    return Planes(y, u, v, picture.colours)


def decoded(frame: av.VideoFrame) -> Picture:
    """What a decoder gave, without a copy where it is planes of 8 bits already.

    Other YUV is converted to 4:2:0 by swscale; what is no YUV at all (grey, RGB) to BGR.
    """
    if frame.format.name not in _PLANAR:
        if frame.format.is_rgb or len(frame.format.components) != 3:
            return np.asarray(frame.to_ndarray(format="bgr24", threads=1), np.uint8)
        frame = frame.reformat(format="yuv420p", threads=1)
    full = frame.format.name == "yuvj420p" or int(frame.color_range) == _FULL
    y, u, v = (
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    )
    return Planes(y, u, v, Colours(int(frame.colorspace), full))


def _resized(
    array: npt.NDArray[np.uint8], size: tuple[int, int], how: int
) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(array, size, interpolation=how), np.uint8)


def _halved(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Mean of every two by two: OpenCV does that, and only that, eight times as fast as others."""
    return _resized(plane, (plane.shape[1] // 2, plane.shape[0] // 2), cv2.INTER_AREA)


def _converted(y: Plane, u: Plane, v: Plane, colours: Colours) -> Image:
    """BGR of three planes of one size."""
    return np.asarray(cv2.transform(cv2.merge((y, u, v)), _matrix(colours)), np.uint8)


@lru_cache(maxsize=32)
def _matrix(colours: Colours) -> npt.NDArray[np.float32]:
    """``(3, 4)``: what to multiply (Y, U, V, 1) by for (B, G, R)."""
    red, blue = _WEIGHTS.get(colours.matrix, _BT601)
    green = 1.0 - red - blue
    light, colour, black = (1.0, 1.0, 0.0) if colours.full else (255 / 219, 255 / 224, 16.0)
    of_u = np.array([2 * (1 - blue), -2 * blue * (1 - blue) / green, 0.0]) * colour
    of_v = np.array([0.0, -2 * red * (1 - red) / green, 2 * (1 - red)]) * colour
    offset = -light * black - 128.0 * (of_u + of_v)
    return np.stack((np.full(3, light), of_u, of_v, offset), axis=1).astype(np.float32)
