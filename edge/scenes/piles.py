"""Piled materials (乱堆物堆料, 暴露垃圾, 打包垃圾): what was left, and stays with nobody at it.

Two witnesses are heard. The static-object detector knows that something was not there before and
stands still, but not what it is; a rubbish model knows what it sees, but not how long. Either
alone may speak for a case, the model only with a higher score; agreeing they raise it:
``1 - (1 - static) * (1 - model)``, the chance that not both are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.config.model import ZoneSettings
from edge.geometry import Box, GroundPlane, enclosing
from edge.scenes.beside import Sight
from edge.scenes.finding import Words
from edge.scenes.people import Dweller
from edge.scenes.places import Place
from edge.scenes.rules import RUBBISH, Verdict
from edge.scenes.zones import Zone

VEHICLES = ("vehicle", "two_wheeler")
_STATIC = "static_object"
_MIN_PRESENCE = 0.5
_MODEL_ALONE = 0.2  # how much more certain a model must be that no static object confirms
_STATIC_ALONE = 0.9  # a static object that no model knows is never certain
_VOTES = 0.2  # share of the pile's looks on which a model must have named it
_OWNER_DWELL_S = 8.0
_TOGETHER = timedelta(seconds=15)  # who is there when a thing appears has brought it
_UNNOTICED = timedelta(seconds=60)  # for so long a model may miss the person beside it
_NAMES_ZH = {"rubbish_bag": "垃圾袋", "exposed_rubbish": "暴露垃圾", "bag": "包袋"}


@dataclass(slots=True)
class _Attended:
    box: Box
    until: datetime


class Attendance:
    """Until when somebody was with each thing of a zone: luggage has an owner, rubbish has none.

    The owner is a person who was there when the thing appeared and has stayed. Who comes later and
    waits beside a rubbish bag does not make it luggage.
    """

    _MOST = 50

    def __init__(self) -> None:
        self._attended: list[_Attended] = []

    def update(self, things: Sequence[Place], people: Sequence[Dweller]) -> None:
        """Take in the places of one look."""
        for thing in things:
            kept = self._of(thing.box)
            for person in people:
                if not _is_with(person, thing):
                    continue
                known_until = kept.until + _UNNOTICED if kept else thing.first_seen + _TOGETHER
                if person.first_seen > max(known_until, thing.first_seen + _TOGETHER):
                    continue
                if kept is None:
                    kept = _Attended(thing.box, person.last_seen)
                    self._attended = [*self._attended[1 - self._MOST :], kept]
                kept.until = max(kept.until, person.last_seen)

    def alone_since(self, thing: Place) -> datetime:
        """From when its dwell counts."""
        kept = self._of(thing.box)
        return max(thing.first_seen, kept.until) if kept else thing.first_seen

    def _of(self, box: Box) -> _Attended | None:
        best = max(self._attended, key=lambda a: a.box.iou(box), default=None)
        return best if best is not None and best.box.iou(box) >= 0.3 else None


def piled_materials(
    zone: Zone,
    sight: Sight,
    attendance: Attendance,
    ground: GroundPlane | None = None,
) -> Verdict | None:
    """Something left on the ground, neither person nor vehicle, that stays with nobody at it.

    EXT-01 where a model has seen bags of rubbish, 0110 exposed rubbish, else 0136; the majority
    of the looks over the dwell decides.
    """
    places = sight.places
    here = [p for p in places if p.meaning in (_STATIC, *RUBBISH) and zone.stands_in(p.box)]
    attendance.update(here, sight.people)
    if zone.permitted_at(sight.now):
        return None
    vehicles = [p for p in places if p.meaning in VEHICLES and p.presence >= _MIN_PRESENCE]
    members = [
        p
        for p in here
        if _stays(p, zone.settings, attendance)
        and _is_certain(p, here, zone.settings)
        and not any(p.box.covered_by(v.box) > 0.6 for v in vehicles)
        and _fits(p, zone.settings, ground)
    ]
    # Of what has left since, the second look would judge a picture of bare ground.
    if not any(p.last_seen == sight.now for p in members):
        return None
    longest = max(members, key=lambda p: p.last_seen - attendance.alone_since(p))
    witnesses = [p for p in places if p.meaning in (*RUBBISH, "bag") and _touches(p, members)]
    category = _category(members, witnesses)
    size = _size(members, ground)
    return Verdict(
        category,
        enclosing(p.box for p in members),
        longest.first_seen,
        _score(members, witnesses),
        _reasons(members, witnesses, longest, attendance, size),
        tuple(p.last for p in members),
        size,
    )


def _stays(place: Place, settings: ZoneSettings, attendance: Attendance) -> bool:
    alone_s = (place.last_seen - attendance.alone_since(place)).total_seconds()
    return (
        alone_s >= settings.dwell_s
        and place.presence >= _MIN_PRESENCE
        and max(place.hits, place.last.looks) >= settings.min_looks
    )


def _is_certain(place: Place, here: Sequence[Place], settings: ZoneSettings) -> bool:
    """Static objects by their contrast; a model's sight by its score, more so when alone."""
    least = settings.min_score
    if place.meaning != _STATIC and not any(
        p.meaning == _STATIC and p.box.overlap(place.box) > 0 for p in here
    ):
        least = min(least + _MODEL_ALONE, 0.95)
    return place.score >= least


