"""The second look: before a case is drafted, its crop is judged again, larger and mirrored.

A detection that is right is seen again at another scale and in a mirror; one that came from
chance texture is not. What stands still is compared with named look-alikes
(:mod:`edge.detectors.look_alikes`): a parked car, a planter, a person. A classifier that is told
where to look (:mod:`edge.detectors.naming`) knows some that no object model has a class for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.detectors.look_alikes import LOOK_ALIKES, NAMED, LookAlike
from edge.geometry import Box, enclosing
from edge.streams.frame import Image

_CONTEXTS = (1.5, 3.0)
_LEAST = 0.15
"""Detections this weak still count in the second look: they are averaged over the views."""
_LEAST_SIDE = 160
"""Pixels a view shows at least each way: a tiny thing is judged with its surroundings."""
_SAME_IOU = 0.3
_SHARE = 0.5
_THING = f"{NAMED}thing"


class ObjectModel(Protocol):
    """What is needed of an object detector; see :class:`edge.detectors.objects.ObjectDetector`."""

    @property
    def name(self) -> str:
        """Name and version, as detections cite it."""
        ...

    def serves(self, kind: str) -> bool:
        """Whether the model is of use for zones watched for that kind."""
        ...

    def find(
        self, images: Sequence[Image], *, least: float | None = None, every_class: bool = False
    ) -> list[tuple[Detection, ...]]:
        """Detections of each picture, boxes in 0–1 of it."""
        ...


class Names(Protocol):
    """What is needed of a classifier; see :class:`edge.detectors.naming.Namer`."""

    def name(self, image: Image, box: Box) -> list[dict[str, float]]:
        """Shares of its classes on as many views as the object models get."""
        ...


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing the second look has to say.

    Attributes:
        key: ``seen_again``, ``not_seen_again``, ``looks_like`` or ``nothing_like``.
        about: the label of the thing, or the key of the look-alike.
        seen, views: on how many of the views it was seen.
        score: mean score over all views, 0–1; a view without it counts as 0.
    """

    key: str
    about: str
    seen: int
    views: int
    score: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the second look found.

    Attributes:
        confirmed: a case may be drafted.
        score: 0–1, how sure the second look is of the thing: the weakest link of its evidence.
        reasons: why.
        look_alike: key of the named negative that was seen instead, if one was.
    """

    confirmed: bool
    score: float
    reasons: tuple[Reason, ...]
    look_alike: str | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """How well something was seen over the views."""

    label: str
    seen: int
    views: int
    score: float

    @property
    def enough(self) -> bool:
        return self.seen >= _SHARE * self.views

    def reason(self, key: str) -> Reason:
        return Reason(key, self.label, self.seen, self.views, self.score)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the second look says of one part of a finding."""

    score: float
    holds: bool
    reason: Reason
    look_alike: str | None = None


def _rank(evidence: _Evidence) -> tuple[bool, float]:
    return evidence.holds, evidence.score


