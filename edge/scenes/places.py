"""Things that stand still: a tracker for looks that are seconds apart.

Between two looks of a key-frame stream a walker has left his own box, so motion cannot be
followed and need not be: what makes a case stays where it is. A *place* is a box in which the
same meaning has been seen again and again (see ``docs/decisions/0003-places-not-tracks.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.detectors.base import Detection
from edge.geometry import Box

_FOLLOW = 0.3
"""Share by which a place moves to the newest box: a vendor shifts, a detector trembles."""
_HIDDEN = 0.35  # share of a place behind a person or vehicle from which it may go unseen
_PART = 0.7  # share of a static object inside a known one from which it is a piece of that


@dataclass(slots=True)
class Place:
    """A spot where one meaning keeps being seen.

    Attributes:
        meaning: what stands there.
        box: smoothed box, 0–1.
        first_seen, last_seen: aware UTC.
        hits, looks: times seen, and looks since it was first seen.
        score: running mean of the detections' scores.
        last: the newest detection.
        wander: mean distance of the detections' middle from the place's, in its widths.
        hidden: whether somebody stood before it on the newest look, and it was not seen.
    """

    meaning: str
    box: Box
    first_seen: datetime
    last_seen: datetime
    hits: int
    looks: int
    score: float
    last: Detection
    wander: float = 0.0
    hidden: bool = False

    @property
    def dwell_s(self) -> float:
        """Seconds between the first and the latest sighting."""
        return (self.last_seen - self.first_seen).total_seconds()

    @property
    def presence(self) -> float:
        """Share of looks on which it was seen, 0–1."""
        return self.hits / self.looks


class PlaceTracker:
    """Places of one camera.

    Args:
        min_iou: overlap from which a detection belongs to a place.
        forget_s: seconds without a sighting after which a place is forgotten.
    """

    def __init__(self, *, min_iou: float = 0.4, forget_s: float = 30.0) -> None:
        self._min_iou = min_iou
        self._forget_s = forget_s
        self._places: list[Place] = []

    @property
    def places(self) -> tuple[Place, ...]:
        """All places alive."""
        return tuple(self._places)

    def update(
        self, detections: Sequence[Detection], now: datetime, hiding: Sequence[Box] = ()
    ) -> None:
        """Give each detection to the place it overlaps most, best overlap first.

        Args:
            detections: of this look.
            now: when it was taken.
            hiding: where people and vehicles stand on it. A place behind them is not missing, and
                what still shows of a static object there is not all of it.
        """
        self._places = [
            place
            for place in self._places
            if 0 <= (now - place.last_seen).total_seconds() <= self._patience_s(place)
        ]
        behind = [_is_behind(place, hiding) for place in self._places]
        seen = self._assign(detections, now, behind)
        for p, place in enumerate(self._places):
            if p in seen or not behind[p]:
                place.looks += 1
                place.hidden = False
            else:
                place.hidden = True
        self._places += [
            Place(x.meaning, x.box, x.since or now, now, 1, 1, x.score, x)
            for d, x in enumerate(detections)
            if d not in seen.values() and not self._is_fragment(x)
        ]

    def _assign(
        self, detections: Sequence[Detection], now: datetime, behind: Sequence[bool]
    ) -> dict[int, int]:
        """Which place has been seen again as which detection."""
        pairs = sorted(
            (
                (place.box.iou(detection.box), p, d)
                for p, place in enumerate(self._places)
                for d, detection in enumerate(detections)
                if place.meaning == detection.meaning
            ),
            reverse=True,
        )
        seen: dict[int, int] = {}
        taken: set[int] = set()
        for iou, p, d in pairs:
            place, detection = self._places[p], detections[d]
            part = _is_part(detection, place)
            if p in seen or d in taken or (iou < self._min_iou and not part):
                continue
            seen[p] = d
            taken.add(d)
            _see_again(place, detection, now, keep_box=part and (behind[p] or iou < self._min_iou))
        return seen

    def _is_fragment(self, detection: Detection) -> bool:
        """Whether a static object is a second piece of one already known."""
        return any(_is_part(detection, place) for place in self._places)

    def _patience_s(self, place: Place) -> float:
        return self._forget_s * (3 if place.hidden else 1)


def _is_part(detection: Detection, place: Place) -> bool:
    """Whether a static object lies inside one that is known: people cut it in pieces."""
    both_static = detection.meaning == place.meaning == "static_object"
    return both_static and detection.box.covered_by(place.box) >= _PART


def _is_behind(place: Place, hiding: Sequence[Box]) -> bool:
    return any(place.box.covered_by(box) >= _HIDDEN for box in hiding)


def _see_again(
    place: Place, detection: Detection, now: datetime, *, keep_box: bool = False
) -> None:
    old, new = place.box, place.box if keep_box else detection.box
    apart = abs(old.x0 + old.x1 - new.x0 - new.x1) / 2 / max(old.width, 1e-6)
    place.wander += (apart - place.wander) / min(place.hits + 1, 20)
    place.box = Box(
        old.x0 + _FOLLOW * (new.x0 - old.x0),
        old.y0 + _FOLLOW * (new.y0 - old.y0),
        old.x1 + _FOLLOW * (new.x1 - old.x1),
        old.y1 + _FOLLOW * (new.y1 - old.y1),
    )
    if detection.since is not None:
        place.first_seen = min(place.first_seen, detection.since)
    place.last_seen = now
    place.hits += 1
    place.score += (detection.score - place.score) / min(place.hits, 20)
    place.last = detection
