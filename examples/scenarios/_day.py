"""A whole day on a street at patrol cadence: the clock, the lamps, the weather.

Everything here is a function of the wall clock, so that one recipe serves days that start at any
hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from _people import WALKERS, person
from _sprites import Sprite
from _stage import Actor, OnWall, Path, stands
from _vehicles import bus, car
from _weather import Curve, Effect, Picture, day_curve, lamp_warmth
from _words import Quad, words

CADENCE_S = 180.0
LOOKS = 480
# People in sight of a look, of a busy hour's, by the hour of the clock.
_BUSY = (
    (0, 0.04), (5, 0.04), (6, 0.25), (7.5, 1.0), (9.5, 0.7), (11, 0.6), (12.3, 1.0), (14, 0.6),
    (16, 0.7), (18, 1.2), (20, 0.8), (22, 0.3), (23, 0.1), (24, 0.04),
)  # fmt: skip
Where = Callable[[np.random.Generator], tuple[float, float]]


@dataclass(frozen=True)
class Clock:
    """The wall clock of a film that starts at ``start_h`` and lasts a day."""

    start_h: float

    def hour(self, t: float) -> float:
        """Hour of the day, 0-24, ``t`` seconds into the film."""
        return (self.start_h + t / 3600) % 24

    def spans(self, from_h: float, to_h: float) -> list[tuple[float, float]]:
        """Seconds of the film in which the clock is between two hours; may run past midnight."""
        long = ((to_h - from_h) % 24) * 3600
        first = ((from_h - self.start_h) % 24) * 3600
        return [(since, since + long) for since in (first - 86400, first) if since + long > 0]

    def path(self, u: float, v: float, from_h: float, to_h: float) -> Path:
        """Stands there between two hours of the day."""
        spans = self.spans(from_h, to_h)
        return lambda t: (u, v) if any(a <= t < b for a, b in spans) else None

    def walls(
        self, sheet: npt.NDArray[np.float32], quad: Quad, from_h: float, to_h: float
    ) -> list[OnWall]:
        """Something on a wall between two hours of the day: a shutter, a lit window."""
        return [OnWall(sheet, quad, a, b) for a, b in self.spans(from_h, to_h)]

    @property
    def day(self) -> Curve:
        """Daylight, 0.16 at night."""
        return day_curve(self.start_h)


def along(*lines: tuple[float, float, float, float], spread: float = 8.0) -> Where:
    """Somewhere on one of the lines, a little beside it."""

    def where(rng: np.random.Generator) -> tuple[float, float]:
        u0, v0, u1, v1 = lines[int(rng.integers(len(lines)))]
        share = rng.uniform()
        return (
            float(u0 + share * (u1 - u0) + rng.normal(0, spread)),
            float(v0 + share * (v1 - v0) + rng.normal(0, spread * 0.4)),
        )

    return where


_turned: dict[int, Sprite] = {}


def _facing(sprite: Sprite, left: bool) -> Sprite:
    if not left:
        return sprite
    return _turned.setdefault(id(sprite), sprite.mirrored())


def passers(
    clock: Clock,
    where: Where,
    seed: int,
    *,
    busy: float = 2.0,
    dress: Sequence[Sprite] = (),
    hours: tuple[float, float] | None = None,
) -> list[Actor]:
    """Who happens to walk by when a look is taken: three minutes later it is somebody else.

    Args:
        busy: people in sight at a look of a busy hour, in the mean.
        dress: sprites that are mixed among the recording's people.
        hours: only between these hours, and then ``busy`` in the mean: a queue, customers.
    """
    rng = np.random.default_rng(seed)
    clocked, shares = zip(*_BUSY, strict=True)
    actors = []
    for look in range(LOOKS):
        t = look * CADENCE_S
        mean = busy * float(np.interp(clock.hour(t), clocked, shares))
        if hours is not None:
            mean = busy if hours[0] <= clock.hour(t) < hours[1] else 0.0
        for _ in range(int(rng.poisson(mean))):
            sprite = person(WALKERS[int(rng.integers(len(WALKERS)))])
            if dress and rng.uniform() < 0.15:
                sprite = dress[int(rng.integers(len(dress)))]
            sprite = _facing(sprite, bool(rng.uniform() < 0.5))
            actors.append(Actor(sprite, stands(*where(rng), t - 1, t + 1), sway=1.0))
    return actors


def traffic(clock: Clock, where: Where, seed: int, *, busy: float = 0.5) -> list[Actor]:
    """Cars that drive by at the moment of a look."""
    rng = np.random.default_rng(seed)
    tints = ((60, 58, 56), (200, 202, 206), (40, 40, 120), (120, 80, 50), (150, 152, 150))
    actors = []
    for look in range(LOOKS):
        t = look * CADENCE_S
        hours, shares = zip(*_BUSY, strict=True)
        if rng.uniform() < busy * float(np.interp(clock.hour(t), hours, shares)):
            sprite = _facing(
                car(tints[int(rng.integers(5))], taxi=bool(rng.uniform() < 0.2)),
                bool(rng.uniform() < 0.5),
            )
            actors.append(Actor(sprite, stands(*where(rng), t - 1, t + 1), shadow=0.7))
    return actors


def visits(  # noqa: PLR0917 - who, when, how long: reads as a sentence
    clock: Clock,
    where: Where,
    seed: int,
    count: int,
    hours: tuple[float, float],
    minutes: tuple[float, float],
    sprites: Sequence[Sprite],
    *,
    sway: float = 2.0,
    shadow: float = 0.45,
) -> list[Actor]:
    """Somebody or something that stays for some minutes and goes, one after the other."""
    rng = np.random.default_rng(seed)
    slot = (hours[1] - hours[0]) / count
    actors = []
    for number in range(count):
        since = hours[0] + slot * (number + float(rng.uniform(0, 0.5)))
        until = min(since + float(rng.uniform(*minutes)) / 60, hours[0] + slot * (number + 1))
        sprite = sprites[int(rng.integers(len(sprites)))]
        path = clock.path(*where(rng), since % 24, until % 24)
        actors.append(Actor(sprite, path, sway=sway, shadow=shadow))
    return actors


def bus_stops(
    clock: Clock, at: tuple[float, float], advert: str, seed: int, count: int = 14
) -> list[Actor]:
    """A line's bus, with an advertisement, that stops now and then when a look is taken."""
    rng = np.random.default_rng(seed)
    ride = bus(
        advert, (int(rng.integers(30, 160)), int(rng.integers(60, 150)), int(rng.integers(30, 160)))
    )
    actors = []
    for hour in np.sort(rng.uniform(6, 22.5, count)):
        since = round((hour - clock.start_h) % 24 * 3600 / CADENCE_S) * CADENCE_S
        stays = CADENCE_S + 20 if rng.uniform() < 0.2 else 25  # a driver's break takes two looks
        u = at[0] + float(rng.normal(0, 20))
        actors.append(Actor(ride, stands(u, at[1], since - 20, since + stays - 20)))
    return actors


