"""The stage: a ground, the actors on it, the lens that sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from _demo import Floats, Frame
from _grounds import Feet, Ground
from _sprites import Sprite
from _words import Quad, on_wall

Foot = tuple[float, float]
Path = Callable[[float], Foot | None]
"""Seconds of the scenario to the ground pixel on which the thing stands; None when it is away."""


def stands(u: float, v: float, since: float = 0.0, until: float = 1e9) -> Path:
    """Stands still for a while."""
    return lambda t: (u, v) if since <= t < until else None


def goes(*stops: tuple[float, float, float]) -> Path:
    """Goes in straight lines: (seconds, u, v) of each stop; away before and after."""
    times = np.array([s[0] for s in stops])
    us, vs = np.array([s[1] for s in stops]), np.array([s[2] for s in stops])

    def at(t: float) -> Foot | None:
        if not times[0] <= t <= times[-1]:
            return None
        return float(np.interp(t, times, us)), float(np.interp(t, times, vs))

    return at


@dataclass(frozen=True)
class Actor:
    """A sprite that stands or walks.

    Attributes:
        sway: how far a living thing's top moves, pixels for a person of 100 pixels.
        size: enlargement; 1 is its true size.
        shadow: strength of its shadow on the ground, 0-1.
    """

    sprite: Sprite
    path: Path
    sway: float = 0.0
    size: float = 1.0
    shadow: float = 0.45


@dataclass(frozen=True, eq=False)
class OnWall:
    """A flat thing fixed to a wall: BGRA, its four corners on the ground's picture."""

    sheet: Floats
    corners: Quad
    since: float = 0.0
    until: float = 1e9
    made_of: str = "wording set in Noto Sans SC, drawn"


@dataclass(frozen=True)
class Lens:
    """What part of the ground becomes the picture, and how large.

    Attributes:
        corners: upper left, upper right, lower right, lower left, in ground pixels; None = whole.
        size: of the picture.
    """

    size: tuple[int, int]
    corners: Quad | None = None

    def matrix(self, ground: Ground) -> np.ndarray:
        """Ground pixels to picture pixels."""
        w, h = self.size
        gw, gh = ground.size
        seen = self.corners or [(0, 0), (gw, 0), (gw, gh), (0, gh)]
        return np.asarray(
            cv2.getPerspectiveTransform(
                np.array(seen, np.float32), np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
            ),
            np.float64,
        )


Shake = Callable[[float], tuple[float, float, float]]
"""Seconds to pixels right, pixels down, degrees."""


