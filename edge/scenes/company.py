"""What the vending rule remembers: which things came with somebody, what is parked, who bought."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from edge.geometry import Box
from edge.scenes.appearance import Descriptor, alike
from edge.scenes.beside import Sight, behind, next_to, vehicle_sized
from edge.scenes.people import ALIKE_LATER, BLIND_S, Dweller
from edge.scenes.places import Place
from edge.scenes.wares import vending_data
from edge.scenes.zones import Zone

_DATA = vending_data()
_NEED = _DATA.need
_SAME_PLACE = 0.3  # overlap; what a person hides and shows again changes a static object's box
_SAME_VEHICLE = 0.5  # overlap of a vehicle and the static object that it is
_VEHICLE_VOTES = 0.04  # share of looks; nine of seventy on a van that few detectors like
_PART = 0.7  # share of a static object inside a bigger one that it is a part of
_ON_STALLS = ("umbrella", "table", "stall", "cart", "blanket", "goods")
_STANDS = 3  # looks from which an umbrella is not carried past
_VEHICLES_KEPT = 500  # sightings
_LOOKS_ALONE = 3  # looks, if these come seldom, after which a thing that nobody is with is nobody's
_PEOPLE_KEPT = 1000  # sightings, where looks come seldom
_SAME_SPOT = 0.25  # body heights
_OFTEN = 3  # earlier sightings from which somebody has been there before
_STOPS = 2  # looks at the spot from which a person does not walk past
_DRIVES_UP_S = 10.0
_KEPT_S = 1800.0  # a customer counts for half an hour


@dataclass(slots=True)
class _Brought:
    box: Box
    attended_at: datetime
    by: Descriptor | None


class BroughtThings:
    """Static objects that arrived about when somebody did who then stayed near them.

    What was there before the person is a heap, a planter or somebody else's. What nobody has
    stood beside for ``unattended_s`` is nobody's any more.
    """

    def __init__(self) -> None:
        self._things: list[_Brought] = []
        self._looked_at: datetime | None = None
        self._stood: deque[tuple[tuple[float, float], Descriptor | None, datetime]]
        self._stood = deque(maxlen=_PEOPLE_KEPT)

    def holds(self, place: Place) -> bool:
        """Whether the static object came with somebody who is still about."""
        return self._find(place) is not None

    def with_one_like(self, place: Place, person: Dweller) -> bool:
        """Whether it came with somebody who looked like this person.

        Where looks are far apart a vendor whom the detectors miss once begins anew.
        """
        thing = self._find(place)
        likeness = alike(thing.by, person.look_of) if thing is not None else None
        return likeness is not None and likeness >= ALIKE_LATER

    def remember(self, sight: Sight) -> None:
        """Take in one look."""
        gap_s = (sight.now - self._looked_at).total_seconds() if self._looked_at else 0.0
        self._looked_at = sight.now
        patience_s = max(_NEED.unattended_s, _LOOKS_ALONE * gap_s)
        if gap_s > BLIND_S:
            here = (p for p in sight.people if p.last_seen == sight.now)
            self._stood.extend((p.spot, p.look_of, sight.now) for p in here)
        for place in sight.places:
            if place.meaning == "static_object":
                for person in sight.people:
                    if person.hits > 1 and next_to(person, place, sight.aspect):
                        self._attend(place, person)
        self._things = [
            thing
            for thing in self._things
            if 0 <= (sight.now - thing.attended_at).total_seconds() <= patience_s
        ]

    def _attend(self, place: Place, person: Dweller) -> None:
        known = self._find(place)
        if known is not None:
            known.box = place.box
            if person.hits >= _NEED.person_looks:
                known.attended_at = max(known.attended_at, person.last_seen)
            return
        before_s = (person.first_seen - place.first_seen).total_seconds()
        after_s = (place.first_seen - person.last_seen).total_seconds()
        came = max(before_s, after_s) <= _NEED.arrives_before_s
        if came and not self._was_here(person, place.first_seen):
            self._things.append(_Brought(place.box, person.last_seen, person.look_of))

    def _was_here(self, person: Dweller, before: datetime) -> bool:
        """Whether one who looks the same stood there earlier: missed for a look, not arrived."""
        sights = (
            alike(look_of, person.look_of)
            for spot, look_of, at in self._stood
            if at < min(before, person.first_seen)
            and max(abs(spot[0] - person.spot[0]), abs(spot[1] - person.spot[1]))
            <= _SAME_SPOT * person.height
        )
        return sum((likeness or 0.0) >= ALIKE_LATER for likeness in sights) >= _OFTEN

    def _find(self, place: Place) -> _Brought | None:
        return next((t for t in self._things if place.box.iou(t.box) >= _SAME_PLACE), None)


class ParkedVehicles:
    """Where vehicles have been seen lately: a detector that finds a parked van on every tenth look
    has still said what stands there.
    """

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._seen: deque[tuple[Box, datetime]] = deque(maxlen=_VEHICLES_KEPT)
        self._big: deque[tuple[Box, datetime]] = deque(maxlen=_VEHICLES_KEPT)

    def remember(self, sight: Sight) -> None:
        """Take in one look."""
        near = (d for d in sight.look.of("vehicle") if self._zone.touches(d.box))
        self._seen.extend((d.box, sight.now) for d in near)
        for place in sight.places:
            if place.meaning == "static_object":
                self._measure(place, sight)

    def _measure(self, place: Place, sight: Sight) -> None:
        for person in sight.people:
            if person.last_seen == sight.now and next_to(person, place, sight.aspect):
                whole = vehicle_sized(place, person, sight)
                if whole is not None and not _sold_from(whole, sight):
                    self._big.append((whole, sight.now))
                return

    def sized(self, place: Place, vendor: Dweller) -> bool:
        """Whether a static object is part of what has been as big as a car since it came.

        Only a part of it shows where people stand before it, so what it was is remembered.
        """
        votes = sum(
            at >= place.first_seen
            and place.box.covered_by(whole) >= _PART
            and not behind(vendor, whole)
            for whole, at in self._big
        )
        return votes >= 2

    def are(self, place: Place) -> bool:
        """Whether a static object has been seen as a vehicle of its own size since it came."""
        votes = sum(
            (at - place.first_seen).total_seconds() >= -_DRIVES_UP_S
            and box.iou(place.box) >= _SAME_VEHICLE
            for box, at in self._seen
        )
        return votes >= max(2.0, _VEHICLE_VOTES * place.looks)


def _sold_from(whole: Box, sight: Sight) -> bool:
    """Whether a parasol, table or goods stand there too: then it is a stall, of any size."""
    return any(
        p.meaning in _ON_STALLS and p.hits >= _STANDS and p.box.overlap(whole) > 0
        for p in sight.places
    )


@dataclass(slots=True)
class _Stop:
    before: Box
    since: datetime
    until: datetime

    @property
    def long(self) -> bool:
        return (self.until - self.since).total_seconds() >= _DATA.served.stop_s


class Served:
    """Who stopped before a static object, by dweller number.

    A rack hides its vendor, or the detectors know no body behind flowers; the customers stand in
    front. Only looks that come fast enough say that somebody stopped and left.
    """

    def __init__(self) -> None:
        self._stops: dict[int, _Stop] = {}

    def remember(self, sight: Sight) -> None:
        """Take in one look."""
        things = [p for p in sight.places if p.meaning == "static_object" and p.hits > 1]
        for person in sight.people:
            if person.last_seen != sight.now or person.at_spot < _STOPS or person.blind_s:
                continue
            thing = next((t for t in things if next_to(person, t, sight.aspect)), None)
            known = self._stops.get(person.number)
            if known is not None and thing is not None:
                known.before, known.until = thing.box, sight.now
            elif thing is not None:
                self._stops[person.number] = _Stop(thing.box, sight.now, sight.now)
        self._stops = {
            number: stop
            for number, stop in self._stops.items()
            if 0 <= (sight.now - stop.until).total_seconds() <= _KEPT_S
        }

    def at(self, place: Place) -> dict[int, datetime]:
        """Who stopped before it for long enough since it came, and since when each."""
        return {
            number: stop.since
            for number, stop in self._stops.items()
            if stop.long and stop.before.overlap(place.box) > 0 and stop.since >= place.first_seen
        }


class Customers:
    """Who has stood beside the wares, by dweller number."""

    def __init__(self) -> None:
        self._beside: dict[int, datetime] = {}
        self._last: datetime | None = None

    def remember(self, sight: Sight) -> None:
        """Take in one look: a passer-by is beside a thing once, a customer stops."""
        gap_s = (sight.now - self._last).total_seconds() if self._last else 0.0
        self._last = sight.now
        hits = 1 if gap_s >= _DATA.customers.stay_s else 2
        things = [p for p in sight.places if p.meaning in _DATA.things and p.hits > 1]
        for person in sight.people:
            if (
                person.last_seen == sight.now
                and person.at_spot >= hits
                and any(next_to(person, thing, sight.aspect) for thing in things)
            ):
                self._beside[person.number] = sight.now
        self._beside = {
            number: at
            for number, at in self._beside.items()
            if 0 <= (sight.now - at).total_seconds() <= _KEPT_S
        }

    def left(self, staying: set[int], sight: Sight) -> int:
        """How many stood beside the wares and are gone, vendors apart; no more than count."""
        here = {p.number for p in sight.people if p.last_seen == sight.now}
        gone = self._beside.keys() - staying - here
        return min(len(gone), _DATA.customers.most)
