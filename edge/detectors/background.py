"""Backgrounds of one camera: learned, laid over each look, kept over a restart.

Pictures are compared as logarithms, ``ln(level + 24)``: a change of light is then an addition, and
a difference means the same by day and by night. A look is first shifted onto the background
(masts sway), then the change of light that is smooth over the picture is taken out: gain per
channel, gamma, and a surface of second order for clouds, dusk and the fall-off of a lamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import PictureError
from edge.pictures import read_picture
from edge.streams.frame import SMALL_WIDTH, Image, shrunk

WIDTH = SMALL_WIDTH
"""Pixels across at which backgrounds are kept: enough for a bag, cheap for a thousand cameras."""

_LOG_OFFSET = 24.0
_PURE_OFFSET = 8.0
_LOG = np.log(np.arange(256) + _LOG_OFFSET).astype(np.float32)
_DIFFERENT = 0.15  # in ln(level + 24): 25 levels at 128, 10 at 40
_MOST_DIFFERENT = 0.3
_NOISE = 4.5  # noise of the picture that is no difference yet, in deviations
_GREY_SPREAD = 3  # levels between channels that compression alone gives a grey picture
_COLOUR_SPREAD = 14  # fog over concrete has no more; in between nothing is said
_FARTHEST_SHIFT = 0.1  # of the width; farther is another view, not a swaying mast
_SAME_BLOCK = 0.45  # correlation of a block of the picture with the same block of the background
_SAME_VIEW = 0.35  # share of structured blocks that must look the same
_BLOCKS = (6, 8)  # down, across

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass
class View:
    """One view of a camera: by day or by infra-red light, one preset of a moving head.

    Attributes:
        grey: the pictures carry no colour (infra-red).
        learned_from: since when it is learned.
        background: ``(height, 320, 3)`` logarithms, None while it is learned.
        samples: looks to learn from, NaN where something stood before the ground.
        things: pixels known to show a thing left behind, to be filled from around them.
    """

    grey: bool
    learned_from: datetime
    background: Floats | None = None
    samples: list[Floats] = field(default_factory=list)
    things: Mask | None = None

    @property
    def reference(self) -> Floats | None:
        """What a look is laid over: the background, or the first sample while learning."""
        if self.background is not None:
            return self.background
        return np.nan_to_num(self.samples[0], nan=float(_LOG[128])) if self.samples else None

    def settle(self) -> None:
        """Make the background from the samples: per pixel the median of what was seen of it."""
        stack = np.sort(np.stack(self.samples), axis=0)  # NaN goes to the end
        seen = (~np.isnan(stack)).sum(axis=0)
        middle = np.take_along_axis(stack, np.maximum(seen - 1, 0)[None] // 2, axis=0)[0]
        unseen = np.isnan(middle).any(axis=2)
        newest = np.nan_to_num(self.samples[-1], nan=float(_LOG[128]))
        filled = np.where(np.isnan(middle), newest, middle).astype(np.float32)
        hole = unseen if self.things is None else unseen | self.things
        if hole.any():
            picture = cv2.inpaint(as_picture(filled), hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
            filled[hole] = as_log(np.asarray(picture, np.uint8))[hole]
        self.background = filled
        self.samples.clear()


@dataclass(frozen=True)
class Laid:
    """A look laid over a background.

    Attributes:
        picture: logarithms in the background's place and light.
        unseen: border pixels that the shift has brought in from outside.
        shift: by how much the look was moved, share of the width, right and down.
        fits: whether it is the same view at all.
    """

    picture: Floats
    unseen: Mask
    shift: tuple[float, float]
    fits: bool


def shrink(image: Image) -> Image:
    """A picture 320 pixels wide, lightly smoothed."""
    return smoothed(shrunk(image, WIDTH))


def smoothed(small: Image) -> Image:
    """What :func:`shrink` gives, of a picture that is 320 pixels wide already."""
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)


def is_grey(small: Image) -> bool | None:
    """Whether a picture carries no colour, as an infra-red camera's at night; None: unclear."""
    sample = small[::4, ::4]
    spread = float(np.percentile(sample.max(axis=2) - sample.min(axis=2), 98))
    return True if spread <= _GREY_SPREAD else False if spread >= _COLOUR_SPREAD else None


