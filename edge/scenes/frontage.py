"""A shop beyond its frontage (0405): goods stand in the zone before the door, whoever is with them.

The zone's edge is the door line: shop staff stay behind it and are not asked for. The score is
``P(wares) * (0.7 + 0.3 * presence)``.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.geometry import enclosing
from edge.scenes.beside import Sight, explained
from edge.scenes.company import ParkedVehicles
from edge.scenes.finding import Words
from edge.scenes.places import Place
from edge.scenes.rules import Verdict
from edge.scenes.wares import Ware, certainty, counted, evidence, vending_data, words_of
from edge.scenes.zones import Zone

_DATA = vending_data()
_NOT_GOODS = ("two_wheeler", "seat")


class FrontageRule:
    """The rule for one frontage zone; it remembers how far the goods reached at first."""

    def __init__(self, zone: Zone, parked: ParkedVehicles) -> None:
        self._zone = zone
        self._parked = parked
        self._first_share: float | None = None

    def judge(self, sight: Sight) -> Verdict | None:
        """Whether a shop trades beyond its door line now."""
        settings = self._zone.settings
        standing = [p for p in sight.places if self._stands(p, sight)]
        if not standing:
            self._first_share = None
            return None
        share = sum(p.box.area for p in standing) / self._zone.bounds.area
        self._first_share = self._first_share or share
        wares = counted(
            [
                self._weighed(p)
                for p in standing
                if p.dwell_s >= settings.dwell_s and p.presence >= _DATA.things[p.meaning].presence
            ]
        )
        if evidence(wares) < _DATA.need.evidence - 1e-9:
            return None
        score = certainty(wares) * (0.7 + 0.3 * max(w.place.presence for w in wares))
        if score < settings.min_score:
            return None
        return Verdict(
            "0405",
            enclosing(ware.place.box for ware in wares),
            min(ware.place.first_seen for ware in wares),
            score,
            self._reasons(wares, share),
            tuple(ware.place.last for ware in wares),
        )

    def _stands(self, place: Place, sight: Sight) -> bool:
        return (
            place.meaning in _DATA.things
            and place.meaning not in _NOT_GOODS
            and self._zone.stands_in(place.box)
            and not explained(place, sight.places)
            and not self._parked.are(place)
        )

    def _weighed(self, place: Place) -> Ware:
        if place.meaning != "static_object":
            return Ware.of(place)
        share = place.box.area / self._zone.bounds.area / _DATA.need.frontage_share
        weight = _DATA.things[place.meaning].weight * min(share, 1.0)
        return Ware(place, weight, False, "店前静置物", "static object before the shop")

    def _reasons(self, wares: Sequence[Ware], share: float) -> tuple[Words, ...]:
        first = self._first_share or share
        return (
            Words("物品摆出店门线，店外无需有人", "goods stand beyond the shop's door line"),
            words_of(wares, self._zone),
            Words(
                f"占门前区域：起初 {first:.0%}，现在 {share:.0%}",
                f"share of the frontage they take: {first:.0%} at first, {share:.0%} now",
            ),
        )
