"""The one thing that leaves this room: detections, added to a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from edge.geometry import Box
from edge.streams.frame import Frame


@dataclass(frozen=True, slots=True)
class Detection:
    """Something a detector saw on one picture.

    Attributes:
        label: the model's own class name.
        meaning: what scene rules call it (person, vehicle, umbrella, goods, static_object, text …).
        box: 0–1 picture coordinates.
        score: 0–1.
        model: name and version of what saw it.
        text: the wording, for ``text`` detections.
        since: when it first stood there unchanged, for ``static_object`` detections.
        looks: sightings that speak for it; more than one for ``static_object`` detections.
    """

    label: str
    meaning: str
    box: Box
    score: float
    model: str
    text: str | None = None
    since: datetime | None = None
    looks: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One analysed frame (一次巡看): a picture and what the detectors have seen on it so far."""

    frame: Frame
    detections: tuple[Detection, ...] = ()

    def plus(self, found: Sequence[Detection]) -> Look:
        """The same look with more detections on it."""
        return replace(self, detections=(*self.detections, *found))

    def of(self, *meanings: str) -> tuple[Detection, ...]:
        """The detections that carry one of the meanings."""
        return tuple(d for d in self.detections if d.meaning in meanings)


class Detector(Protocol):
    """Looks in, detections out; one call may hold looks of many cameras.

    Later detectors see what earlier ones found: the static-object detector, for one, must know
    where people and vehicles stand.
    """

    @property
    def name(self) -> str:
        """Name and version, as cases cite it."""
        ...

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """New detections for each look, in the same order."""
        ...


@dataclass(frozen=True, slots=True)
class OnlyCameras:
    """A detector that is run for some cameras only."""

    detector: Detector
    cameras: frozenset[str]

    @property
    def name(self) -> str:
        """Name of the detector inside."""
        return self.detector.name

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Detections for looks of those cameras, nothing for the others."""
        wanted = [look for look in looks if look.frame.camera_id in self.cameras]
        found = iter(self.detector.detect(wanted))
        return [next(found) if look.frame.camera_id in self.cameras else () for look in looks]
