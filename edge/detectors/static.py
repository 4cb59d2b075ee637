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
_LEARN_LOOKS = 12  # never call a background learned from fewer
_FOLLOW = 0.02  # share by which the background moves to the present, per look
_MOVING = ("person", "vehicle", "two_wheeler")
_NAME = "static-background 1.0"

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass
class _Scene:
    """What is remembered of one camera."""

    started_at: datetime
    samples: list[Image] = field(default_factory=list)
    background: Floats | None = None
    candidate: Floats | None = None
    age_s: Floats | None = None
    last_at: datetime | None = None


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
        even = _even_light(small.astype(np.float32), scene.background, hidden)
        different = _differs(even, scene.background, _DIFFERENT)
        self._age(scene, even, different, hidden, max(elapsed_s, 0.0))
        assert scene.age_s is not None  # noqa: S101 - _age has just set it
        ripe = (scene.age_s >= self._stay_s) & ~hidden
        found = self._regions(ripe, even, scene, look)
        _follow(scene.background, even, different | hidden | (scene.age_s > 0))
        return found

    def _scene(self, look: Look, small: Image) -> _Scene:
        camera_id = look.frame.camera_id
        scene = self._scenes.get(camera_id)
        known = scene is not None and (
            scene.background is None or scene.background.shape == small.shape
        )
        if scene is None or not known:
            scene = _Scene(look.frame.captured_at, background=self._remembered(camera_id, small))
            self._scenes[camera_id] = scene
        return scene

    def _learn(self, scene: _Scene, small: Image, hidden: Mask, look: Look) -> None:
        sample = small.astype(np.float32)
        sample[hidden] = np.nan  # people must not become background
        scene.samples.append(sample)  # type: ignore[arg-type]
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
        self, scene: _Scene, even: Floats, different: Mask, hidden: Mask, elapsed_s: float
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
        self, ripe: Mask, even: Floats, scene: _Scene, look: Look
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
            strength = _strength(even, scene, region)
            box = Box.clipped(x / width, y / height, (x + w) / width, (y + h) / height)
            if strength is None or _is_moving_kind(box, look):
                continue
            assert scene.age_s is not None  # noqa: S101 - regions come from it
            age_s = float(np.median(scene.age_s[region]))
            found.append(
                Detection(
                    label="left_behind",
                    meaning="static_object",
                    box=box,
                    score=strength,
                    model=_NAME,
                    since=look.frame.captured_at - timedelta(seconds=age_s),
                )
            )
        return tuple(found)

    def _remember(self, camera_id: str, background: Floats) -> None:
        if self._memory is None:
            return
        self._memory.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(self._memory / f"{camera_id}.png"), background)

    def _remembered(self, camera_id: str, small: Image) -> Floats | None:
        if self._memory is None:
            return None
        path = self._memory / f"{camera_id}.png"
        kept = cv2.imread(str(path)) if path.is_file() else None
        if kept is None or kept.shape != small.shape:
            return None
        # A camera that was turned meanwhile must learn anew.
        return np.asarray(kept, np.float32) if _correlation(kept, small) > 0.5 else None


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


def _even_light(small: Floats, background: Floats, hidden: Mask) -> Floats:
    """Take out a change of light that is common to the whole picture."""
    seen = ~hidden
    if not seen.any():
        return small
    offset = np.median(small[seen] - background[seen], axis=0)
    return np.asarray(np.clip(small - offset, 0, 255), np.float32)


def _differs(left: Floats, right: Floats, by: float) -> Mask:
    return np.asarray(np.abs(left - right).max(axis=2) > by, np.bool_)


def _follow(background: Floats, even: Floats, keep: Mask) -> None:
    moving = ~keep
    background[moving] += _FOLLOW * (even[moving] - background[moving])


def _is_moving_kind(box: Box, look: Look) -> bool:
    """Parked cars and standing people are no piles, even where the mask missed their rim."""
    return any(
        box.covered_by(d.box.grown(0.15)) > 0.4 or d.box.covered_by(box) > 0.6
        for d in look.of(*_MOVING)
    )


def _strength(even: Floats, scene: _Scene, region: Mask) -> float | None:
    """0–1 contrast of a region, or None when nothing was left there."""
    assert scene.background is not None  # noqa: S101 - regions exist only with a background
    ys, xs = np.nonzero(region)
    window = (slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1))
    now, before = even[window], scene.background[window]
    if _correlation(now, before) > _SAME_TEXTURE:
        return None
    if _rim_contrast(even, region) < _rim_contrast(scene.background, region):
        return None
    contrast = float(np.abs(even[region] - scene.background[region]).max(axis=1).mean())
    return min(contrast / 80.0, 1.0)


def _correlation(left: npt.NDArray[np.generic], right: npt.NDArray[np.generic]) -> float:
    a = cv2.cvtColor(np.clip(left, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY).astype(np.float32)
    b = cv2.cvtColor(np.clip(right, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY).astype(np.float32)
    a -= a.mean()
    b -= b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 1.0


def _rim_contrast(picture: Floats, region: Mask) -> float:
    """How strongly the inside of a region's rim differs from its outside."""
    mask = region.astype(np.uint8)
    kernel = np.ones((5, 5), np.uint8)
    outside = (cv2.dilate(mask, kernel) > 0) & ~region
    inside = region & (cv2.erode(mask, kernel) == 0)
    if not outside.any() or not inside.any():
        return 0.0

    # Blurred means around each rim pixel compare neighbours, not far sides of the region.
    def local(mask: Mask) -> tuple[Floats, Floats]:
        weight = cv2.blur(mask.astype(np.float32), (7, 7))
        total = cv2.blur(picture * mask[..., None].astype(np.float32), (7, 7))
        return total / np.maximum(weight, 1e-6)[..., None], weight

    (mean_in, weight_in), (mean_out, weight_out) = local(inside), local(outside)
    rim = (weight_in > 0) & (weight_out > 0)
    return float(np.abs(mean_in - mean_out).max(axis=2)[rim].mean()) if rim.any() else 0.0
