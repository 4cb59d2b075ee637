"""The one thing that leaves this room: a finding, a rule that fired on a camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from edge.detectors.base import Detection, Look
from edge.geometry import Box


class EventKind(StrEnum):
    """What a zone is watched for; each kind has its rule in ``edge.scenes.rules``."""

    STREET_VENDING = "street_vending"
    PILED_MATERIALS = "piled_materials"
    ILLEGAL_ADS = "illegal_ads"


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in the two languages of the console and the platform."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class BestLook:
    """An earlier look on which a finding is shown better than on its own.

    Attributes:
        look: that look.
        box: where the thing is on it.
        why: what is better on it, and out of how many looks.
    """

    look: Look
    box: Box
    why: Words


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule fired: something stands in a zone that should not.

    Attributes:
        camera_id: the camera that sees it.
        zone_id: the zone of that camera.
        place: name of the place when the configuration gives one to several zones.
        kind: the rule that fired.
        category: key into the taxonomy (``0406``, ``0136``, ``EXT-01`` …).
        box: around everything that made the rule fire.
        first_seen, last_seen: aware UTC; their difference is the dwell.
        score: 0–1, the weakest link of what made the rule fire.
        reasons: why, in words.
        look: the picture it is seen on, with all its detections.
        parts: the detections that made the rule fire.
        size_m: width and greatest depth on the ground, metres, where a homography gives them.
        best: the look that shows it best, where that is an earlier one.
    """

    camera_id: str
    zone_id: str
    place: str | None
    kind: EventKind
    category: str
    box: Box
    first_seen: datetime
    last_seen: datetime
    score: float
    reasons: tuple[Words, ...]
    look: Look
    parts: tuple[Detection, ...]
    size_m: tuple[float, float] | None = None
    best: BestLook | None = None

    @property
    def dwell_s(self) -> float:
        """Seconds it has stood there."""
        return (self.last_seen - self.first_seen).total_seconds()


@dataclass(frozen=True, slots=True, eq=False)
class SceneReport:
    """What one look says about a camera's zones.

    Attributes:
        look: the look it was made from.
        findings: the rules that fire now.
        clear_zones: zones seen well enough to say that nothing stands there now.
        suspects: by zone, what is seen there on this very look that its rule is about, whether or
            not it has stood there for long enough. A finding, in contrast, remembers.
        remarks: what must be said with whatever is made of it.
    """

    look: Look
    findings: tuple[Finding, ...]
    clear_zones: tuple[str, ...]
    suspects: Mapping[str, tuple[Detection, ...]] = field(default_factory=dict)
    remarks: tuple[Words, ...] = ()