class SecondLook:
    """Judges crops with the object models that are configured anyway.

    Args:
        models: object detectors; what one of them has claimed, it must see again.
        min_score: mean score over the views from which a claim holds, 0–1.
        look_alikes: the table of named negatives.
        namer: says what a crop shows; None when there is no such model.
    """

    def __init__(
        self,
        models: Sequence[ObjectModel],
        *,
        min_score: float,
        look_alikes: Sequence[LookAlike] = LOOK_ALIKES,
        namer: Names | None = None,
    ) -> None:
        self._models = tuple(models)
        self._names = frozenset(model.name for model in models)
        self._min_score = min_score
        self._look_alikes = tuple(look_alikes)
        self._namer = namer
        # The classifier has nothing to say on the others: wording on a wall, say.
        self._named_kinds = frozenset[str]().union(
            *(row.kinds for row in look_alikes if any(s.startswith(NAMED) for s in row.seen_as))
        )

    def judge(self, image: Image, kind: str, parts: Sequence[Detection]) -> Judgement:
        """Judge the parts of a finding again.

        Every person among the parts must be seen again, and at least one of the other things
        must be real: seen again if a model claimed it, and no look-alike.

        Args:
            image: the whole picture, BGR.
            kind: event kind of the finding.
            parts: what made the rule fire; at least one.
        """
        views = self._views(image, enclosing(part.box for part in parts), kind)
        people = [p for p in parts if p.meaning == "person" and p.model in self._names]
        things = [p for p in parts if p.meaning != "person"]
        evidence = []
        if people:
            evidence.append(max((self._claimed(p, views) for p in people), key=_rank))
        if things:
            # The best thing stands for all: one real bag among planters is enough.
            evidence.append(max((self._thing(t, kind, image, views) for t in things), key=_rank))
        return Judgement(
            confirmed=all(e.holds for e in evidence),
            score=min((e.score for e in evidence), default=1.0),
            reasons=tuple(e.reason for e in evidence),
            look_alike=next((e.look_alike for e in evidence if e.look_alike), None),
        )

    def _claimed(self, part: Detection, views: Sequence[tuple[Detection, ...]]) -> _Evidence:
        again = _seen_again(part, views)
        holds = again.enough and again.score >= self._min_score
        key = "seen_again" if holds else "not_seen_again"
        return _Evidence(again.score, holds, again.reason(key))

    def _thing(
        self, thing: Detection, kind: str, image: Image, views: Sequence[tuple[Detection, ...]]
    ) -> _Evidence:
        other = self._strongest_look_alike(thing, kind, self._with_names(image, kind, thing, views))
        if thing.model in self._names:
            claimed = self._claimed(thing, views)
            if other is None or other.score <= claimed.score:
                return claimed
            return _Evidence(claimed.score, False, other.reason("looks_like"), other.label)
        # Static objects and wording have no model to ask again.
        if other is not None:
            return _Evidence(1 - other.score, False, other.reason("looks_like"), other.label)
        return _Evidence(1.0, True, Reason("nothing_like", thing.label, 0, len(views), 0.0))

    def _with_names(
        self, image: Image, kind: str, thing: Detection, views: Sequence[tuple[Detection, ...]]
    ) -> Sequence[tuple[Detection, ...]]:
        """The views with what the classifier says of the thing, as detections of its box."""
        if self._namer is None or kind not in self._named_kinds:
            return views
        return [
            (
                *view,
                *(
                    Detection(NAMED + name, NAMED + name, thing.box, share, "look-alikes")
                    for name, share in shares.items()
                    if share >= _LEAST
                ),
            )
            for view, shares in zip(views, self._namer.name(image, thing.box), strict=True)
        ]

    def _strongest_look_alike(
        self, thing: Detection, kind: str, views: Sequence[tuple[Detection, ...]]
    ) -> _Seen | None:
        found = []
        is_thing = _share(_THING, views) >= _SHARE
        for row in self._look_alikes:
            if kind not in row.kinds or row.seen_as & {thing.label, thing.meaning}:
                continue
            if is_thing and not row.firm:
                continue
            best = [
                max((d.score for d in view if _lies_over(d, row, thing.box)), default=0.0)
                for view in views
            ]
            seen = _Seen(row.key, sum(s > 0 for s in best), len(views), float(np.mean(best)))
            if seen.enough and seen.score >= row.score:
                found.append(seen)
        return max(found, key=lambda seen: seen.score, default=None)

    def _views(self, image: Image, box: Box, kind: str) -> list[tuple[Detection, ...]]:
        """What all models together see on each view, boxes in the whole picture's 0–1."""
        windows = [_window(image, box, context) for context in _CONTEXTS]
        crops = [_cut(image, window) for window in windows]
        pictures = [*crops, *(cv2.flip(crop, 1) for crop in crops)]
        seen: list[tuple[Detection, ...]] = [()] * len(pictures)
        for model in (model for model in self._models if model.serves(kind)):
            for n, found in enumerate(model.find(pictures, least=_LEAST, every_class=True)):
                mirrored = n >= len(crops)
                window = windows[n % len(crops)]
                seen[n] += tuple(_placed(d, window, mirrored=mirrored) for d in found)
        return seen


def _share(label: str, views: Sequence[tuple[Detection, ...]]) -> float:
    """Mean over the views of what the classifier says of a class."""
    return float(np.mean([max((d.score for d in v if d.label == label), default=0) for v in views]))


def _seen_again(part: Detection, views: Sequence[tuple[Detection, ...]]) -> _Seen:
    best = [
        max(
            (
                d.score
                for d in view
                if d.meaning == part.meaning
                and d.model == part.model
                and d.box.iou(part.box) >= _SAME_IOU
            ),
            default=0.0,
        )
        for view in views
    ]
    return _Seen(part.label, sum(s > 0 for s in best), len(views), float(np.mean(best)))


def _lies_over(found: Detection, row: LookAlike, thing: Box) -> bool:
    return (
        bool(row.seen_as & {found.label, found.meaning})
        and thing.covered_by(found.box) >= row.cover
        and found.box.area <= row.times * thing.area
    )


def _window(image: Image, box: Box, context: float) -> Box:
    """A square part of the picture (in pixels) around the box, moved inwards at the rim."""
    height, width = image.shape[:2]
    side = max(box.width * width, box.height * height) * context
    side = max(side, _LEAST_SIDE * context / _CONTEXTS[0])
    w, h = min(side / width, 1.0), min(side / height, 1.0)
    x0 = min(max((box.x0 + box.x1 - w) / 2, 0.0), 1.0 - w)
    y0 = min(max((box.y0 + box.y1 - h) / 2, 0.0), 1.0 - h)
    return Box.clipped(x0, y0, x0 + w, y0 + h)


def _cut(image: Image, window: Box) -> Image:
    x0, y0, x1, y1 = window.pixels(image.shape[1], image.shape[0])
    return image[y0:y1, x0:x1]


def _placed(found: Detection, window: Box, *, mirrored: bool) -> Detection:
    """A detection on a view, as one on the whole picture."""
    box = found.box
    x0, x1 = (1 - box.x1, 1 - box.x0) if mirrored else (box.x0, box.x1)
    placed = Box.clipped(
        window.x0 + x0 * window.width,
        window.y0 + box.y0 * window.height,
        window.x0 + x1 * window.width,
        window.y0 + box.y1 * window.height,
    )
    return Detection(found.label, found.meaning, placed, found.score, found.model)
