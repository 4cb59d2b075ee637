"""A scenario: a video, the camera it stands for, and what a perfect inspector would report.

A scenario file is refused when its truth does not fit its video or its zones: a zone that is not
there, a time after the last picture. What merely is not said has a default: no ``split`` counts
as ``report``, no ``cadence_s`` means the video's own time, no ``starts_at`` a fixed morning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.config.model import CameraSettings, DetectorSettings
from edge.scenes.finding import EventKind

CAMERA_ID = "scenario"
SPLITS = ("tuning", "report")
KINDS = tuple(str(kind.value) for kind in EventKind)


@dataclass(frozen=True, slots=True)
class Truth:
    """What should be reported.

    Attributes:
        kind: street_vending, piled_materials or illegal_ads.
        code: the category's key when the truth is that exact, else None.
        zone: id of the zone it stands in.
        from_s, to_s: from when to when, seconds on the scenario's clock.
    """

    kind: str
    code: str | None
    zone: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One labelled video.

    Attributes:
        name: unique in its folder.
        file, video: the YAML file and its video.
        split: tuning or report.
        kind: the category it tests.
        tags: for people.
        starts_at: wall clock of the first picture, aware.
        cadence_s: seconds between pictures, None for the video's own time.
        camera: the camera; its url is the video.
        detectors: settings, product defaults where not given.
        truth: what should be reported; empty for a negative.
        length_s: seconds of the scenario's clock that the video lasts.
        ships: made only of what may ship.
        group: the set it belongs to, for the report; empty when not said.
    """

    name: str
    file: Path
    video: Path
    split: str
    kind: str
    tags: tuple[str, ...]
    starts_at: datetime
    cadence_s: float | None
    camera: CameraSettings
    detectors: DetectorSettings
    truth: tuple[Truth, ...]
    length_s: float
    ships: bool
    group: str = ""

    @property
    def watched(self) -> frozenset[str]:
        """Kinds that its zones are watched for."""
        return frozenset(zone.watch for zone in self.camera.zones)
