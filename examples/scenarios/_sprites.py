"""Sprites: things cut out, with the size they have in metres, ready for any ground."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from _demo import SUPER, Canvas, Floats, ground, project


@dataclass(frozen=True, eq=False)
class Sprite:
    """A thing as a camera on a mast sees it.

    Attributes:
        image: BGRA, 0-255.
        px_per_m: pixels of the image for a metre of height.
        foot: pixel of the image that stands on the ground point (x, y).
        base: half width and half depth of the ground it covers, metres, for its shadow.
        made_of: recorded or drawn, and from what.
    """

    image: Floats
    px_per_m: float
    foot: tuple[float, float]
    base: tuple[float, float]
    made_of: str

    def mirrored(self) -> Sprite:
        """The same thing seen in a mirror."""
        width = self.image.shape[1]
        image = np.ascontiguousarray(self.image[:, ::-1])
        return replace(self, image=image, foot=(width - 1 - self.foot[0], self.foot[1]))

    def lit(self, *gain: float) -> Sprite:
        """Under another light: blue, green and red multiplied."""
        image = self.image.copy()
        image[..., :3] = np.clip(image[..., :3] * np.array(gain, np.float32), 2, 250)
        return replace(self, image=image)


def metre(u: float, v: float) -> float:
    """Pixels of the plaza's recording for a metre of height above a ground pixel."""
    x, y = ground(u, v)
    ends = project([(x, y, 0.0), (x, y, 1.0)])
    return float(ends[0][1] - ends[1][1])


def from_canvas(
    canvas: Canvas, foot: tuple[float, float], base: tuple[float, float], made_of: str
) -> Sprite:
    """What has been painted on a canvas of the plaza; ``foot`` is a pixel of the plaza."""
    whole = canvas.cut()
    ys, xs = np.nonzero(whole[..., 3] > 0)
    x0, y0, x1, y1 = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    at = (
        (foot[0] - canvas.window[0]) * SUPER - x0,
        (foot[1] - canvas.window[1]) * SUPER - y0,
    )
    image = worn(whole[y0:y1, x0:x1])
    return Sprite(image, metre(*foot) * SUPER, (float(at[0]), float(at[1])), base, made_of)


def worn(image: Floats, seed: int = 9, strength: float = 0.10) -> Floats:
    """Unevenness of real surfaces, from fine to coarse."""
    rng = np.random.default_rng(seed)
    out = image.copy()
    for blur in (2.2, 9.0):
        noise = cv2.GaussianBlur(rng.normal(0, 1, image.shape[:2]).astype(np.float32), (0, 0), blur)
        out[..., :3] *= (1 + strength * 0.5 * noise / max(float(noise.std()), 1e-6))[..., None]
    out[..., :3] = np.clip(out[..., :3], 3, 250)
    return out


def joined(*parts: tuple[Sprite, float, float], made_of: str) -> Sprite:
    """Several sprites as one, from back to front: (sprite, metres right, metres down)."""
    scale = max(sprite.px_per_m for sprite, _, _ in parts)
    laid = []
    for sprite, right, down in parts:
        s = scale / sprite.px_per_m
        size = (round(sprite.image.shape[1] * s), round(sprite.image.shape[0] * s))
        way = cv2.INTER_AREA if s < 1 else cv2.INTER_CUBIC
        image = np.clip(cv2.resize(sprite.image, size, interpolation=way), 0, 255)
        corner = (right * scale - sprite.foot[0] * s, down * scale - sprite.foot[1] * s)
        laid.append((image, round(corner[0]), round(corner[1])))
    x0 = min(x for _, x, _ in laid)
    y0 = min(y for _, _, y in laid)
    x1 = max(x + image.shape[1] for image, x, _ in laid)
    y1 = max(y + image.shape[0] for image, _, y in laid)
    whole = np.zeros((y1 - y0, x1 - x0, 4), np.float32)
    for image, x, y in laid:
        over(whole[y - y0 : y - y0 + image.shape[0], x - x0 : x - x0 + image.shape[1]], image)
    base = (
        max(abs(right) + sprite.base[0] for sprite, right, _ in parts),
        max(sprite.base[1] for sprite, _, _ in parts),
    )
    return Sprite(whole, scale, (float(-x0), float(-y0)), base, made_of)


def over(under: Floats, image: Floats) -> None:
    """Lay a BGRA image over another one, in place."""
    alpha = image[..., 3:] / 255
    total = alpha + under[..., 3:] / 255 * (1 - alpha)
    mixed = image[..., :3] * alpha + under[..., :3] * (under[..., 3:] / 255) * (1 - alpha)
    under[..., :3] = mixed / np.maximum(total, 1e-3)
    under[..., 3:] = total * 255
