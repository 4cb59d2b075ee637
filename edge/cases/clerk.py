"""The clerk writes a case up as a draft: title, address, owner, urgency, the state of the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.cases.draft import CaseDraft, EvidenceItem, Status, said_of
from edge.cases.owners import Owners
from edge.cases.record import CaseRecord
from edge.cases.taxonomy import category
from edge.clock import Clock, ClockState, clock_state, utc_now
from edge.config.model import CameraSettings
from edge.geometry import Box
from edge.scenes.finding import Words


class Clerk:
    """Everything a draft says that the record of the case does not.

    Args:
        box_id: this edge box.
        cameras: settings by camera id.
        owners: who handles what where; None: no department is suggested.
        clock: what time it is.
        believed: how far the clock may be believed.
    """

    def __init__(
        self,
        *,
        box_id: str,
        cameras: Mapping[str, CameraSettings],
        owners: Owners | None = None,
        clock: Clock = utc_now,
        believed: Callable[[], ClockState] = clock_state,
    ) -> None:
        self._box_id = box_id
        self._cameras = cameras
        self._owners = owners
        self._clock = clock
        self._believed = believed

    def write(
        self,
        record: CaseRecord,
        *,
        status: Status,
        reasons: tuple[Words, ...],
        evidence: tuple[EvidenceItem, ...],
        models: tuple[str, ...],
    ) -> CaseDraft:
        """The draft of the revision that the record stands at."""
        kind = category(record.category)
        name = self._name(record.sources[0].camera_id)
        owner = self._owners.department(record.grid_cell, kind) if self._owners else None
        return CaseDraft(
            case_id=record.case_id,
            revision=record.revision,
            status=status,
            kind=record.kind,
            category=kind,
            grid_cell=record.grid_cell,
            location=record.location,
            place=record.place,
            sources=record.sources,
            first_seen=record.first_seen,
            last_seen=record.last_seen,
            sightings=record.sightings,
            score=round(record.score, 4),
            title=Words(f"疑似{kind.name_zh}：{name.zh}", f"Suspected: {kind.name_en}, {name.en}"),
            reasons=(*reasons, *said_of(evidence)),
            evidence=evidence,
            models=models,
            box_id=self._box_id,
            created_at=self._clock(),
            address=self._address(record.sources[0].camera_id),
            department=owner,
            urgency=(owner.urgency if owner else None) or kind.urgency,
            attached_to=record.attached_to,
            size_m=record.size_m,
            clock=self._believed(),
        )

    def place_on(self, record: CaseRecord, camera_id: str) -> Box:
        """Where the thing stood on a camera's picture; its zone where only that is known."""
        camera = self._cameras.get(camera_id)
        seen_in = {s.zone_id for s in record.sources if s.camera_id == camera_id}
        zones = camera.zones if camera and camera_id != record.boxed_by else ()
        points = [point for zone in zones if zone.id in seen_in for point in zone.polygon]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return Box(min(xs), min(ys), max(xs), max(ys)) if points else record.box

    def _name(self, camera_id: str) -> Words:
        camera = self._cameras.get(camera_id)  # it may have left the configuration since
        if camera is None:
            return Words(camera_id, camera_id)
        return Words(camera.name_zh or camera.id, camera.name_en or camera.id)

    def _address(self, camera_id: str) -> str:
        camera = self._cameras.get(camera_id)
        return (camera.address if camera else "") or self._name(camera_id).zh
