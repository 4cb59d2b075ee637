"""Looks on which nothing has changed are answered from the look before, without the model.

A camera that sees a quiet corner shows the same picture look after look. What was found on the
last picture that a model saw still stands there, boxes and all, so dwell goes on and things left
behind are still told from people; only the inference is saved.

Pictures are compared as small grey ones, each pixel against its surroundings: a change of light
takes the surroundings along, compression noise stays below the threshold, and a thing that comes,
goes or moves stands out. Always with the last picture that a model *saw*, never with the one
before, so that slow changes add up. After some looks or minutes the model sees one in any case.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt

from edge.detectors.base import Detection, Detector, Look
from edge.geometry import Box, enclosing
from edge.streams.frame import Image, shrunk
from edge.telemetry import metrics

WIDTH = 160
"""Pixels across of the pictures that are compared: a person 8 pixels wide on an input of 416 is
three of them."""
_AROUND = 15  # pixels of the surroundings that a pixel is held against
_FLAT = 6.0  # levels of contrast that flat ground counts as having, or noise would be a change
_CHANGED = 0.35  # of the local contrast: 2 levels on flat ground, 10 on a facade
_REMEMBERED = 64  # looks of a camera; as many as the largest batch
_ABOVE, _BELOW, _BESIDE = 0.35, 0.1, 0.15  # of the picture, round a zone: who stands in it fits in

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Limits:
    """When the model sees a picture although nothing has changed.

    Attributes:
        looks: at least one in so many looks of a camera.
        seconds: at least one in so many seconds.
    """

    looks: int
    seconds: float


def normalised(image: Image) -> Floats:
    """The small grey picture, each pixel against its surroundings; ``(h, 160)``.

    Args:
        image: ``(height, width, 3)`` BGR, any size that is larger.
    """
    grey = cv2.cvtColor(shrunk(image, WIDTH), cv2.COLOR_BGR2GRAY).astype(np.float32)
    grey -= cv2.blur(grey, (_AROUND, _AROUND))
    contrast = cv2.sqrt(cv2.blur(grey * grey, (_AROUND, _AROUND)) + _FLAT * _FLAT)
    return np.asarray(grey / contrast, np.float32)


def differ(now: Floats, before: Floats, where: tuple[slice, slice]) -> bool:
    """Whether something has come, gone or moved between two pictures.

    Args:
        now, before: of :func:`normalised`.
        where: the part that matters.
    """
    if now.shape != before.shape:
        return True
    change = cv2.blur(cv2.subtract(now, before), (3, 3))[where]
    return bool(change.size) and float(np.abs(change).max()) > _CHANGED


@dataclass
class _Seen:
    """The last picture of a camera that the models saw."""

    picture: Floats
    at: datetime
    skipped: int = 0


class Changes:
    """Says for each look whether the models must see it. One thread calls it.

    Args:
        limits: when they see it in any case.
        zones: the cameras' zones, 0-1; what changes far from all of them does not matter. A
            camera without any is compared whole.
    """

    def __init__(self, limits: Limits, zones: Mapping[str, Sequence[Box]]) -> None:
        self._limits = limits
        self._parts = {camera: _part(boxes) for camera, boxes in zones.items() if boxes}
        self._seen: dict[str, _Seen] = {}
        self._said: dict[str, deque[tuple[int, datetime, bool]]] = {}

    def matters(self, look: Look) -> bool:
        """Whether something may be new on a look; the same answer to everyone who asks."""
        frame = look.frame
        # A batch may hold several looks of a camera, and several detectors ask of each.
        said = self._said.setdefault(frame.camera_id, deque(maxlen=_REMEMBERED))
        for sequence, at, answer in said:
            if (sequence, at) == (frame.sequence, frame.captured_at):
                return answer
        answer = self._decide(look)
        said.append((frame.sequence, frame.captured_at, answer))
        metrics.GATED_LOOKS.labels(seen="model" if answer else "unchanged").inc()
        return answer

    def _decide(self, look: Look) -> bool:
        frame = look.frame
        picture = normalised(frame.small)
        seen = self._seen.get(frame.camera_id)
        if seen is not None and not self._is_due(seen, frame.captured_at):
            part = self._parts.get(frame.camera_id, Box(0.0, 0.0, 1.0, 1.0))
            x0, y0, x1, y1 = part.pixels(picture.shape[1], picture.shape[0])
            if not differ(picture, seen.picture, (slice(y0, y1), slice(x0, x1))):
                seen.skipped += 1
                return False
        self._seen[frame.camera_id] = _Seen(picture, frame.captured_at)
        return True

    def _is_due(self, seen: _Seen, at: datetime) -> bool:
        age = at - seen.at
        longest = timedelta(seconds=self._limits.seconds)
        # A clock set back must not keep the model from looking.
        return seen.skipped + 1 >= self._limits.looks or not timedelta() <= age < longest


class Gated:
    """A detector that is asked only where something may be new. One thread calls it.

    Args:
        detector: what is asked; it must not depend on earlier looks.
        changes: says where; detectors of one box share it.
    """

    def __init__(self, detector: Detector, changes: Changes) -> None:
        self.detector = detector
        self._changes = changes
        self._last: dict[str, tuple[Detection, ...]] = {}

    @property
    def name(self) -> str:
        """Name of the detector inside."""
        return self.detector.name

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Detections of each look: new ones, or those of the same picture before."""
        asked, known = [], set(self._last)
        for n, look in enumerate(looks):
            if self._changes.matters(look) or look.frame.camera_id not in known:
                asked.append(n)
                known.add(look.frame.camera_id)
        for n in asked:  # a model that fails must not leave old answers behind
            self._last.pop(looks[n].frame.camera_id, None)
        answers = dict(zip(asked, self.detector.detect([looks[n] for n in asked]), strict=True))
        found = []
        for n, look in enumerate(looks):
            if n in answers:
                self._last[look.frame.camera_id] = answers[n]
            found.append(self._last[look.frame.camera_id])
        return found


def _part(zones: Sequence[Box]) -> Box:
    """The zones and whoever may stand in them."""
    box = enclosing(zones)
    return Box.clipped(box.x0 - _BESIDE, box.y0 - _ABOVE, box.x1 + _BESIDE, box.y1 + _BELOW)
