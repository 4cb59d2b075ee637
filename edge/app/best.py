"""The best frame: while something is suspected, the picture that shows it best is kept.

A case is made when the dwell is reached, often by a picture on which somebody passes in front. So
of each spot that may become a case one look is held, in memory only and uncovered, like every look
on its way through the box; it is redacted when it becomes evidence, like every other. The case's
far view stays what it was: the place now. Only the near view may be older, and says so.

Bounded: a spot holds one picture, a camera and all cameras so many, all pictures so many bytes;
what is hardly better than the newest look goes first. Where nothing is suspected nothing is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from edge.app.closer import moved
from edge.detectors.base import Detection, Look
from edge.geometry import Box, enclosing, same_spot
from edge.scenes.finding import BestLook, Finding, SceneReport, Words
from edge.scenes.showing import Impression, Showing, impression, showing
from edge.streams.planes import parts_of
from edge.telemetry import metrics

_BETTER = 1.2
"""Times as good as the newest look, or that one stays: it is the one of now."""
_OLDEST = timedelta(minutes=30)
_FORGOTTEN = timedelta(minutes=15)
_SPOTS_PER_ZONE = 8
_IMPRESSIONS, _ENOUGH_FOR_USUAL = 9, 4
_MOVING = ("person", "vehicle", "two_wheeler")
_WORDS = {
    "sharp": Words("更清晰", "sharper"),
    "large": Words("目标更大", "larger"),
    "clear": Words("遮挡更少", "less hidden"),
    "whole": Words("未被画面边缘截断", "not cut by the picture's edge"),
    "lit": Words("光照更好", "better lit"),
    "usual": Words("前方无异物", "nothing unusual before it"),
}


class _Kept(NamedTuple):
    """A look on which a spot is shown well.

    ``seen``: what was there, detected on it or remembered by the zone's rule.
    """

    look: Look
    showing: Showing
    impression: Impression
    seen: tuple[Detection, ...]


@dataclass(slots=True)
class _Spot:
    """Something suspected that is no case yet.

    Attributes:
        zone_id, box: where.
        last_seen: aware UTC.
        looks: on which it was suspected.
        lately: what it looked like on the newest of them.
        usual: the median of these; None before there are enough.
        newest: how well the newest shows it, 0–1.
        kept: the best of them.
        done: it is a case; nothing is kept any more.
    """

    zone_id: str
    box: Box
    last_seen: datetime
    looks: int = 0
    lately: deque[Impression] = field(default_factory=lambda: deque(maxlen=_IMPRESSIONS))
    usual: Impression | None = None
    newest: float = 0.0
    kept: _Kept | None = None
    done: bool = False

    @property
    def gain(self) -> float:
        """How much better than the newest look the kept one is."""
        return self.quality / max(self.newest, 1e-6)

    @property
    def quality(self) -> float:
        """How well the kept look shows it, by all that is known of it by now."""
        if self.kept is None:
            return 0.0
        return self.as_usual(self.kept.showing, self.kept.impression).quality

    def as_usual(self, shown: Showing, looks_like: Impression) -> Showing:
        """How well a look shows it where something unusual may stand in front of it."""
        return shown if self.usual is None else shown.beside(self.usual, looks_like)

    def remember(self, looks_like: Impression) -> None:
        """Take in what it looks like on a look; the median of some is what it usually does."""
        self.lately.append(looks_like)
        if len(self.lately) >= _ENOUGH_FOR_USUAL:
            self.usual = np.asarray(np.median(np.stack(self.lately), axis=0), np.float32)


class BestFrames:
    """Keeps the best look of each suspected spot. One thread calls it.

    Args:
        most_bytes: of pictures kept, over all cameras; 0 keeps none.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._spots: dict[str, list[_Spot]] = {}
        self._held: dict[str, int] = {}

    @property
    def held_bytes(self) -> int:
        """Of the pictures kept now; one that shows several spots counts once."""
        return sum(self._held.values())

    def sees(self, report: SceneReport) -> None:
        """Take in a look: what its zones suspect."""
        camera_id = report.look.frame.camera_id
        if not self._most_bytes or not (any(report.suspects.values()) or camera_id in self._spots):
            return
        now = report.look.frame.captured_at
        spots = [s for s in self._spots.get(camera_id, ()) if now - s.last_seen <= _FORGOTTEN]
        for zone_id, suspects in report.suspects.items():
            for suspect in suspects:
                _note(spots, zone_id, suspect, suspects, report.look)
        self._spots[camera_id] = spots
        self._count(camera_id)
        self._keep_within_bounds()

    def chosen(self, report: SceneReport) -> SceneReport:
        """The report, each finding with the look that shows it best if that is an earlier one."""
        spots = self._spots.get(report.look.frame.camera_id)
        if not spots or not report.findings:
            return report
        findings = tuple(_with_best(finding, spots) for finding in report.findings)
        return replace(report, findings=findings)

    def became_cases(self, findings: Sequence[Finding]) -> None:
        """Their evidence is made: nothing of them is kept any longer."""
        for finding in findings:
            for spot in self._spots.get(finding.camera_id, ()):
                if spot.zone_id == finding.zone_id and _is_of(spot.box, finding):
                    spot.done, spot.kept = True, None
            if finding.camera_id in self._spots:
                self._count(finding.camera_id)

    def _keep_within_bounds(self) -> None:
        while self.held_bytes > self._most_bytes:
            least = min(
                (spot.gain, camera_id, n)
                for camera_id, spots in self._spots.items()
                for n, spot in enumerate(spots)
                if spot.kept
            )
            _, camera_id, number = least
            self._spots[camera_id][number].kept = None
            self._count(camera_id)
            metrics.BEST_FRAMES_DROPPED.inc()
        metrics.BEST_FRAMES_BYTES.set(self.held_bytes)

    def _count(self, camera_id: str) -> None:
        """How many bytes a camera's kept pictures are; what has no spot any more is forgotten."""
        spots = self._spots[camera_id]
        if not spots:
            del self._spots[camera_id]
        frames = {id(s.kept.look.frame): s.kept.look.frame for s in spots if s.kept is not None}
        held = sum(part.nbytes for f in frames.values() for part in parts_of(f.picture))
        if held:
            self._held[camera_id] = held
        else:
            self._held.pop(camera_id, None)


