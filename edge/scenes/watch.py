"""Watching one camera: places are tracked, each zone's rule is asked, findings come out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box, GroundPlane, to_metres
from edge.scenes.ads import CARRIED, SHOWN, AdRules, Wall, illegal_ads, settled
from edge.scenes.before import WallBefore
from edge.scenes.beside import Sight
from edge.scenes.finding import EventKind, Finding, SceneReport, Words
from edge.scenes.numbers import NumberGuard
from edge.scenes.people import PeopleTracker
from edge.scenes.piles import VEHICLES, Attendance, piled_materials
from edge.scenes.places import PlaceTracker
from edge.scenes.rules import RUBBISH, Verdict
from edge.scenes.signs import PermittedSigns
from edge.scenes.vending import VendingRule
from edge.scenes.wares import vending_data
from edge.scenes.wording import shipped_patterns
from edge.scenes.zones import Zone

_TRACKED = ("static_object", "bag", *SHOWN, CARRIED, *RUBBISH)
_TRACKED_FOR_VENDING = frozenset({*vending_data().things, "vehicle"} - {*_TRACKED})
_SUSPECTS = {
    EventKind.PILED_MATERIALS: ("static_object", *RUBBISH),
    EventKind.ILLEGAL_ADS: SHOWN,
}
_LOOKS_TO_FORGET = 5
_OVERHEAD = 0.2  # picture heights


class SceneWatcher:
    """One camera's zones over time. One thread calls it.

    Args:
        camera: its settings.
        time_zone: IANA name, the box's when the camera has none of its own.
        learn_signs_s: seconds in which signs are learned as permitted.
        memory: folder for learned signs, or None to forget them at a restart.
        learn_s: seconds from the first look in which the empty place is learned.
        ads: wording patterns and how numbers are kept; the shipped ones, masked, if None.
    """

    def __init__(
        self,
        camera: CameraSettings,
        *,
        time_zone: str,
        learn_signs_s: float,
        memory: Path | None = None,
        learn_s: float = 60.0,
        ads: AdRules | None = None,
    ) -> None:
        self.camera_id = camera.id
        self.zones = tuple(Zone.of(z, camera.time_zone or time_zone) for z in camera.zones)
        forget_s = max(30.0, _LOOKS_TO_FORGET * camera.look_every_s)
        self._tracker = PlaceTracker(forget_s=forget_s)
        self._vending = {
            zone.settings.id: VendingRule(zone)
            for zone in self.zones
            if zone.settings.watch == "street_vending"
        }
        self._streets = tuple(z.bounds for z in self.zones if z.settings.id in self._vending)
        self._attendance = {
            zone.settings.id: Attendance()
            for zone in self.zones
            if zone.settings.watch == "piled_materials"
        }
        self._ground = _ground_plane(camera)
        footways = (z.bounds for z in self.zones if z.settings.id in self._attendance)
        self._people = PeopleTracker(
            learn_s=learn_s, forget_s=forget_s, areas=(*self._streets, *footways)
        )
        patterns = shipped_patterns()
        self._ads = ads or AdRules(patterns, NumberGuard(patterns, "masked"))
        self._walls = {
            zone.settings.id: _wall(zone, camera.id, learn_signs_s, memory, self._ads)
            for zone in self.zones
            if zone.settings.watch == "illegal_ads"
        }

    def observe(self, look: Look) -> SceneReport:
        """Take in one look and say what it means for each zone."""
        now = look.frame.captured_at
        look = settled(look, tuple(self._walls.values()))
        hiding = [d.box for d in look.of("person", "vehicle")]
        self._tracker.update(self._tracked(look), now, hiding)
        if self._vending or self._attendance:
            self._people.update(look)
        findings: list[Finding] = []
        clear: list[str] = []
        suspects: dict[str, tuple[Detection, ...]] = {}
        for zone in self.zones:
            verdict = self._judge(zone, look)
            suspected = self._suspects(zone, look)
            if verdict is not None:
                findings.append(self._finding(zone, verdict, look))
            elif not suspected:
                clear.append(zone.settings.id)
            suspects[zone.settings.id] = tuple(map(self._without_numbers, suspected))
        return SceneReport(self._public(look), tuple(findings), tuple(clear), suspects)

    def cannot_tell(self, zone_id: str, look: Look) -> Words | None:
        """Why a look says nothing of a zone; None when it does.

        Only walls are known here: what can be said of the ground, its detector knows.
        """
        wall = self._walls.get(zone_id)
        zone = next((zone for zone in self.zones if zone.settings.id == zone_id), None)
        return wall.blind(look, zone.bounds) if wall is not None and zone is not None else None

    def doubt(self, zone_id: str, look: Look) -> Words | None:
        """Why a look on which nothing suspicious is seen still does not show a zone clear.

        A stall that the detectors miss for a moment has its vendor standing there.
        """
        rule = self._vending.get(zone_id)
        if rule is None or not rule.somebody_stays(self._sight(look)):
            return None
        return Words("有人仍停留在该处", "somebody still stays there")

    def _judge(self, zone: Zone, look: Look) -> Verdict | None:
        places = self._tracker.places
        match EventKind(zone.settings.watch):
            case EventKind.STREET_VENDING:
                return self._vending[zone.settings.id].judge(self._sight(look))
            case EventKind.PILED_MATERIALS:
                attendance = self._attendance[zone.settings.id]
                return piled_materials(zone, self._sight(look), attendance, self._ground)
            case EventKind.ILLEGAL_ADS:
                return illegal_ads(zone, places, look, self._walls[zone.settings.id], self._ads)

    def _tracked(self, look: Look) -> list[Detection]:
        """What is worth remembering: for vending, only near the zones, and no furniture."""
        found = list(look.of(*_TRACKED))
        for thing in look.of(*_TRACKED_FOR_VENDING) if self._vending else ():
            near = any(thing.box.overlap(_around(street)) > 0 for street in self._streets)
            if near and not (thing.meaning == "goods" and self._people.furniture(look, thing)):
                found.append(thing)
        if self._attendance:
            found += [d for d in look.of(*VEHICLES) if d not in found]
        return found

    def _sight(self, look: Look) -> Sight:
        return Sight(look, self._tracker.places, self._people.dwellers)

    def _suspects(self, zone: Zone, look: Look) -> list[Detection]:
        """What stands there that might still become, or still be, a case."""
        kind = EventKind(zone.settings.watch)
        if kind is EventKind.STREET_VENDING:
            return self._vending[zone.settings.id].suspects(self._sight(look))
        suspects = [d for d in look.of(*_SUSPECTS[kind]) if zone.touches(d.box)]
        if kind is EventKind.PILED_MATERIALS:
            # What people stand before is neither seen nor gone.
            hidden = (p.last for p in self._tracker.places if p.hidden)
            suspects += [d for d in hidden if d.meaning in _SUSPECTS[kind] and zone.touches(d.box)]
        if kind is EventKind.ILLEGAL_ADS:
            wall, image = self._walls[zone.settings.id], look.frame.image
            suspects = [d for d in suspects if not wall.permits(d, image, self._ads)]
        return suspects

    def _finding(self, zone: Zone, verdict: Verdict, look: Look) -> Finding:
        settings = zone.settings
        return Finding(
            camera_id=self.camera_id,
            zone_id=settings.id,
            place=settings.place,
            kind=EventKind(settings.watch),
            category=verdict.category,
            box=verdict.box,
            first_seen=verdict.first_seen,
            last_seen=look.frame.captured_at,
            score=verdict.score,
            reasons=verdict.reasons,
            look=self._public(look),
            parts=tuple(self._without_numbers(part) for part in verdict.parts),
            size_m=verdict.size_m,
        )

    def _public(self, look: Look) -> Look:
        """The look as the rooms above may know it: no number on it in clear."""
        return replace(look, detections=tuple(map(self._without_numbers, look.detections)))

    def _without_numbers(self, seen: Detection) -> Detection:
        if seen.text is None or seen.meaning == "qr":
            return seen
        return replace(seen, text=self._ads.guard.scrubbed(seen.text))


def _around(street: Box) -> Box:
    """A zone with what hangs over its far edge: zones are drawn on the ground, parasols are not."""
    near = street.grown(0.3)
    return Box.clipped(near.x0, near.y0 - _OVERHEAD, near.x1, near.y1)


def _ground_plane(camera: CameraSettings) -> GroundPlane | None:
    """For sizes; any origin does, so the datum does not matter."""
    if camera.homography is None:
        return None
    origin = camera.homography.ground[0]
    ground = [to_metres(origin, point) for point in camera.homography.ground]
    return GroundPlane(camera.homography.image, ground)


def _wall(zone: Zone, camera_id: str, learn_s: float, memory: Path | None, ads: AdRules) -> Wall:
    name = f"{camera_id}.{zone.settings.id}"
    signs = PermittedSigns(
        zone.settings.permitted_text,
        learn_s=learn_s,
        memory=memory / f"{name}.json" if memory else None,
        guard=ads.guard,
        patterns=ads.patterns,
    )
    return Wall(signs, WallBefore(zone.bounds, memory / f"{name}.png" if memory else None))
