"""The rules: what makes places in a zone a finding, with reasons in words.

A rule is a pure function of the zone, its places and the signs it may show. ``None`` means that
it does not fire; most of each rule says what must *not* make it fire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.config.model import ZoneSettings
from edge.detectors.base import Detection
from edge.geometry import Box, enclosing
from edge.scenes.finding import Words
from edge.scenes.places import Place
from edge.scenes.zones import Zone

RUBBISH = ("rubbish_bag", "exposed_rubbish")
_MIN_PRESENCE = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule fired."""

    category: str
    box: Box
    first_seen: datetime
    score: float
    reasons: tuple[Words, ...]
    parts: tuple[Detection, ...]


def piled_materials(zone: Zone, places: Sequence[Place], now: datetime) -> Verdict | None:
    """Something left on the ground, neither person nor vehicle, that stays.

    EXT-01 where a model sees bags of rubbish, 0110 exposed rubbish, else 0136.
    """
    if zone.permitted_at(now):
        return None
    piles = [p for p in places if p.meaning == "static_object" and _stands(p, zone)]
    rubbish = [p for p in places if p.meaning in RUBBISH and _stands(p, zone)]
    if not piles and not rubbish:
        return None
    members = [*piles, *rubbish]
    bags = [
        p
        for p in places
        if p.meaning in ("rubbish_bag", "bag") and any(p.box.overlap(m.box) > 0 for m in members)
    ]
    category = "EXT-01" if bags else "0110" if rubbish else "0136"
    longest = max(members, key=lambda place: place.dwell_s)
    seen_as = sorted({p.last.label for p in bags + rubbish})
    reasons = [
        Words(
            f"{len(members)} 处物品静止 {longest.dwell_s:.0f} 秒，此前背景中没有",
            f"{len(members)} thing(s) not in the learned background have stood still "
            f"for {longest.dwell_s:.0f} s",
        ),
        Words("不是行人或车辆", "neither people nor vehicles"),
    ]
    if seen_as:
        reasons.append(Words(f"识别为 {'、'.join(seen_as)}", f"seen as {', '.join(seen_as)}"))
    return Verdict(
        category,
        enclosing(p.box for p in members),
        longest.first_seen,
        max(p.score for p in members),
        tuple(reasons),
        tuple(p.last for p in members),
    )


def _stands(place: Place, zone: Zone) -> bool:
    return zone.stands_in(place.box) and _stays(place, zone.settings)


def _stays(place: Place, settings: ZoneSettings) -> bool:
    return (
        place.dwell_s >= settings.dwell_s
        and place.presence >= _MIN_PRESENCE
        and place.score >= settings.min_score
    )
