"""The static-object detector: what is new against a learned background, and stays.

For each camera a background picture is learned from the median of the first looks and then
follows slow change of light. A pixel counts as *left behind* when it differs from the background
and has kept its new value for ``stay_s``. People and vehicles are taken out; what is behind them
neither ages nor is forgotten while they pass. A region is dropped when its texture is still the
background's (a shadow, a lamp) or when the edge lies in the background rather than in the new
picture (something was taken away, not left).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.streams.frame import Image

_WIDTH = 320
"""Pixels across at which backgrounds are kept: enough for a bag, cheap for a thousand cameras."""

_DIFFERENT = 26.0  # grey levels in the strongest channel, after light is evened out
_SAME = 14.0  # two looks at the same still thing differ by less
_SAME_TEXTURE = 0.7  # correlation above which only the light has changed
_LEARN_LOOKS = 8  # never call a background learned from fewer
_FOLLOW = 0.02  # share by which the background moves to the present, per look
_MOVING = ("person", "vehicle", "two_wheeler")
_NAME = "static-background 1.0"

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass
class _Scene:
    """What is remembered of one camera."""

    started_at: datetime
    samples: list[Floats] = field(default_factory=list)
    background: Floats | None = None
    candidate: Image | None = None
    age_s: Floats | None = None
    last_at: datetime | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of what is remembered; None when nothing is."""
        if self.background is not None:
            return self.background.shape
        return self.samples[0].shape if self.samples else None


