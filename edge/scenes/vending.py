"""Street vending: a person who stays, with what one sells from, where and when none may be sold.

No model knows Chinese street stalls, so the rule is a composition (its data: ``vending.toml``):

- somebody *stays*: the same person by looks and spot, feet in the zone (:mod:`edge.scenes.people`);
- *wares* stand beside them for the dwell, enough by their weights: a table, cart or parasol alone
  is enough, goods in the hand, a bag or a bicycle are not; a static object counts when it came with
  the person, and by its size: a stall is no suitcase;
- customers who came and left add to it; where the wares hide the vendor, three who stopped one
  after another are enough;
- where looks lie more than half a minute apart, the person has hardly moved over three looks in a
  row, a static object came within a look of them or with somebody who looks the same, and what no
  detector names needs a customer and a second such thing on six looks, or twenty looks. What is as
  big as a car is none of their wares.

The score is ``P(person) * P(wares) * steadiness``: the person is there unless every one of three
looks was wrong, ``1 - (1 - s)^3``; the wares as :func:`edge.scenes.wares.certainty` has it, with
each customer taking a tenth of the remaining doubt away; steadiness is ``0.7 + 0.3 * presence``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from edge.detectors.base import Detection
from edge.geometry import enclosing
from edge.scenes.beside import (
    Sight,
    came_together,
    explained,
    in_hand,
    next_to,
    umbrella,
)
from edge.scenes.company import BroughtThings, Customers, ParkedVehicles, Served
from edge.scenes.finding import Words
from edge.scenes.frontage import FrontageRule
from edge.scenes.people import Dweller
from edge.scenes.places import Place
from edge.scenes.rules import Verdict
from edge.scenes.wares import Ware, certainty, counted, evidence, vending_data, words_of
from edge.scenes.zones import Zone

_MIN_SETTLED = 0.5  # share of looks on which a vendor is seen at the spot
_DATA = vending_data()
_NEED = _DATA.need


class VendingRule:
    """The rule for one zone, with what it must remember. One thread calls it."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._brought = BroughtThings()
        self._customers = Customers()
        self._served = Served()
        self._parked = ParkedVehicles(zone)
        self._frontage = FrontageRule(zone, self._parked) if zone.settings.frontage else None

    def judge(self, sight: Sight) -> Verdict | None:
        """Whether somebody sells here now, outside permitted hours."""
        self._brought.remember(sight)
        self._customers.remember(sight)
        self._served.remember(sight)
        self._parked.remember(sight)
        found = [
            verdict
            for person in sight.people
            if self._stays(person) and (verdict := self._of_vendor(person, sight)) is not None
        ]
        best = max(found, key=lambda verdict: verdict.score, default=None)
        if self._frontage is not None:
            best = self._frontage.judge(sight) or best
        elif best is None:
            best = self._unseen(sight)
        if best is None or self._zone.permitted_at(sight.now):
            return None
        return replace(best, reasons=(*best.reasons, self._hours()))

    def suspects(self, sight: Sight) -> list[Detection]:
        """What stands there that might still become, or still be, a case."""
        return [p.last for p in sight.places if self._may_be_wares(p, sight)]

    def somebody_stays(self, sight: Sight) -> bool:
        """Whether a person who has stayed is seen on this very look, with or without wares."""
        return any(self._stays(p) and p.last_seen == sight.now for p in sight.people)

    def _may_be_wares(self, place: Place, sight: Sight) -> bool:
        if place.last_seen != sight.now or not self._zone.touches(place.box):
            return False
        if place.meaning == "static_object":
            return self._frontage is not None or self._brought.holds(place)
        if place.meaning == "umbrella" and place.hits == 1:
            return False  # in rain umbrellas walk past
        return place.meaning in _DATA.things and place.meaning not in ("two_wheeler", "seat")

    def _stays(self, person: Dweller) -> bool:
        return (
            person.hits >= _NEED.person_looks
            and person.settled >= _MIN_SETTLED
            and person.dwell_s >= self._zone.settings.dwell_s / 2
            and self._zone.stands_in(person.last.box)
            and (not self._seldom_seen(person) or person.returns >= _NEED.person_looks - 1)
        )

    def _seldom_seen(self, person: Dweller) -> bool:
        """Whether the stay is put together from looks that lie far apart."""
        return person.blind_s > 0 and person.watched_s < self._zone.settings.dwell_s / 2

    def _of_vendor(self, vendor: Dweller, sight: Sight) -> Verdict | None:
        wares = self._wares_of(vendor, sight)
        if not wares:
            return None
        staying = {p.number for p in sight.people if self._stays(p)}
        customers = self._customers.left(staying, sight)
        total = evidence(wares)
        if total >= _DATA.customers.needs:
            total += customers * _DATA.customers.weight
        if total < _NEED.evidence - 1e-9:
            return None
        if self._seldom_seen(vendor) and not _enough_for_few_looks(vendor, wares, customers):
            return None
        since = max(
            min(ware.place.first_seen for ware in wares), self._attended_since(wares, sight)
        )
        if (sight.now - since).total_seconds() < self._zone.settings.dwell_s:
            return None
        shown = _shown(vendor, wares, sight)
        score = _score(vendor, wares, customers)
        if shown is None or score < self._zone.settings.min_score:
            return None
        stall = any(ware.stall for ware in wares)
        return Verdict(
            "0405" if self._frontage else "0406" if stall else "0401",
            enclosing([shown.last.box, *(ware.place.box for ware in wares)]),
            since,
            score,
            self._reasons(vendor, wares, customers),
            (shown.last, *(ware.place.last for ware in wares)),
        )

    def _wares_of(self, vendor: Dweller, sight: Sight) -> tuple[Ware, ...]:
        """What stands beside the vendor long enough, weighed."""
        near = [
            p
            for p in sight.places
            if p.meaning in _DATA.things
            and p.dwell_s >= self._zone.settings.dwell_s
            and p.presence >= _DATA.things[p.meaning].presence
            and next_to(vendor, p, sight.aspect)
            and not in_hand(p, vendor)
        ]
        loads = [p for p in near if p.meaning in ("goods", "static_object")]
        weighed = (self._weighed(p, vendor, sight, loads) for p in near)
        return counted([ware for ware in weighed if ware is not None])

    def _weighed(
        self, place: Place, vendor: Dweller, sight: Sight, loads: Sequence[Place]
    ) -> Ware | None:
        match place.meaning:
            case "umbrella":
                return umbrella(place, vendor, sight.aspect)
            case "static_object":
                if not self._theirs(place, vendor, sight):
                    return None
                area = place.box.area * sight.aspect / vendor.height**2
                return Ware.of(place, min(area / _NEED.static_full, 1.0))
            case "two_wheeler":
                loaded = any(p.box.overlap(place.box.grown(0.2)) > 0 for p in loads)
                return Ware.of(place) if loaded else None
            case _:
                return Ware.of(place)

    def _theirs(self, place: Place, vendor: Dweller, sight: Sight) -> bool:
        """Whether a static object came with somebody and is no vehicle or luggage."""
        return (
            self._brought.holds(place)
            and not self._parked.are(place)
            and not self._parked.sized(place, vendor)
            and not explained(place, sight.places)
            and (
                not self._seldom_seen(vendor)
                or came_together(place, vendor)
                or self._brought.with_one_like(place, vendor)
            )
        )

    def _unseen(self, sight: Sight) -> Verdict | None:
        """Somebody sells whom the wares hide: customers stop before them, one after another."""
        need = _DATA.served
        for place in sight.places:
            if place.meaning != "static_object" or place.last_seen != sight.now:
                continue
            stops = self._served.at(place)
            here = [
                p
                for p in sight.people
                if p.last_seen == sight.now
                and p.number in stops
                and next_to(p, place, sight.aspect)
                and self._zone.stands_in(p.last.box)
            ]
            if len(stops) < need.customers or not here or len(stops) - len(here) < need.left:
                continue
            shown = max(here, key=lambda person: person.dwell_s)
            ware = self._weighed(place, shown, sight, ())
            since = min(stops.values())
            long = (sight.now - since).total_seconds() >= self._zone.settings.dwell_s
            if long and ware is not None and ware.weight >= _NEED.evidence:
                return self._served_verdict(shown, ware, len(stops), since)
        return None

    def _served_verdict(self, shown: Dweller, ware: Ware, stops: int, since: datetime) -> Verdict:
        clock = self._zone.clock(since)
        came = f"{stops} people have stopped before it one after another, since {clock}"
        return Verdict(
            "0401",
            enclosing([shown.last.box, ware.place.box]),
            since,
            _score(shown, [ware], 0),
            (
                words_of([ware], self._zone),
                Words(f"自 {clock} 起先后有 {stops} 人在其前停留", came),
            ),
            (shown.last, ware.place.last),
        )

    def _attended_since(self, wares: Sequence[Ware], sight: Sight) -> datetime:
        """Since when somebody has stayed beside the wares: two vendors may take turns."""
        return min(
            p.first_seen
            for p in sight.people
            if self._stays(p) and any(next_to(p, w.place, sight.aspect) for w in wares)
        )

    def _reasons(self, vendor: Dweller, wares: Sequence[Ware], customers: int) -> tuple[Words, ...]:
        since = self._zone.clock(vendor.first_seen)
        reasons = [
            Words(
                f"有人自 {since} 起停留 {vendor.dwell_s:.0f} 秒",
                f"a person has stayed {vendor.dwell_s:.0f} s, since {since}",
            ),
            words_of(wares, self._zone),
        ]
        if customers:
            came = f"at least {customers} customer{'s' * (customers > 1)} came and left"
            reasons.append(Words(f"至少 {customers} 名顾客来过又离开", came))
        return tuple(reasons)

    def _hours(self) -> Words:
        spans = self._zone.settings.permitted_hours
        hours = ", ".join(f"{h.start:%H:%M}-{h.end:%H:%M}" for h in spans)
        if not hours:
            return Words("该区域不允许经营", "no vending is permitted here")
        return Words(f"不在允许时段内（{hours}）", f"outside permitted hours ({hours})")