def as_log(picture: Image) -> Floats:
    """Grey levels to logarithms."""
    return np.asarray(cv2.LUT(picture, _LOG), np.float32)


def as_picture(logs: Floats) -> Image:
    """Logarithms to grey levels."""
    return np.clip(np.exp(logs) - _LOG_OFFSET, 0, 255).round().astype(np.uint8)


def pure_log(logs: Floats) -> Floats:
    """With hardly an offset: light multiplies levels, so here it moves all of them alike."""
    levels = np.maximum(np.exp(logs) - _LOG_OFFSET, 0.0)
    return np.asarray(np.log(levels + _PURE_OFFSET), np.float32)


def mean_of(picture: Floats) -> Floats:
    """Mean of the three channels; numpy's own takes ten times as long on so short an axis."""
    return np.asarray(cv2.transform(picture, np.full((1, 3), 1 / 3, np.float32)), np.float32)


def largest_of(picture: Floats) -> Floats:
    """Largest of the three channels."""
    blue, green, red = cv2.split(picture)
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.float32)


def lay_over(look: Floats, reference: Floats, hidden: Mask) -> Laid:
    """Bring a look into the place and light of a background.

    Args:
        look, reference: logarithms, same shape.
        hidden: where people and vehicles stand on the look.
    """
    height, width = look.shape[:2]
    unseen = np.zeros((height, width), np.bool_)
    dx, dy, moved = 0, 0, look
    shift = _shift(look, reference)
    if max(abs(shift[0]), abs(shift[1])) >= 0.35:
        dx, dy = round(shift[0]), round(shift[1])
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        moved = cv2.warpAffine(look, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        unseen[:, : max(dx + 1, 0)] = unseen[: max(dy + 1, 0)] = True
        if dx < 0:
            unseen[:, dx - 1 :] = True
        if dy < 0:
            unseen[dy - 1 :] = True
    picture = np.asarray(moved, np.float32)
    fits = _same_view(picture, reference, hidden | unseen)
    even = _even_light(picture, reference, hidden | unseen)
    return Laid(even, unseen, (shift[0] / width, shift[1] / width), fits)


def differs(picture: Floats, background: Floats, hidden: Mask) -> Mask:
    """Pixels outside of what the background shows within a pixel of them, and out of the noise.

    Args:
        picture, background: logarithms, in one place and light (:func:`lay_over`).
        hidden: pixels that are left out when noise is judged.
    """
    kernel = np.ones((3, 3), np.uint8)
    above = picture - cv2.dilate(background, kernel)
    below = cv2.erode(background, kernel) - picture
    seen = ~hidden[::4, ::4]
    change = (picture[::4, ::4, 1] - background[::4, ::4, 1])[seen]
    noise = 1.48 * float(np.median(np.abs(change))) if change.size else 0.0
    threshold = min(max(_DIFFERENT, _NOISE * noise), _MOST_DIFFERENT)
    return np.asarray(largest_of(cv2.max(above, below)) > threshold, np.bool_)


def _structure(logs: Floats) -> Floats:
    """A quarter-size grey picture of local structure, strong edges limited."""
    grey = cv2.resize(logs[..., 1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    local = grey - cv2.blur(grey, (9, 9))
    return np.asarray(local / (np.abs(local) + 0.08), np.float32)


@cache
def _window(height: int, width: int) -> Floats:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), np.float32)


def _shift(look: Floats, reference: Floats) -> tuple[float, float]:
    """Pixels by which the look must be moved to lie on the background; 0, 0 when unsure."""
    left, right = _structure(look), _structure(reference)
    if min(left.shape) < 16:
        return 0.0, 0.0
    (dx, dy), response = cv2.phaseCorrelate(left, right, _window(*left.shape))
    limit = _FARTHEST_SHIFT * left.shape[1]
    if response < 0.08 or abs(dx) > limit or abs(dy) > limit:
        return 0.0, 0.0
    return 2.0 * dx, 2.0 * dy


def _blocks(picture: Floats) -> Floats:
    """Every fourth pixel each way, by block: ``(blocks, pixels, channels)``."""
    thin = picture[::4, ::4]
    down, across = (min(n, s) for n, s in zip(_BLOCKS, thin.shape[:2], strict=True))
    h, w = thin.shape[0] // down, thin.shape[1] // across
    cut = thin[: down * h, : across * w].reshape(down, h, across, w, -1)
    return np.asarray(cut.swapaxes(1, 2).reshape(down * across, h * w, -1), np.float32)


def _same_view(look: Floats, reference: Floats, hidden: Mask) -> bool:
    """Whether enough structured parts of the picture are still where they were."""
    seen = _blocks((~hidden).astype(np.float32)[..., None])[..., 0].mean(axis=1) > 0.5
    now, before = _blocks(mean_of(look))[..., 0], _blocks(mean_of(reference))[..., 0]
    now = now - now.mean(axis=1, keepdims=True)
    before = before - before.mean(axis=1, keepdims=True)
    spread = np.sqrt((before**2).mean(axis=1))
    # Parts that carry the picture's structure; on bare ground noise would be compared with noise.
    judged = seen & (spread > max(0.03, float(np.median(spread)) * 0.7))
    if judged.sum() < 6:
        return True
    size = np.sqrt((now**2).sum(axis=1) * (before**2).sum(axis=1)) + 1e-6
    same = (now * before).sum(axis=1) / size > _SAME_BLOCK
    return float(same[judged].mean()) >= _SAME_VIEW


def _even_light(look: Floats, reference: Floats, hidden: Mask) -> Floats:
    """Take out the change of light that is smooth over the picture.

    Fitted to the median change of each of 48 blocks, outliers (a shadow, a thing) weighted down.
    """
    change = _blocks(look - reference)
    visible = _blocks((~hidden).astype(np.float32)[..., None])[..., 0].mean(axis=1)
    middle = np.median(change, axis=1)
    down, across = min(_BLOCKS[0], -(-look.shape[0] // 4)), min(_BLOCKS[1], -(-look.shape[1] // 4))
    ys, xs = np.divmod(np.arange(len(middle)), across)
    x, y = (xs + 0.5) / across - 0.5, (ys + 0.5) / down - 0.5
    level = np.median(_blocks(mean_of(reference))[..., 0], axis=1)
    tone = float(level.mean())
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, level - tone], axis=1)
    weights = np.where(visible > 0.4, 1.0, 1e-3)
    ridge = np.diag([1e-6, 0.05, 0.05, 0.3, 0.3, 0.3, 0.3])
    factors = np.zeros((terms.shape[1], middle.shape[1]))
    for channel in range(middle.shape[1]):
        values = middle[:, channel]
        factors[0, channel] = np.median(values[visible > 0.4]) if (visible > 0.4).any() else 0.0
        for _ in range(4):
            off = (values - terms @ factors[:, channel]) / 0.08
            w = weights / (1.0 + off * off)
            left = terms.T @ (terms * w[:, None]) + ridge
            factors[:, channel] = np.linalg.solve(left, terms.T @ (w * values))
    factors[6] = np.clip(factors[6].mean(), -0.4, 0.4)
    smooth = (terms[:, :6] @ factors[:6]).reshape(down, across, -1).astype(np.float32)
    field_ = cv2.resize(smooth, (look.shape[1], look.shape[0]), interpolation=cv2.INTER_LINEAR)
    gamma = float(factors[6, 0])
    even = look - field_
    if abs(gamma) > 0.02:
        even = (even + gamma * tone) / (1.0 + gamma)
    return np.asarray(even, np.float32)


def remember(folder: Path, name: str, background: Floats) -> None:
    """Write a background; a kill leaves the old one or the new one, never half."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    half_written = path.with_suffix(".part.png")
    cv2.imwrite(str(half_written), as_picture(background))
    half_written.replace(path)


def remembered(folder: Path, name: str, shape: tuple[int, ...]) -> Floats | None:
    """A background from before a restart, None when there is none of that shape."""
    path = folder / f"{name}.png"
    try:
        kept = read_picture(path)
    except PictureError:  # none yet, or torn by a power cut: it is learned anew
        return None
    return as_log(kept) if kept.shape == shape else None