class StaticObjectDetector:
    """Finds things left behind. Holds one small background per camera; one thread calls it.

    Args:
        learn_s: seconds over which a background is first learned.
        stay_s: seconds a change must stand still before it is reported.
        min_area, max_area: bounds of a thing's share of the picture.
        memory: folder that keeps backgrounds over a restart, or None to forget them. Without it
            a thing left before a restart would be learned as background.
    """

    name = _NAME

    def __init__(
        self,
        *,
        learn_s: float,
        stay_s: float,
        min_area: float,
        max_area: float,
        memory: Path | None = None,
    ) -> None:
        self._learn_s = learn_s
        self._stay_s = stay_s
        self._min_area = min_area
        self._max_area = max_area
        self._memory = memory
        self._scenes: dict[str, _Scene] = {}

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Things left behind on each look."""
        return [self._detect_one(look) for look in looks]

    def _detect_one(self, look: Look) -> tuple[Detection, ...]:
        small = _shrink(look.frame.image)
        scene = self._scene(look, small)
        hidden = _hidden(look, small.shape[:2])
        now = look.frame.captured_at
        if scene.background is None:
            self._learn(scene, small, hidden, look)
            return ()
        elapsed_s = (now - scene.last_at).total_seconds() if scene.last_at else 0.0
        scene.last_at = now
        background = _as_image(scene.background)
        even = _even_light(small, background, hidden)
        different = _differs(even, background, _DIFFERENT)
        self._age(scene, even, different, hidden, max(elapsed_s, 0.0))
        assert scene.age_s is not None  # noqa: S101 - _age has just set it
        ripe = (scene.age_s >= self._stay_s) & ~hidden
        found = self._regions(ripe, even, background, scene.age_s, look)
        moves = ~(different | hidden | (scene.age_s > 0))
        cv2.accumulateWeighted(even, scene.background, _FOLLOW, moves.astype(np.uint8))
        return found

    def _scene(self, look: Look, small: Image) -> _Scene:
        camera_id = look.frame.camera_id
        scene = self._scenes.get(camera_id)
        if scene is None or scene.shape not in (None, small.shape):
            scene = _Scene(look.frame.captured_at, background=self._remembered(camera_id, small))
            self._scenes[camera_id] = scene
        return scene

    def _learn(self, scene: _Scene, small: Image, hidden: Mask, look: Look) -> None:
        sample = small.astype(np.float32)
        sample[hidden] = np.nan  # people must not become background
        scene.samples.append(sample)
        spent = look.frame.captured_at - scene.started_at
        if len(scene.samples) < _LEARN_LOOKS or spent < timedelta(seconds=self._learn_s):
            if len(scene.samples) > 4 * _LEARN_LOOKS:
                del scene.samples[::2]  # a long learning time keeps a thinned history
            return
        stack = np.stack(scene.samples)
        always_hidden = np.isnan(stack).all(axis=0)
        stack[:, always_hidden] = sample[always_hidden]
        middle = np.nanmedian(np.where(always_hidden, small, stack), axis=0)
        scene.background = middle.astype(np.float32)
        scene.samples.clear()
        self._remember(look.frame.camera_id, scene.background)

    def _age(
        self, scene: _Scene, even: Image, different: Mask, hidden: Mask, elapsed_s: float
    ) -> None:
        """Grow the age of pixels that are new and still; pixels behind passers-by wait."""
        if scene.candidate is None or scene.age_s is None:
            scene.candidate = even.copy()
            scene.age_s = np.zeros(even.shape[:2], np.float32)
            return
        still = ~_differs(even, scene.candidate, _SAME)
        grows = different & still & ~hidden
        scene.age_s[grows] += elapsed_s
        # One bad look (compression, a bird) costs some age, not all of it.
        scene.age_s[different & ~still & ~hidden] *= 0.5
        scene.age_s[~different & ~hidden] = 0.0
        fresh = ~hidden & (~still | ~different)
        scene.candidate[fresh] = even[fresh]

    def _regions(
        self, ripe: Mask, even: Image, background: Image, age_s: Floats, look: Look
    ) -> tuple[Detection, ...]:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        whole = cv2.morphologyEx(ripe.astype(np.uint8), cv2.MORPH_CLOSE, kernel, iterations=2)
        whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, kernel)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
        height, width = whole.shape
        found = []
        for index in range(1, count):
            x, y, w, h, pixels = (int(value) for value in stats[index])
            if not self._min_area <= pixels / (height * width) <= self._max_area:
                continue
            region = (labels == index) & ripe
            strength = _strength(even, background, region)
            box = Box.clipped(x / width, y / height, (x + w) / width, (y + h) / height)
            if strength is None or _is_moving_kind(box, look):
                continue
            stood_s = float(np.median(age_s[region]))
            found.append(
                Detection(
                    label="left_behind",
                    meaning="static_object",
                    box=box,
                    score=strength,
                    model=_NAME,
                    since=look.frame.captured_at - timedelta(seconds=stood_s),
                )
            )
        return tuple(found)

    def _remember(self, camera_id: str, background: Floats) -> None:
        if self._memory is None:
            return
        self._memory.mkdir(parents=True, exist_ok=True)
        path = self._memory / f"{camera_id}.png"
        half_written = path.with_suffix(".part.png")
        cv2.imwrite(str(half_written), _as_image(background))
        half_written.replace(path)  # a kill must not leave half a background behind

    def _remembered(self, camera_id: str, small: Image) -> Floats | None:
        if self._memory is None:
            return None
        path = self._memory / f"{camera_id}.png"
        kept = cv2.imread(str(path)) if path.is_file() else None
        if kept is None or kept.shape != small.shape:
            return None
        return np.asarray(kept, np.float32) if _same_view(kept, small) else None


def _same_view(kept: Image, small: Image) -> bool:
    """Whether a remembered background still fits: a camera that was turned must learn anew.

    A thing left on even ground spoils the correlation but covers few pixels; another view of a
    structured place does the opposite.
    """
    nothing_hidden = np.zeros(small.shape[:2], np.bool_)
    changed = _differs(_even_light(small, kept, nothing_hidden), kept, _DIFFERENT)
    return _correlation(kept, small) > 0.5 or float(changed.mean()) < 0.15


def _shrink(image: Image) -> Image:
    height = max(round(image.shape[0] * _WIDTH / image.shape[1]), 1)
    small = cv2.resize(image, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)


def _hidden(look: Look, shape: tuple[int, int]) -> Mask:
    """Where people and vehicles stand on this look, with a margin."""
    mask = np.zeros(shape, np.bool_)
    for detection in look.of(*_MOVING):
        x0, y0, x1, y1 = detection.box.grown(0.12).pixels(shape[1], shape[0])
        mask[y0:y1, x0:x1] = True
    return mask


def _as_image(background: Floats) -> Image:
    return np.asarray(cv2.convertScaleAbs(background), np.uint8)


def _even_light(small: Image, background: Image, hidden: Mask) -> Image:
    """Take out a change of light that is common to the whole picture.

    Measured on every fourth pixel each way: the median of a full picture costs more than the
    rest of this detector together.
    """
    seen = ~hidden[::4, ::4]
    if not seen.any():
        return small
    change = small[::4, ::4][seen].astype(np.int16) - background[::4, ::4][seen]
    offset = [-float(value) for value in np.median(change, axis=0)]
    return np.asarray(cv2.add(small, (*offset, 0.0)), np.uint8)


def _differs(left: Image, right: Image, by: float) -> Mask:
    blue, green, red = cv2.split(cv2.absdiff(left, right))
    return np.asarray(cv2.max(cv2.max(blue, green), red) > by, np.bool_)


def _is_moving_kind(box: Box, look: Look) -> bool:
    """Parked cars and standing people are no piles, even where the mask missed their rim."""
    return any(
        box.covered_by(d.box.grown(0.15)) > 0.4 or d.box.covered_by(box) > 0.6
        for d in look.of(*_MOVING)
    )


def _strength(even: Image, background: Image, region: Mask) -> float | None:
    """0–1 contrast of a region, or None when nothing was left there."""
    ys, xs = np.nonzero(region)
    # With a margin: the rim is judged by its surroundings.
    window = (
        slice(max(int(ys.min()) - 8, 0), int(ys.max()) + 9),
        slice(max(int(xs.min()) - 8, 0), int(xs.max()) + 9),
    )
    now, before, inside = even[window], background[window], region[window]
    if _correlation(now[inside], before[inside]) > _SAME_TEXTURE:
        return None
    if _rim_contrast(now, inside) < _rim_contrast(before, inside):
        return None
    contrast = np.abs(now[inside].astype(np.int16) - before[inside]).max(axis=1).mean()
    return min(float(contrast) / 80.0, 1.0)


def _correlation(left: Image, right: Image) -> float:
    """Pearson correlation of two equally shaped pictures or lists of pixels."""
    a = left.mean(axis=-1, dtype=np.float32).ravel()
    b = right.mean(axis=-1, dtype=np.float32).ravel()
    a -= a.mean()
    b -= b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 1.0


def _rim_contrast(picture: Image, region: Mask) -> float:
    """How strongly the inside of a region's rim differs from the outside next to it."""
    mask = region.astype(np.uint8)
    kernel = np.ones((5, 5), np.uint8)
    outside = (cv2.dilate(mask, kernel) > 0) & ~region
    inside = region & (cv2.erode(mask, kernel) == 0)
    mean_in, weight_in = _local_mean(picture, inside)
    mean_out, weight_out = _local_mean(picture, outside)
    rim = (weight_in > 0) & (weight_out > 0)
    return float(np.abs(mean_in - mean_out).max(axis=2)[rim].mean()) if rim.any() else 0.0


def _local_mean(picture: Image, mask: Mask) -> tuple[Floats, Floats]:
    """Mean of the masked pixels within 7 x 7 of each pixel, and their share there."""
    weight = cv2.blur(mask.astype(np.float32), (7, 7))
    total = cv2.blur(picture * mask[..., None].astype(np.float32), (7, 7))
    return total / np.maximum(weight, 1e-6)[..., None], weight