@dataclass
class Stage:
    """Composes the pictures of one scenario.

    Attributes:
        turn: from these seconds on the camera looks through another lens (PTZ).
    """

    ground: Ground
    actors: Sequence[Actor]
    walls: Sequence[OnWall] = ()
    lens: Lens | None = None
    shake: Shake | None = None
    turn: tuple[float, Lens] | None = None
    first_look: int = 0
    _pieces: dict[tuple[int, int, int], tuple[Floats, Foot]] = field(default_factory=dict)
    _shown: list[tuple[OnWall, slice, slice, Floats, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        plate = self.ground.look(0)[0]
        self._shown = [(w, *on_wall(w.sheet, plate, w.corners)) for w in self.walls]

    def picture(self, index: int, t: float) -> Frame:
        """The scene in the ground's own pixels, before the lens."""
        recorded, feet = self.ground.look(index + self.first_look)
        out = recorded.astype(np.float32)
        for wall, rows, columns, piece, shade in self._shown:
            if wall.since <= t < wall.until:
                self._paste(out[rows, columns], piece, shade, _behind(feet, rows, columns, 0))
        there = [(actor, foot) for actor in self.actors if (foot := actor.path(t)) is not None]
        for actor, (u, v) in sorted(there, key=lambda pair: pair[1][1]):
            self._shadow(out, actor, u, v, feet)
        for actor, foot in sorted(there, key=lambda pair: pair[1][1]):
            self._lay(out, actor, foot, t, feet)
        return out.astype(np.uint8)

    def seen(self, scene: Frame, t: float) -> Frame:
        """The scene through the lens."""
        lens = self.lens
        if self.turn is not None and t >= self.turn[0]:
            lens = self.turn[1]
        if lens is None and self.shake is None:
            return scene
        w, h = lens.size if lens else self.ground.size
        matrix = lens.matrix(self.ground) if lens else np.eye(3)
        if self.shake is not None:
            right, down, degrees = self.shake(t)
            jolt = np.vstack((cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1.0), (0, 0, 1)))
            jolt[:2, 2] += (right, down)
            matrix = jolt @ matrix
        return np.asarray(
            cv2.warpPerspective(
                scene, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )

    def _scaled(self, actor: Actor, v: float, u: float) -> tuple[Floats, Foot]:
        scale = self.ground.metre(u, v) * actor.size / actor.sprite.px_per_m
        key = (id(actor.sprite), round(scale * 200), 0)
        if key not in self._pieces:
            image = actor.sprite.image
            size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
            if scale < 0.5:
                image = cv2.GaussianBlur(image, (0, 0), 0.3 / scale)
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            small = np.clip(cv2.resize(image, size, interpolation=way), 0, 255)
            small[..., :3] = np.clip(
                small[..., :3] * np.array(self.ground.tone, np.float32), 0, 255
            )
            foot = (actor.sprite.foot[0] * scale, actor.sprite.foot[1] * scale)
            self._pieces[key] = (small.astype(np.float32), foot)
        return self._pieces[key]

    def _lay(self, out: Floats, actor: Actor, at: Foot, t: float, feet: Feet | None) -> None:
        u, v = at
        piece, foot = self._scaled(actor, v, u)
        if actor.sway:
            lean = actor.sway * (np.sin(t / 1.9 + u) + 0.5 * np.sin(t / 0.7)) * len(piece) / 100
            h, w = piece.shape[:2]
            piece = cv2.warpAffine(piece, np.array([[1, -lean / h, lean], [0, 1, 0]]), (w, h))
        x, y = round(u - foot[0]), round(v - foot[1])
        rows = slice(max(y, 0), min(y + piece.shape[0], out.shape[0]))
        columns = slice(max(x, 0), min(x + piece.shape[1], out.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = piece[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        alpha = part[..., 3:] / 255 * _behind(feet, rows, columns, v)
        under = out[rows, columns]
        under += alpha * (part[..., :3] - under)

    def _shadow(self, out: Floats, actor: Actor, u: float, v: float, feet: Feet | None) -> None:
        scale = self.ground.metre(u, v) * actor.size
        wide, deep = actor.sprite.base[0] * scale, actor.sprite.base[1] * scale * 0.45
        soft = max(wide * 0.16, 1.5)
        margin = int(soft * 3 + wide + 2)
        tall = int(soft * 3 + deep + 2)
        x, y = round(u), round(v - deep * 0.6)
        rows = slice(max(y - tall, 0), min(y + tall + 1, out.shape[0]))
        columns = slice(max(x - margin, 0), min(x + margin + 1, out.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop or not actor.shadow:
            return
        mask = np.zeros((2 * tall + 1, 2 * margin + 1), np.float32)
        cv2.ellipse(
            mask, (margin, tall), (round(wide * 1.05), max(round(deep), 1)), 0, 0, 360, 1.0, -1
        )
        mask = cv2.GaussianBlur(mask, (0, 0), soft)
        part = mask[rows.start - y + tall : rows.stop - y + tall,
                    columns.start - x + margin : columns.stop - x + margin]  # fmt: skip
        dark = (actor.shadow * part)[..., None] * _behind(feet, rows, columns, v)
        out[rows, columns] *= 1 - dark

    def _paste(self, under: Floats, piece: Floats, shade: Floats, free: Floats) -> None:
        under *= 1 - shade[..., None] * free
        tone = np.array(self.ground.tone, np.float32)
        under += piece[..., 3:] / 255 * free * (piece[..., :3] * tone - under)


def _behind(feet: Feet | None, rows: slice, columns: slice, v: float) -> Floats:
    """0 where a recorded person stands nearer to the camera than row ``v``."""
    if feet is None:
        return np.ones((1, 1, 1), np.float32)
    nearer = (feet[rows, columns] > v).astype(np.float32)
    return (1 - cv2.GaussianBlur(nearer, (3, 3), 0.7))[..., None]
