"""Light, weather and sensor: small functions that change a picture, to be used one after another.

Each is made by a function that takes its strength and gives an ``Effect``: picture, seconds and a
seeded generator in, picture out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Effect = Callable[[Picture, float, np.random.Generator], Picture]
Curve = Callable[[float], float]


def ramp(*points: tuple[float, float]) -> Curve:
    """A curve through (seconds, value), level outside."""
    times, values = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    return lambda t: float(np.interp(t, times, values))


def _at(value: float | Curve, t: float) -> float:
    return value(t) if callable(value) else value


def light(gain: float | Curve, warmth: float | Curve = 0.0, gamma: float = 1.0) -> Effect:
    """Brightness (1 = as recorded) and colour (0 = as recorded, 1 = sodium lamps, -1 = dusk)."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        level, warm = _at(gain, t), _at(warmth, t)
        values = (np.arange(256, dtype=np.float32) / 255) ** gamma * 255
        table = np.empty((1, 256, 3), np.uint8)
        for channel, share in enumerate((1 - 0.32 * warm, 1 - 0.06 * abs(warm), 1 + 0.14 * warm)):
            table[0, :, channel] = np.clip(values * level * share, 0, 255)
        return np.asarray(cv2.LUT(picture, table), np.uint8)

    return effect


def clouds(depth: float = 0.18, period_s: float = 70.0) -> Effect:
    """The whole picture brightens and darkens as clouds pass."""
    return light(lambda t: 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * t / period_s)))


