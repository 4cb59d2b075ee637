"""People who stay: who they are over looks 1 to 60 s apart.

A *dweller* is a person who keeps to a spot. Position alone would make one dweller of a whole
queue, frame-to-frame overlap would lose a vendor who steps round the stall; so a person belongs to
a dweller when they are within a step or two of the spot *and* look the same (colours of coat and
trousers, see :mod:`edge.scenes.appearance`). Walkers make dwellers that last a look or two.

Where looks are further apart than ``BLIND_S``, many people have come and gone in between and looks
say little: only who stands on the same ground as on the look before, hardly moved and much alike,
is the same, and one look without them ends it. Passers and a queue add up to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.appearance import Descriptor, alike, blended, describe, light_of
from edge.scenes.furniture import EmptyView

_ROAM = 1.3  # body heights from the spot within which it may be the same person: about 2 m
_STEP = 0.75  # body heights: so near the spot is at it
_ALIKE = 0.88  # likeness asked of a person who has moved: 9 of 10 of the same, 1 of 20 others pass
_ALIKE_IN_PLACE = 0.78  # … and of one who stands in the same box: a customer hides half of them
BLIND_S = 30.0
"""Seconds between two looks from which nobody can say what happened in between."""
_MOVED = 0.5  # body heights; who is further off after such a time is another
ALIKE_LATER = 0.93
"""Likeness asked after such a time."""
_IN_PLACE = 0.5  # overlap with the last box that counts as the same box
_SAME_SIZE = 1.6  # ratio of heights: bending and a table before the legs, not a child for a man
_SURE = 0.6  # score from which a person is none of the boards and cones that detectors stumble over
_FOLLOW = 0.1  # share by which the spot moves to the newest position: a queue must not drag it
_MOST = 200  # dwellers of a camera; the oldest sightings are forgotten first


@dataclass(slots=True)
class Dweller:
    """A person who keeps to a spot.

    Attributes:
        number: counts the dwellers of a camera.
        spot: where the feet mostly are, in picture heights from the top left.
        height: body height, in picture heights; running mean.
        wander: mean distance of the feet from the spot, in body heights.
        first_seen, last_seen: aware UTC.
        hits, looks: times seen, and looks since first seen.
        at_spot: times seen within a step of the spot.
        score: running mean of the detections' scores.
        look_of: colours, or None while too small to tell.
        last: the newest detection.
        blind_s: seconds of the stay that lie between looks too far apart to say who stood there.
        returns: how often they were there again after such a time.
    """

    number: int
    spot: tuple[float, float]
    height: float
    wander: float
    first_seen: datetime
    last_seen: datetime
    hits: int
    looks: int
    at_spot: int
    score: float
    look_of: Descriptor | None
    last: Detection
    blind_s: float = 0.0
    returns: int = 0

    @property
    def watched_s(self) -> float:
        """Seconds of the stay over which looks came fast enough to know the person by."""
        return self.dwell_s - self.blind_s

    @property
    def dwell_s(self) -> float:
        """Seconds between the first and the latest sighting."""
        return (self.last_seen - self.first_seen).total_seconds()

    @property
    def presence(self) -> float:
        """Share of looks on which the person was seen, 0–1."""
        return self.hits / self.looks

    @property
    def settled(self) -> float:
        """Share of looks on which the person stood within a step of the spot, 0–1.

        A stream of look-alikes walking through is present, but never settles.
        """
        return self.at_spot / self.looks


@dataclass(frozen=True, slots=True)
class _Seen:
    """A person on the present look."""

    detection: Detection
    feet: tuple[float, float]
    height: float
    look_of: Descriptor | None


class PeopleTracker:
    """The dwellers of one camera.

    Args:
        learn_s: seconds from the first look; what is doubtfully a person and still looks as the
            place did then is furniture. A vendor who stands there at a restart is not doubtful;
            but over half a minute and more nobody stands as still as a poster.
        forget_s: seconds without a sighting after which a passer-by is forgotten. Somebody who
            has stayed is remembered up to three times as long.
        areas: parts of the picture (0–1) in which people matter; none means everywhere.
    """

    def __init__(
        self, *, learn_s: float = 60.0, forget_s: float = 30.0, areas: Sequence[Box] = ()
    ) -> None:
        self._forget_s = forget_s
        self._areas = tuple(area.grown(0.15) for area in areas)
        self._empty = EmptyView(learn_s)
        self._dwellers: list[Dweller] = []
        self._count = 0
        self._looked_at: datetime | None = None

    @property
    def dwellers(self) -> tuple[Dweller, ...]:
        """Everybody remembered."""
        return tuple(self._dwellers)

    def furniture(self, look: Look, thing: Detection) -> bool:
        """Whether the box still looks as it did when watching began."""
        return self._empty.shows_only(look.frame, thing.box)

    def update(self, look: Look) -> None:
        """Give each person of the look to the dweller they most resemble."""
        now = look.frame.captured_at
        self._empty.take(look.frame)
        before, self._looked_at = self._looked_at, now
        gap_s = (now - before).total_seconds() if before else 0.0
        blind_s = gap_s if gap_s > BLIND_S else 0.0
        self._dwellers = [
            d
            for d in self._dwellers
            if self._remembered(d, now) and not (blind_s and d.last_seen != before)
        ][-_MOST:]
        for dweller in self._dwellers:
            dweller.looks += 1
        people = self._people(look, blind=blind_s > 0)
        pairs = sorted(
            (
                (likeness, d, p)
                for d, dweller in enumerate(self._dwellers)
                for p, person in enumerate(people)
                if (likeness := _likeness(dweller, person, blind=blind_s > 0)) is not None
            ),
            reverse=True,
        )
        taken: set[int] = set()
        known: set[int] = set()
        for _, d, p in pairs:
            if d not in taken and p not in known:
                taken.add(d)
                known.add(p)
                _see_again(self._dwellers[d], people[p], now, blind_s)
        for p, person in enumerate(people):
            if p not in known:
                self._dwellers.append(self._newcomer(person, now))

    def _remembered(self, dweller: Dweller, now: datetime) -> bool:
        away_s = (now - dweller.last_seen).total_seconds()
        patience_s = min(max(self._forget_s, dweller.dwell_s / 2), 3 * self._forget_s)
        return 0 <= away_s <= patience_s

    def _people(self, look: Look, *, blind: bool) -> list[_Seen]:
        people = [
            d
            for d in look.of("person")
            if (not self._areas or any(d.box.overlap(area) > 0 for area in self._areas))
            and not ((blind or d.score < _SURE) and self.furniture(look, d))
        ]
        if not people:
            return []
        aspect, light = look.frame.width / look.frame.height, light_of(look.frame)
        return [
            _Seen(
                d,
                (d.box.foot[0] * aspect, d.box.foot[1]),
                max(d.box.height, 1e-6),
                describe(look.frame, d.box, light),
            )
            for d in people
        ]

    def _newcomer(self, person: _Seen, now: datetime) -> Dweller:
        self._count += 1
        return Dweller(
            number=self._count,
            spot=person.feet,
            height=person.height,
            wander=0.0,
            first_seen=now,
            last_seen=now,
            hits=1,
            looks=1,
            at_spot=1,
            score=person.detection.score,
            look_of=person.look_of,
            last=person.detection,
        )


def _likeness(dweller: Dweller, person: _Seen, *, blind: bool = False) -> float | None:
    """How well a person fits a dweller, or None when it cannot be the same.

    Args:
        dweller: as remembered.
        person: on the present look.
        blind: whether too much time has passed since the look before.
    """
    apart = _distance(dweller.spot, person.feet) / dweller.height
    ratio = person.height / dweller.height
    if apart > (_MOVED if blind else _ROAM) or not 1 / _SAME_SIZE <= ratio <= _SAME_SIZE:
        return None
    overlap = dweller.last.box.iou(person.detection.box)
    likeness = alike(dweller.look_of, person.look_of)
    if likeness is None:  # too small for colours: only position is left
        return overlap if overlap >= _IN_PLACE else None
    in_place = _ALIKE_IN_PLACE if overlap >= _IN_PLACE else _ALIKE
    wanted = ALIKE_LATER if blind else in_place
    return likeness + 0.3 * overlap - 0.1 * apart if likeness >= wanted else None


def _see_again(dweller: Dweller, person: _Seen, now: datetime, blind_s: float) -> None:
    dweller.blind_s += blind_s
    dweller.returns += blind_s > 0
    apart = _distance(dweller.spot, person.feet) / dweller.height
    dweller.hits += 1
    dweller.at_spot += apart <= _STEP
    share = 1 / min(dweller.hits, 20)
    dweller.wander += share * (apart - dweller.wander)
    follow = max(_FOLLOW, share) if dweller.hits <= 5 else _FOLLOW
    dweller.spot = (
        dweller.spot[0] + follow * (person.feet[0] - dweller.spot[0]),
        dweller.spot[1] + follow * (person.feet[1] - dweller.spot[1]),
    )
    dweller.height += share * (person.height - dweller.height)
    dweller.score += share * (person.detection.score - dweller.score)
    dweller.look_of = blended(dweller.look_of, person.look_of, max(share, 0.1))
    dweller.last_seen = now
    dweller.last = person.detection


def _distance(left: tuple[float, float], right: tuple[float, float]) -> float:
    return float(((left[0] - right[0]) ** 2 + (left[1] - right[1]) ** 2) ** 0.5)