def _note(
    spots: list[_Spot], zone_id: str, suspect: Detection, beside: Sequence[Detection], look: Look
) -> None:
    now = look.frame.captured_at
    here = [spot for spot in spots if spot.zone_id == zone_id]
    spot = next((spot for spot in here if same_spot(spot.box, suspect.box)), None)
    if spot is None:
        if len(here) >= _SPOTS_PER_ZONE:
            return
        spot = _Spot(zone_id, suspect.box, now)
        spots.append(spot)
    elif spot.last_seen == now and spot.looks:
        return  # two names of one thing
    spot.box, spot.last_seen, spot.looks = suspect.box, now, spot.looks + 1
    if spot.done:
        return
    if spot.kept is not None and not now - _OLDEST <= spot.kept.look.frame.captured_at <= now:
        spot.kept = None
    shown, looks_like = showing(look, suspect.box, beside), impression(look, suspect.box)
    spot.remember(looks_like)
    spot.newest = spot.as_usual(shown, looks_like).quality
    if spot.kept is None or spot.newest >= spot.quality:
        spot.kept = _Kept(look, shown, looks_like, (*look.detections, *beside))


def _with_best(finding: Finding, spots: Sequence[_Spot]) -> Finding:
    bare = showing(finding.look, finding.box, finding.parts)
    best, better = None, _BETTER
    for spot in spots:
        if spot.kept is None or spot.zone_id != finding.zone_id or not _is_of(spot.box, finding):
            continue
        kept = spot.kept
        if not finding.first_seen <= kept.look.frame.captured_at < finding.look.frame.captured_at:
            continue
        parts = _on(kept, finding)
        if parts is None:
            continue
        box = enclosing(part.box for part in parts)
        shown = spot.as_usual(showing(kept.look, box, parts), kept.impression)
        now = spot.as_usual(bare, impression(finding.look, spot.box))
        if shown.quality >= max(now.quality, 1e-9) * better:
            better = shown.quality / max(now.quality, 1e-9)
            best = BestLook(kept.look, box, _why(spot.looks, shown, now))
    if best is None:
        return finding
    metrics.BEST_FRAMES_CHOSEN.inc()
    return replace(finding, best=best)


def _on(kept: _Kept, finding: Finding) -> list[Detection] | None:
    """The parts of a finding on an earlier look; None unless every one of them is seen there."""
    found = []
    for part in finding.parts:
        if part.meaning in _MOVING:
            there = moved(part, kept.look)
        else:
            alike = [
                d for d in kept.seen if d.meaning == part.meaning and same_spot(d.box, part.box)
            ]
            there = max(alike, key=lambda d: d.box.iou(part.box), default=None)
        if there is None:
            return None
        found.append(there)
    return found or None


def _why(looks: int, best: Showing, now: Showing) -> Words:
    """What is better on the best look: up to two things, the greater first."""
    gains = {
        name: getattr(best, name) / max(getattr(now, name), 1e-6)
        for name in _WORDS
        if getattr(best, name) > getattr(now, name) * 1.05
    }
    names = sorted(gains, key=lambda name: gains[name], reverse=True)[:2]
    zh, en = "、".join(_WORDS[n].zh for n in names), ", ".join(_WORDS[n].en for n in names)
    return Words(f"{looks} 次巡看中择优（{zh}）", f"best of {looks} looks ({en})")


def _is_of(box: Box, finding: Finding) -> bool:
    things = [part for part in finding.parts if part.meaning not in _MOVING] or finding.parts
    return any(same_spot(box, part.box) for part in things)
