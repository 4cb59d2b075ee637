"""The static-object detector: what is new against a learned background, and stays.

For each camera a background is learned from the median of the first looks and then follows slow
change. A pixel counts as *left behind* when it differs from the background and has kept its new
value for ``stay_s`` and three looks. Dropped are: changes of light (all channels alike, texture
kept; or the ground's edges still there in the mean of those looks), what is smooth at its rim (a
pool of light), gaps (the edge lies in the background: something was taken away), and where people
or vehicles stand or stood. Shadows and gaps that stay become background. A camera that is turned,
or switches to infra-red, is learned anew; until then it reports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import numpy as np

from edge.detectors.background import Floats, Laid, Mask, differs, smoothed
from edge.detectors.base import Detection, Look
from edge.detectors.regions import Compared, Region, Traffic, light_only, regions, standing
from edge.detectors.stillness import Stillness
from edge.detectors.views import Views
from edge.errors import Code, GridpatrolError
from edge.geometry import Box
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger

NAME = "static-background 2.1"

_FOLLOW = 0.02  # share by which the background moves to the present, per look
_MOST_HIDDEN = 0.5  # share of a piece of ground behind people from which nothing is said of it
_CHANGED = 0.15  # share of it that must differ for something to be new there
_OLDEST = 0.8  # a thing is as old as its oldest fifth: who stands before it renews the rest
_KNOWN = 0.5  # share of a region that was part of a thing before, from which it still is one
_FOLLOW_LIGHT = 0.06  # the same where a shadow has come to stay
_FOLLOW_GROUND = 0.3  # the same where the ground is known again for sure, under another light

log = get_logger(__name__)


def _tell(error: GridpatrolError) -> None:
    metrics.ERRORS.labels(code=str(error.code)).inc()
    log.warning("fault", **error_fields(error))


class Ground(StrEnum):
    """What the newest look says of a piece of ground.

    ``SAME`` as its background; ``CHANGED``: something is new there, whether or not it has stood
    long enough to be reported; ``HIDDEN`` behind people or vehicles; ``LEARNING``: no background;
    ``ELSEWHERE``: the camera shows another view than the one it has learned.
    """

    SAME = "same"
    CHANGED = "changed"
    HIDDEN = "hidden"
    LEARNING = "learning"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The newest look over its background; ``shift`` is None when it fits none."""

    shift: tuple[float, float] | None
    different: Mask
    hidden: Mask