@lru_cache(maxsize=4)
def _noise_bank(shape: tuple[int, int]) -> npt.NDArray[np.int8]:
    """Noise of a sensor after its own denoising: fine grain, a little colour blotch."""
    rng = np.random.default_rng(77)
    h, w = shape
    grain = rng.normal(0, 1, (h + 64, w + 64, 1)).astype(np.float32)
    blotch = rng.normal(0, 1, (h // 4 + 16, w // 4 + 16, 3)).astype(np.float32)
    blotch = cv2.resize(blotch, (w + 64, h + 64), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip((grain + 0.5 * blotch) * 24, -127, 127), np.int8)


def noise(sigma: float | Curve = 1.8) -> Effect:
    """Sensor noise, grey levels."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:
        level = _at(sigma, t)
        h, w = picture.shape[:2]
        y, x = rng.integers(0, 64, 2)
        field = _noise_bank((h, w))[y : y + h, x : x + w]
        flip = -1.0 if rng.random() < 0.5 else 1.0
        out = cv2.addWeighted(picture, 1.0, field, flip * level / 24, 0.0, dtype=cv2.CV_8U)
        return np.asarray(out, np.uint8)

    return effect


def rain(amount: int = 500, length: int = 16, wet: float = 0.10) -> Effect:
    """Streaks before the lens, and less contrast."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        h, w = picture.shape[:2]
        streaks = np.zeros((h, w), np.uint8)
        starts = rng.integers(0, (w, h), (amount, 2))
        slant = rng.normal(0.12, 0.03, amount)
        reach = rng.integers(length // 2, length * 2, amount)
        ends = np.stack((starts[:, 0] + slant * reach, starts[:, 1] + reach), 1).astype(np.int32)
        for (a, b), tone in zip(
            np.stack((starts, ends), 1), rng.integers(25, 85, amount), strict=True
        ):
            cv2.line(streaks, tuple(map(int, a)), tuple(map(int, b)), int(tone), 1, cv2.LINE_AA)
        streaks = cv2.blur(streaks, (1, 5))
        hazy = cv2.addWeighted(picture, 1 - wet, np.full_like(picture, 150), wet, 0)
        return np.asarray(cv2.add(hazy, cv2.merge([streaks] * 3)), np.uint8)

    return effect


def headlights(
    *times: float, row: float = 0.6, strength: float = 150.0, every_s: float = 0.0
) -> Effect:
    """A car's beam sweeps over the ground at these seconds (and again every ``every_s``)."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        h, w = picture.shape[:2]
        beam = np.zeros((h // 4, w // 4), np.float32)
        for start in times:
            since = (t - start) % every_s if every_s and t >= start else t - start
            if not 0 <= since <= 8:
                continue
            x = (since / 8 * 1.3 - 0.15) * w / 4
            y = row * h / 4
            fan = np.array([(x, y), (x + w / 7, y - h / 26), (x + w / 7, y + h / 15)], np.int32)
            cv2.fillPoly(beam, [fan], 1.0)
            cv2.circle(beam, (int(x), int(y)), max(w // 90, 2), 1.6, -1)
        if not beam.any():
            return picture
        beam = cv2.resize(cv2.GaussianBlur(beam, (0, 0), w / 130), (w, h)) * strength
        lit = picture * (1 + beam[..., None] / 90) + beam[..., None] * np.array((0.35, 0.42, 0.45))
        return np.asarray(np.clip(lit, 0, 255), np.uint8)

    return effect


def shadow_edge(
    start: float,
    end: float,
    since: float,
    until: float,
    *,
    dark: float = 0.45,
    below: float = 0.0,
) -> Effect:
    """A building's hard shadow: its edge moves over the picture (0-1 of the width).

    Rows above ``below`` (0-1), where the sky is, stay as they are.
    """

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        h, w = picture.shape[:2]
        x = float(np.interp(t, (since, until), (start, end))) * w
        top = below * h
        mask = np.zeros((h, w), np.float32)
        lean = 0.25 * h
        corners = np.array([(0, top), (x + lean, top), (x - lean, h), (0, h)], np.int32)
        cv2.fillPoly(mask, [corners], dark)
        return _darkened(picture, cv2.GaussianBlur(mask, (0, 0), 2.0))

    return effect


def shadow_of_tree(
    x: float, y: float, radius: float, *, drift: float = 0.0, dark: float = 0.5
) -> Effect:
    """Dappled shadow that sways in the wind and wanders with the sun (0-1 a scenario hour)."""
    rng = np.random.default_rng(31)
    leaves = rng.normal(0, 0.45, (70, 2))
    sizes = rng.uniform(0.10, 0.28, 70)

    def effect(picture: Picture, t: float, _: np.random.Generator) -> Picture:
        h, w = picture.shape[:2]
        mask = np.zeros((h, w), np.float32)
        moved = x + drift * t / 3600
        for number, ((dx, dy), size) in enumerate(zip(leaves, sizes, strict=True)):
            sway = 0.05 * np.sin(t * 1.3 + number)
            at = (round((moved + (dx + sway) * radius) * w), round((y + dy * radius * 0.6) * h))
            cv2.ellipse(mask, at, (round(size * radius * w), round(size * radius * w * 0.5)), 20, 0,
                        360, dark, -1)  # fmt: skip
        return _darkened(picture, cv2.GaussianBlur(mask, (0, 0), 2.5))

    return effect


def _darkened(picture: Picture, mask: npt.NDArray[np.float32]) -> Picture:
    keep = np.asarray((1 - mask) * 255, np.uint8)
    return np.asarray(cv2.multiply(picture, cv2.merge([keep] * 3), scale=1 / 255), np.uint8)


def soft(sigma: float) -> Effect:
    """A lens slightly out of focus."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)

    return effect


def jpeg(quality: int) -> Effect:
    """A camera that compresses twice."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    return effect


def day_curve(starts_h: float) -> Curve:
    """Brightness over the scenario's clock when it starts at this hour: night is 0.16."""
    points = ((0, 0.16), (5.3, 0.16), (6.6, 0.8), (8, 1.0), (16.5, 1.0), (18.6, 0.7), (19.6, 0.16),
              (24, 0.16))  # fmt: skip
    hours, values = zip(*points, strict=True)
    return lambda t: float(np.interp((starts_h + t / 3600) % 24, hours, values))


def lamp_warmth(starts_h: float) -> Curve:
    """Street lamps colour the night."""
    day = day_curve(starts_h)
    return lambda t: float(np.clip((0.8 - day(t)) / 0.6, 0, 1)) * 0.7
