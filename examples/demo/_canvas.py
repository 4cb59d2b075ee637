"""A layer to paint on: polygons in metres, painted large and shrunk, with their shadow."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from _camera import HEIGHT, WIDTH, Floats, Frame, Points, project

SUPER = 4  # painted so much larger, then shrunk: smooth edges
_GRAIN = 1.5  # grey levels from frame to frame, as in the recording
_SHIFT = 4  # binary digits after the point in cv2's polygon corners

Colour = tuple[float, float, float]
Corners = Sequence[tuple[float, float, float]]


class Canvas:
    """A window of the picture on which things are painted from back to front.

    Args:
        window: x0, y0, x1, y1 in picture pixels.
    """

    def __init__(self, window: tuple[int, int, int, int]) -> None:
        self.window = window
        x0, y0, x1, y1 = window
        shape = ((y1 - y0) * SUPER, (x1 - x0) * SUPER)
        self._colour = np.zeros((*shape, 3), np.float32)
        self._alpha = np.zeros(shape, np.float32)
        self.shade = np.zeros((HEIGHT, WIDTH), np.float32)

    def polygon(self, corners: Points, colour: Colour) -> None:
        """Fill picture corners ``(n, 2)``."""
        points = self._points(corners)
        cv2.fillPoly(self._colour, [points], colour, cv2.LINE_8, _SHIFT)
        cv2.fillPoly(self._alpha, [points], 1.0, cv2.LINE_8, _SHIFT)

    def face(self, corners: Corners, colour: Colour, light: float = 1.0) -> None:
        """Fill a polygon given in metres; ``light`` darkens or lightens it."""
        blue, green, red = (float(np.clip(c * light, 3, 250)) for c in colour)
        self.polygon(project(np.asarray(corners, np.float64)), (blue, green, red))

    def line(self, corners: Corners, colour: Colour, width_px: float) -> None:
        """Draw a line given in metres, some picture pixels wide."""
        points = self._points(project(np.asarray(corners, np.float64)))
        width = max(round(width_px * SUPER), 1)
        cv2.polylines(self._colour, [points], False, colour, width, cv2.LINE_8, _SHIFT)
        cv2.polylines(self._alpha, [points], False, 1.0, width, cv2.LINE_8, _SHIFT)

    def picture(self, image: Floats, left: float, bottom: float, width: float) -> None:
        """Lay a BGRA picture, its alpha 0-255, so wide and standing on ``bottom``."""
        scale = width * SUPER / image.shape[1]
        size = (max(round(width * SUPER), 1), max(round(image.shape[0] * scale), 1))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        piece = np.clip(cv2.resize(image, size, interpolation=way), 0, 255)
        x = round((left - self.window[0]) * SUPER)
        y = round((bottom - self.window[1]) * SUPER) - size[1]
        rows = slice(max(y, 0), min(y + size[1], self._alpha.shape[0]))
        columns = slice(max(x, 0), min(x + size[0], self._alpha.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        piece = piece[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        alpha = piece[..., 3] / 255
        self._colour[rows, columns] += alpha[..., None] * (
            piece[..., :3] - self._colour[rows, columns]
        )
        self._alpha[rows, columns] += alpha * (1 - self._alpha[rows, columns])

    def shadow(self, corners: Corners, dark: float, soft_px: float) -> None:
        """Darken the ground under a polygon in metres: an overcast sky's soft shadow."""
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        points = (project(np.asarray(corners, np.float64)) * 16).round().astype(np.int32)
        cv2.fillPoly(mask, [points], dark, cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), soft_px)
        self.shade = 1 - (1 - self.shade) * (1 - mask)

    def finish(self, plaza: Frame, *, seed: int) -> Layer:
        """Shrink to picture size, with the recording's over-sharp edges and some unevenness."""
        x0, y0, x1, y1 = self.window
        size = (x1 - x0, y1 - y0)
        alpha = cv2.resize(self._alpha, size, interpolation=cv2.INTER_AREA)
        colour = cv2.resize(
            self._colour * self._alpha[..., None], size, interpolation=cv2.INTER_AREA
        )
        colour /= np.maximum(alpha, 1e-3)[..., None]
        wear = np.random.default_rng(seed).normal(0, 1, (size[1], size[0])).astype(np.float32)
        colour *= 1 + (0.23 * cv2.GaussianBlur(wear, (0, 0), 2.2))[..., None]
        under = plaza[y0:y1, x0:x1].astype(np.float32) * (1 - self.shade[y0:y1, x0:x1, None])
        whole = under + alpha[..., None] * (colour - under)
        sharp = whole + 0.55 * (whole - cv2.GaussianBlur(whole, (0, 0), 1.1))
        return Layer((x0, y0), np.clip(sharp, 0, 255), alpha, self.shade)

    def cut(self) -> Floats:
        """What is painted, BGRA with alpha 0-255, ``SUPER`` times as large as on the picture."""
        return np.dstack((self._colour, self._alpha * 255)).astype(np.float32)

    def _points(self, corners: Points) -> np.ndarray:
        local = (np.asarray(corners) - self.window[:2]) * SUPER - 0.5
        return np.asarray((local * (1 << _SHIFT)).round(), np.int32)


class Layer:
    """A thing ready to be laid into frames.

    Args:
        corner: its window's upper left corner on the picture.
        colour, alpha: its pixels, alpha 0-1.
        shade: how much the ground is darkened, 0-1, picture size.
    """

    def __init__(
        self, corner: tuple[int, int], colour: Floats, alpha: Floats, shade: Floats
    ) -> None:
        self._rows = slice(corner[1], corner[1] + colour.shape[0])
        self._columns = slice(corner[0], corner[0] + colour.shape[1])
        self._colour = colour
        self._alpha = alpha
        self._shade = shade

    def laid(
        self, frame: Frame, there: float, before: Floats, *, number: int = 0, dx: float = 0.0
    ) -> Frame:
        """The frame with the thing in it, behind what the mask ``before`` keeps.

        ``number`` seeds the frame's grain. ``dx`` shifts the thing's top sideways, feet fixed:
        nobody stands like a statue.
        """
        colour, alpha = self._colour, self._alpha
        if dx:
            lean = np.array([[1, -dx / alpha.shape[0], dx], [0, 1, 0]], np.float32)
            size = (alpha.shape[1], alpha.shape[0])
            colour = cv2.warpAffine(colour, lean, size, borderMode=cv2.BORDER_REPLICATE)
            alpha = cv2.warpAffine(alpha, lean, size)
        keep = 1 - before
        out = frame * (1 - self._shade * there * keep)[..., None]
        part = out[self._rows, self._columns]
        strength = (alpha * there * keep[self._rows, self._columns])[..., None]
        grain = np.random.default_rng(number).normal(0, _GRAIN, alpha.shape).astype(np.float32)
        part += strength * (colour + grain[..., None] - part)
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)

    def parts(self) -> tuple[Floats, Floats, Floats]:
        """Colour and alpha of its window, and the shade on the whole picture."""
        return self._colour, self._alpha, self._shade

    def box(self) -> tuple[float, float, float, float]:
        """The thing's box, 0-1 of the picture: x0, y0, x1, y1."""
        rows, columns = np.nonzero(self._alpha > 0.5)
        return (
            float(self._columns.start + columns.min()) / WIDTH,
            float(self._rows.start + rows.min()) / HEIGHT,
            float(self._columns.start + columns.max() + 1) / WIDTH,
            float(self._rows.start + rows.max() + 1) / HEIGHT,
        )
