"""Who stands beside what: distances in body heights, so that near and far are judged alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.detectors.base import Look
from edge.geometry import Box, enclosing
from edge.scenes.people import Dweller
from edge.scenes.places import Place
from edge.scenes.wares import Ware, vending_data

_NEED = vending_data().need
_GROUND = 0.7  # body heights the feet of things that belong together may be apart, seen from a mast
_ABOVE = 0.5  # body heights an umbrella may hang over a head
_CARRIED = ("umbrella", "bag")
_HANGING = ("umbrella", "goods")  # goods lie on a table or hang from a rack
_PARKED_HITS = 3  # looks on which a vehicle or bag was seen in one place
_TOUCHES = 0.25  # body heights between pieces of one thing
_BEHIND = 0.2  # body heights the feet of who stands behind a thing end above its lower edge
_RESTLESS = 0.25  # body heights: a person who on average is so far from their spot has moved


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the rules of one camera see at one moment."""

    look: Look
    places: Sequence[Place]
    people: Sequence[Dweller]

    @property
    def now(self) -> datetime:
        """When the look was taken."""
        return self.look.frame.captured_at

    @property
    def aspect(self) -> float:
        """Width of the picture over its height."""
        return self.look.frame.width / self.look.frame.height


def next_to(person: Dweller, place: Place, aspect: float) -> bool:
    """Whether the thing stands within reach of the person and, if it stands, as far away."""
    body, thing, height = person.last.box, place.box, person.height
    across = max(thing.x0 - body.x1, body.x0 - thing.x1, 0.0) * aspect
    down = max(thing.y0 - body.y1, body.y0 - thing.y1, 0.0)
    if across > _NEED.reach * height or down > _ABOVE * height:
        return False
    return place.meaning in _HANGING or abs(thing.y1 - person.spot[1]) <= _GROUND * height


def came_together(place: Place, person: Dweller) -> bool:
    """Whether the thing came within a look of the person's coming, for looks far apart.

    Of what appears while somebody stays, most is theirs where one looks every few seconds; where
    one looks every few minutes it is anything that happened meanwhile.
    """
    look_s = person.blind_s / max(person.returns, 1)
    return abs((place.first_seen - person.first_seen).total_seconds()) <= 1.5 * look_s


def vehicle_sized(place: Place, person: Dweller, sight: Sight) -> Box | None:
    """The static object with the pieces that people cut it in, if it is as big as a car."""
    whole = _with_pieces(place, sight, _TOUCHES * person.height)
    wide = whole.width * sight.aspect >= _NEED.vehicle_wide * person.height
    return whole if wide and whole.height >= _NEED.vehicle_high * person.height else None


def behind(person: Dweller, whole: Box) -> bool:
    """Whether a thing hides the person's feet: the vendor of a long stall stands so."""
    x, foot = person.last.box.foot
    return whole.x0 <= x <= whole.x1 and foot <= whole.y1 - _BEHIND * person.height


def _with_pieces(place: Place, sight: Sight, gap: float) -> Box:
    """The box around what belongs together: what touches, or touches who stands between."""
    pieces = [p.box for p in sight.places if p.meaning == "static_object"]
    people = [d.box for d in sight.look.of("person")]

    def near(box: Box) -> Box:
        wide = gap / sight.aspect
        return Box.clipped(box.x0 - wide, box.y0 - gap, box.x1 + wide, box.y1 + gap)

    whole = place.box
    for _ in pieces:
        between = [body for body in people if body.overlap(near(whole)) > 0]
        reach = [near(box) for box in (whole, *between)]
        touching = [box for box in pieces if any(box.overlap(r) > 0 for r in reach)]
        if (grown := enclosing([whole, *touching])) == whole:
            break
        whole = grown
    return whole


def in_hand(place: Place, person: Dweller) -> bool:
    """Whether small goods lie inside the person's own box: a cup, a bottle, a book."""
    return place.meaning == "goods" and place.box.covered_by(person.last.box.grown(0.1)) > 0.6


def explained(place: Place, places: Sequence[Place]) -> bool:
    """Whether a static object is only a parked vehicle, or luggage, or an umbrella, once more."""
    if place.meaning != "static_object":
        return False
    for other in places:
        if other.hits < _PARKED_HITS:
            continue  # a bus that passes in front of a stall says nothing about it
        if other.meaning in ("vehicle", "two_wheeler"):
            if place.box.covered_by(other.box.grown(0.1)) > 0.5:
                return True
        elif other.meaning in _CARRIED and place.box.covered_by(other.box.grown(0.15)) > 0.6:
            return True
    return False


def umbrella(place: Place, person: Dweller, aspect: float) -> Ware:
    """An umbrella too wide to hold, or one that stays while the person shifts, is a parasol."""
    wide = place.box.width * aspect >= _NEED.parasol * person.height
    shift = place.wander * place.box.width * aspect
    fixed = person.wander >= _RESTLESS and shift < 0.3 * person.wander * person.height
    if wide or fixed:
        return Ware(place, 1.0, True, "遮阳伞", "parasol")
    return Ware.of(place)