def _fits(place: Place, settings: ZoneSettings, ground: GroundPlane | None) -> bool:
    """Whether its width on the ground is within the zone's limits, where it can be measured."""
    size = ground.size(place.box) if ground else None
    if size is None:
        return True
    smallest, largest = settings.min_size_m or 0.0, settings.max_size_m or float("inf")
    return smallest <= size[0] <= largest


def _is_with(person: Dweller, thing: Place) -> bool:
    """Whether a person dwells beside a thing no larger than himself."""
    return (
        person.dwell_s >= _OWNER_DWELL_S
        and person.presence >= _MIN_PRESENCE
        and person.last.box.grown(0.3).overlap(thing.box) > 0
        and thing.box.area <= person.last.box.area
    )


def _touches(place: Place, members: Sequence[Place]) -> bool:
    return any(place.box.overlap(m.box) > 0 for m in members)


def _category(members: Sequence[Place], witnesses: Sequence[Place]) -> str:
    """By the looks on which a model named it; few sights among many looks are a mistake."""
    bags = max((p.hits for p in witnesses if p.meaning != "exposed_rubbish"), default=0)
    exposed = max((p.hits for p in witnesses if p.meaning == "exposed_rubbish"), default=0)
    if max(bags, exposed) < _VOTES * max(p.looks for p in members):
        return "0136"
    return "EXT-01" if bags >= exposed else "0110"


def _score(members: Sequence[Place], witnesses: Sequence[Place]) -> float:
    static = max((p.score for p in members if p.meaning == _STATIC), default=0.0)
    model = max((p.score for p in witnesses if p.meaning in RUBBISH), default=0.0)
    return 1.0 - (1.0 - min(static, _STATIC_ALONE)) * (1.0 - model)


def _size(members: Sequence[Place], ground: GroundPlane | None) -> tuple[float, float] | None:
    sizes = [s for p in members if ground and (s := ground.size(p.box)) is not None]
    return max(sizes) if sizes else None


def _reasons(
    members: Sequence[Place],
    witnesses: Sequence[Place],
    longest: Place,
    attendance: Attendance,
    size: tuple[float, float] | None,
) -> tuple[Words, ...]:
    alone_s = (longest.last_seen - attendance.alone_since(longest)).total_seconds()
    looks = max(longest.hits, longest.last.looks)
    new = any(p.meaning == _STATIC for p in members)
    reasons = [
        Words(
            f"{len(members)} 处物品静止 {alone_s:.0f} 秒，{looks} 次看到"
            + ("，此前背景中没有" if new else ""),
            f"{len(members)} thing(s) "
            + ("not in the learned background " if new else "")
            + f"have stood still for {alone_s:.0f} s, seen on {looks} looks",
        ),
        Words("不是行人或车辆，旁边无人看管", "neither people nor vehicles, and nobody is with it"),
    ]
    if size is not None:
        reasons.append(
            Words(
                f"地面宽约 {size[0]:.1f} 米，进深不超过 {size[1]:.1f} 米",
                f"about {size[0]:.1f} m wide on the ground, at most {size[1]:.1f} m deep",
            )
        )
    names = sorted({(p.meaning, p.last.label, round(p.score, 2)) for p in witnesses})
    if names:
        zh = "、".join(f"{_NAMES_ZH[meaning]}（{score:.2f}）" for meaning, _, score in names)
        en = ", ".join(f"{label} ({score:.2f})" for _, label, score in names)
        reasons.append(Words(f"识别为 {zh}", f"seen as {en}"))
    return tuple(reasons)