def _enough_for_few_looks(vendor: Dweller, wares: Sequence[Ware], customers: int) -> bool:
    """Whether the case stands though much has happened between the looks.

    A planter put out, a parcel or a strip of light comes with somebody by chance.
    """
    need = _DATA.seldom
    if any(ware.named for ware in wares):
        return True
    together = sum(came_together(ware.place, vendor) for ware in wares)
    looks = need.looks if together >= need.things else need.alone
    return vendor.returns >= looks - 1 and customers >= need.customers


def _shown(vendor: Dweller, wares: Sequence[Ware], sight: Sight) -> Dweller | None:
    """Who stands beside the wares on this very picture, the vendor if they are on it.

    A case shows them, and the second look must find them there: who has just left is still
    remembered, and the one who took over has not stayed long enough yet.
    """
    if vendor.last_seen == sight.now:
        return vendor
    here = (p for p in sight.people if p.last_seen == sight.now and p.at_spot > 1)
    beside = (p for p in here if any(next_to(p, w.place, sight.aspect) for w in wares))
    return max(beside, key=lambda person: person.dwell_s, default=None)


def _score(vendor: Dweller, wares: Sequence[Ware], customers: int) -> float:
    person = 1.0 - (1.0 - min(vendor.score, 1.0)) ** min(vendor.hits, 3)
    doubt = (1.0 - certainty(wares)) * (1.0 - _DATA.customers.weight) ** customers
    return person * (1.0 - doubt) * (0.7 + 0.3 * vendor.presence)