def shutter(
    size: tuple[int, int] = (300, 300),
    tint: tuple[float, float, float] = (128, 132, 136),
    text: str = "",
) -> npt.NDArray[np.float32]:
    """A roller shutter, slats and all, with the shop's own name on it if any."""
    h, w = size
    sheet = np.empty((h, w, 4), np.float32)
    rows = 0.82 + 0.2 * (np.arange(h) % 15) / 15
    sheet[..., :3] = np.array(tint, np.float32) * rows[:, None, None]
    sheet[..., 3] = 255
    if text:
        paint = words(
            text, height=60, ink=(40, 60, 110), ground=tuple(int(c) for c in tint[::-1]), pad=6
        )  # type: ignore[arg-type]
        share = min(1.0, (w - 20) / paint.shape[1])
        paint = np.asarray(
            cv2.resize(paint, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        )
        y, x = h // 3, (w - paint.shape[1]) // 2
        sheet[y : y + paint.shape[0], x : x + paint.shape[1], :3] = paint[..., :3]
    return sheet


def lamplight(
    clock: Clock,
    lamps: Sequence[tuple[float, float, float]],
    lit: Sequence[Quad] = (),
    *,
    warm: float = 0.7,
) -> Effect:
    """Day and night over the ground's picture: pools of lamplight, signs and windows that shine.

    Args:
        lamps: where a lamp's pool lies and how wide it is, pixels.
        lit: corners of what shines by itself at night.
    """
    masks: dict[tuple[int, int], npt.NDArray[np.float32]] = {}

    def mask(h: int, w: int) -> npt.NDArray[np.float32]:
        if (h, w) not in masks:
            ys, xs = np.mgrid[:h, :w].astype(np.float32)
            pool = np.zeros((h, w), np.float32)
            for u, v, r in lamps:
                pool += 0.75 * np.exp(-(((xs - u) / r) ** 2) - ((ys - v) / (0.6 * r)) ** 2)
            shine = np.zeros((h, w), np.float32)
            for quad in lit:
                cv2.fillPoly(shine, [np.array(quad, np.int32)], 0.75)
            masks[h, w] = np.maximum(pool, cv2.GaussianBlur(shine, (0, 0), 2.0))
        return masks[h, w]

    warmth = lamp_warmth(clock.start_h)

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        level = clock.day(t)
        if level > 0.97:
            return picture
        dark = float(np.clip((0.8 - level) / 0.6, 0, 1))
        gain = level + (0.1 + mask(*picture.shape[:2])) * dark
        tone = warmth(t) / 0.7 * warm
        tint = np.array((1 - 0.32 * tone, 1 - 0.06 * tone, 1 + 0.1 * tone), np.float32)
        return np.asarray(np.clip(picture * (gain[..., None] * tint), 0, 255), np.uint8)

    return effect


def infrared(clock: Clock) -> Effect:
    """A camera that turns grey at night and lights the middle of its picture itself."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        level = clock.day(t)
        if level > 0.97:
            return picture
        if level > 0.35:
            return np.asarray(cv2.convertScaleAbs(picture, alpha=level), np.uint8)
        h, w = picture.shape[:2]
        x = np.exp(-(((np.arange(w) - w / 2) / (0.55 * w)) ** 2))
        y = np.exp(-(((np.arange(h) - 0.6 * h) / (0.6 * h)) ** 2))
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) * (0.2 + 0.55 * y[:, None] * x[None, :])
        return np.asarray(cv2.merge([np.asarray(grey, np.uint8)] * 3), np.uint8)

    return effect


def sky(seed: int, depth: float = 0.22) -> Effect:
    """Clouds come and go: the light wanders, another level every quarter of an hour."""
    rng = np.random.default_rng(seed)
    knots = np.clip(1 - depth * rng.uniform(0, 1, 100) ** 1.5, 0.5, 1.1)

    def effect(picture: Picture, t: float, _: np.random.Generator) -> Picture:
        level = float(np.interp(t / 900, np.arange(100), knots))
        return np.asarray(cv2.convertScaleAbs(picture, alpha=level), np.uint8)

    return effect


def spell(clock: Clock, effect: Effect, from_h: float, to_h: float) -> Effect:
    """An effect between two hours of the day only."""
    spans = clock.spans(from_h, to_h)

    def sometimes(picture: Picture, t: float, rng: np.random.Generator) -> Picture:
        return effect(picture, t, rng) if any(a <= t < b for a, b in spans) else picture

    return sometimes


def haze(depth: float = 0.35) -> Effect:
    """Fog: less contrast, greyer."""

    def effect(picture: Picture, t: float, rng: np.random.Generator) -> Picture:  # noqa: ARG001
        return np.asarray(cv2.addWeighted(picture, 1 - depth, np.full_like(picture, 165), depth, 0))

    return effect