class _Scene:
    """What is remembered of one camera."""

    def __init__(self, views: Views, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.views = views
        self.stillness = Stillness((shape[0], shape[1]))
        self.traffic = Traffic()
        self.things: tuple[Mask, ...] = ()
        self.known: Mask = np.zeros((shape[0], shape[1]), np.bool_)
        self.last: _Seen | None = None

    def thing_pixels(self) -> Mask | None:
        """Where things were on the last look."""
        return np.logical_or.reduce(self.things) if self.things else None


class StaticObjectDetector:
    """Finds things left behind. Holds small backgrounds per camera; one thread calls it.

    Args:
        learn_s: seconds over which a background is first learned.
        stay_s: seconds a change must stand still before it is reported.
        min_area, max_area: bounds of a thing's share of the picture.
        memory: folder that keeps backgrounds over a restart, or None to forget them. Without it
            a thing left before a restart would be learned as background.
        tell: told when a camera shows another view than before.
    """

    name = NAME

    def __init__(
        self,
        *,
        learn_s: float,
        stay_s: float,
        min_area: float,
        max_area: float,
        memory: Path | None = None,
        tell: Callable[[GridpatrolError], None] = _tell,
    ) -> None:
        self._learn_s = learn_s
        self._stay_s = stay_s
        self._min_area = min_area
        self._max_area = max_area
        self._memory = memory
        self._say = tell
        self._scenes: dict[str, _Scene] = {}

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Things left behind on each look."""
        return [self._detect_one(look) for look in looks]

    def _detect_one(self, look: Look) -> tuple[Detection, ...]:
        small = smoothed(look.frame.small)
        scene = self._scene(look.frame.camera_id, small.shape)
        hidden = standing(look, small.shape[:2])
        scene.traffic.note(look)
        at = look.frame.captured_at
        laid = scene.views.lay(small, hidden, at, scene.thing_pixels())
        if scene.views.changed:
            scene.stillness.forget()
        if scene.views.moved:
            self._say(_turned(look.frame.camera_id))
        if laid is None:
            scene.last = _Seen(None, hidden, hidden)
            return ()
        background = scene.views.background
        hidden |= laid.unseen
        different = differs(laid.picture, background, hidden)
        scene.last = _Seen(laid.shift, different, hidden)
        scene.stillness.update(laid.picture, different, hidden, at, scene.things)
        ripe = scene.stillness.ripe(self._stay_s) & ~hidden
        rate = np.where(different | hidden | (scene.stillness.age_s > 0), 0, _FOLLOW)
        rate = rate.astype(np.float32)
        seen = Compared(laid.picture, scene.stillness.mean, background)
        found = self._things(ripe, different, seen, rate)
        scene.views.follow(laid.picture, rate, at)
        return self._report(found, scene, laid, look)

    def ground(self, camera_id: str, box: Box) -> Ground:
        """What the camera's newest look says of the ground under a box, 0-1."""
        scene = self._scenes.get(camera_id)
        if scene is None or scene.last is None or not scene.views.learned:
            return Ground.LEARNING
        seen = scene.last
        if seen.shift is None:
            return Ground.ELSEWHERE
        dx, dy = seen.shift[0], seen.shift[1] * scene.shape[1] / scene.shape[0]
        there = Box.clipped(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)
        x0, y0, x1, y1 = there.pixels(scene.shape[1], scene.shape[0])
        hidden = seen.hidden[y0:y1, x0:x1]
        if hidden.size == 0 or float(hidden.mean()) > _MOST_HIDDEN:
            return Ground.HIDDEN
        changed = seen.different[y0:y1, x0:x1] & ~hidden
        share = float(changed.sum()) / float((~hidden).sum())
        return Ground.CHANGED if share >= _CHANGED else Ground.SAME

    def _scene(self, camera_id: str, shape: tuple[int, ...]) -> _Scene:
        scene = self._scenes.get(camera_id)
        if scene is None or scene.shape != shape:
            views = Views(camera_id, learn_s=self._learn_s, memory=self._memory)
            scene = self._scenes[camera_id] = _Scene(views, shape)
        return scene

    def _things(self, ripe: Mask, different: Mask, seen: Compared, rate: Floats) -> list[Region]:
        """Regions with something left in them; raises the rate where only light or a gap stays."""
        if float(ripe.mean()) < self._min_area:
            return []
        light = _within(ripe, light_only, seen.now, seen.background)
        rate[ripe & light] = _FOLLOW_LIGHT
        judged = regions(
            ripe & ~light,
            different & ~light,
            seen,
            min_area=self._min_area,
            max_area=self._max_area,
        )
        for region in judged:
            if region.vacated:
                rate[region.pixels] = 1.0  # what is laid bare there is the ground
            elif region.light:
                rate[region.pixels] = _FOLLOW_GROUND
        return [region for region in judged if region.strength > 0]

    def _report(
        self, found: Sequence[Region], scene: _Scene, laid: Laid, look: Look
    ) -> tuple[Detection, ...]:
        things, detections = [], []
        scene.known &= scene.stillness.age_s > 0
        for region in found:
            stood_s = float(np.quantile(scene.stillness.age_s[region.pixels], _OLDEST))
            since = look.frame.captured_at - timedelta(seconds=stood_s)
            box = _shifted(region.box, laid, scene.shape)
            known = float(scene.known[region.pixels].mean()) >= _KNOWN
            if scene.traffic.stood(box, since, known=known):
                continue
            things.append(region.pixels)
            scene.known |= region.pixels
            detections.append(
                Detection(
                    label="left_behind",
                    meaning="static_object",
                    box=box,
                    score=region.strength,
                    model=NAME,
                    since=since,
                    looks=int(np.quantile(scene.stillness.looks[region.pixels], _OLDEST)) + 1,
                )
            )
        scene.things = tuple(things)
        return tuple(detections)


def _turned(camera_id: str) -> GridpatrolError:
    return GridpatrolError(
        Code.CAM_VIEW,
        camera_id,
        "shows another view than before (turned, or its mount has slipped)",
        "Turn it back, or draw its zones anew; things left behind are not reported until the new "
        "view is learned",
    )


def _within(
    ripe: Mask, judge: Callable[[Floats, Floats], Mask], picture: Floats, background: Floats
) -> Mask:
    """A judgement of every pixel, made only around the ripe ones."""
    ys, xs = np.nonzero(ripe)
    window = (
        slice(max(int(ys.min()) - 8, 0), int(ys.max()) + 9),
        slice(max(int(xs.min()) - 8, 0), int(xs.max()) + 9),
    )
    whole = np.zeros_like(ripe)
    whole[window] = judge(picture[window], background[window])
    return whole


def _shifted(box: Box, laid: Laid, shape: tuple[int, ...]) -> Box:
    """Back from the background's place to where the thing is on this look."""
    dx, dy = laid.shift[0], laid.shift[1] * shape[1] / shape[0]
    return Box.clipped(box.x0 - dx, box.y0 - dy, box.x1 - dx, box.y1 - dy)
