"""The desk: sightings of one place, kind and time window become one case.

While a case is open, every further sighting attaches to it: the next look, a second camera, the
same camera after a restart. It is *gone* when every zone that has seen it has been clear for its
``gone_after_s``; a sighting within the category's window then re-opens it instead of opening
another. The edge never files, dispatches or closes: that is the platform's (监管分离).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from edge.cases.clearing import Clearing
from edge.cases.clerk import Clerk
from edge.cases.draft import CaseDraft, Location, Source, Status
from edge.cases.evidence import CaseLabel, EvidenceRoom
from edge.cases.known import KnownStore
from edge.cases.owners import Owners
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore, window_start
from edge.cases.taxonomy import Category, category
from edge.clock import Clock, iso, utc_now
from edge.config.model import CameraSettings
from edge.grid.locate import Locator, Spot
from edge.scenes.finding import EventKind, Finding, SceneReport, Words

_NAMESPACE = uuid.UUID("6f1d6c1e-3f1c-5d0a-9c77-0a5d6a1f7e11")
_TOUCH_EVERY_S = 10.0
"""Counts of an open case reach the disk this often: each write costs a sync."""


class CaseDesk:
    """Takes scene reports, gives case drafts. One thread calls it.

    Args:
        box_id: this edge box.
        time_zone: of the box, for captions of cameras without their own.
        cameras: settings by camera id.
        locators: ground points by camera id.
        store: where cases are kept.
        room: where pictures are kept.
        merge_distance_m: ground points so near are one place.
        owners: who handles what where; None: no department is suggested.
        admit: asked before anything of a revision is written; refuses by a StoreError.
        known: cases that the platform has open; None: none.
        clock: what time it is.
    """

    def __init__(
        self,
        *,
        box_id: str,
        time_zone: str,
        cameras: Mapping[str, CameraSettings],
        locators: Mapping[str, Locator],
        store: CaseStore,
        room: EvidenceRoom,
        merge_distance_m: float,
        owners: Owners | None = None,
        admit: Callable[[], None] = lambda: None,
        known: KnownStore | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._box_id = box_id
        self._clerk = Clerk(box_id=box_id, cameras=cameras, owners=owners, clock=clock)
        self._time_zone = time_zone
        self._cameras = cameras
        self._locators = locators
        self._store = store
        self._room = room
        self._merge_distance_m = merge_distance_m
        self._admit = admit
        self._known = known
        self._clock = clock
        self._clearing = Clearing(cameras)
        self._open = {record.case_id: record for record in store.open_cases()}
        self._touched: dict[str, datetime] = {}

    def observe(self, report: SceneReport) -> list[CaseDraft]:
        """Take in what one look says; returns the revisions it made, all committed.

        Raises:
            StoreError: the disk refused. Nothing was acknowledged; the next look tries again.
        """
        drafts = [draft for f in report.findings if (draft := self._take(f)) is not None]
        return drafts + self._clear(report)

    def withdraw(self, case_id: str, reason: Words) -> CaseDraft | None:
        """Take a case back (撤回): it should never have been made.

        It stays known here: what still stands there attaches to it in silence, and only once the
        window has passed after it is gone may the place become a case again.

        Args:
            case_id: a case of this box.
            reason: why, for the platform's people.

        Returns:
            The revision that says so; None when there is no such case or it is withdrawn already.

        Raises:
            StoreError: nothing was stored.
        """
        record = self._open.get(case_id) or self._store.case(case_id)
        if record is None or record.withdrawn_at is not None:
            return None
        record = replace(record, revision=record.revision + 1, withdrawn_at=self._clock())
        draft = self._clerk.write(
            record, status="withdrawn", reasons=(reason,), evidence=(), models=()
        )
        self._store.commit(record, draft)
        self._remember(record)
        return draft

    def has_open_case(self, finding: Finding) -> bool:
        """Whether the finding would only attach to a case that is open now."""
        known = self._match(finding, self._spot(finding))
        return known is not None and known.state == "open"

    def open_at(self, camera_id: str) -> int:
        """Cases that this camera has seen and that wait to be seen gone."""
        return sum(
            record.state == "open" and any(s.camera_id == camera_id for s in record.sources)
            for record in self._open.values()
        )

    def _spot(self, finding: Finding) -> Spot:
        return self._locators[finding.camera_id].locate(finding.zone_id, finding.box)

    def _match(self, finding: Finding, spot: Spot) -> CaseRecord | None:
        window_hours = category(finding.category).window_hours
        return self._store.match(
            grid_cell=spot.cell,
            merge_key=_merge_key(finding),
            place=_place(finding),
            location=Location(spot.lon, spot.lat, spot.method),
            merge_distance_m=self._merge_distance_m,
            not_gone_before=window_start(finding.last_seen, window_hours),
        )

    def _take(self, finding: Finding) -> CaseDraft | None:
        self._clearing.occupied(finding.camera_id, finding.zone_id)
        spot = self._spot(finding)
        known = self._match(finding, spot)
        if known is None:
            return self._open_case(finding, spot)
        known = self._open.get(known.case_id, known)
        source = self._source(finding)
        seen = replace(
            known,
            last_seen=max(known.last_seen, finding.last_seen),
            sightings=known.sightings + 1,
            score=max(known.score, finding.score),
            size_m=finding.size_m or known.size_m,
        )
        if known.withdrawn_at is not None:
            silent = replace(seen, state="open", gone_at=None, sources=_with(known.sources, source))
            self._touch(silent)
            return None
        if known.state == "gone":
            why = Words("再次出现", "seen again")
            again = replace(
                seen,
                state="open",
                gone_at=None,
                box=finding.box,
                box_camera=finding.camera_id,
            )
            return self._revise(again, finding, source, why)
        if source not in known.sources:
            why = Words(f"另一摄像头 {source.camera_id} 也看到", f"also seen by {source.camera_id}")
            return self._revise(seen, finding, source, why)
        self._touch(seen)
        return None

    def _open_case(self, finding: Finding, spot: Spot) -> CaseDraft:
        location = Location(spot.lon, spot.lat, spot.method)
        theirs = self._known.match(finding, spot.cell, location) if self._known else None
        identity = "|".join(
            (self._box_id, spot.cell, _merge_key(finding), _place(finding), iso(finding.first_seen))
        )
        record = CaseRecord(
            case_id=str(uuid.uuid5(_NAMESPACE, identity)),
            state="open",
            revision=1,
            kind=finding.kind,
            merge_key=_merge_key(finding),
            category=finding.category,
            grid_cell=spot.cell,
            place=_place(finding),
            location=location,
            box=finding.box,
            box_camera=finding.camera_id,
            sources=(self._source(finding),),
            first_seen=finding.first_seen,
            last_seen=finding.last_seen,
            gone_at=None,
            sightings=1,
            score=finding.score,
            size_m=finding.size_m,
            attached_to=theirs.ref if theirs else None,
        )
        if theirs is not None:  # never a separate case: the platform has it open already
            return self._commit(record, "update", (theirs.words, *finding.reasons), finding)
        return self._commit(record, "new", finding.reasons, finding)

    def _revise(
        self, record: CaseRecord, finding: Finding, source: Source, why: Words
    ) -> CaseDraft:
        sources = _with(record.sources, source)
        record = replace(record, revision=record.revision + 1, sources=sources)
        return self._commit(record, "update", (why, *finding.reasons), finding)

    def _clear(self, report: SceneReport) -> list[CaseDraft]:
        """Cases whose every zone has now been clear for long enough are gone."""
        frame = report.look.frame
        self._clearing.note(report)
        drafts = []
        for record in list(self._open.values()):
            here = next((s for s in record.sources if s.camera_id == frame.camera_id), None)
            if here is not None and self._clearing.is_gone(record, frame.captured_at):
                gone = replace(record, state="gone", gone_at=frame.captured_at)
                if record.withdrawn_at is not None:
                    self._store.touch(gone)
                    self._remember(gone)
                    continue
                gone = replace(gone, revision=record.revision + 1)
                drafts.append(self._commit(gone, "gone", (_gone_words(record),), report))
        return drafts

    def _commit(
        self,
        record: CaseRecord,
        status: Status,
        reasons: tuple[Words, ...],
        seen: Finding | SceneReport,
    ) -> CaseDraft:
        self._admit()
        kind = category(record.category)
        camera_id = seen.look.frame.camera_id
        label = self._label(record, kind, camera_id)
        if isinstance(seen, Finding):
            evidence = self._room.photograph(seen, label)
        else:
            box = self._clerk.place_on(record, camera_id)
            evidence = self._room.photograph_clear(seen.look, box, label)
        models = tuple(sorted({d.model for d in seen.look.detections}))
        draft = self._clerk.write(
            record, status=status, reasons=reasons, evidence=evidence, models=models
        )
        self._store.commit(record, draft)
        self._remember(record)
        return draft

    def _label(self, record: CaseRecord, kind: Category, camera_id: str) -> CaseLabel:
        camera = self._cameras[camera_id]
        return CaseLabel(
            record.case_id,
            record.revision,
            kind,
            record.grid_cell,
            camera.name_zh or camera.name_en or camera.id,
            camera.time_zone or self._time_zone,
        )

    def _touch(self, record: CaseRecord) -> None:
        self._open[record.case_id] = record
        last = self._touched.get(record.case_id)
        if last is None or (record.last_seen - last).total_seconds() >= _TOUCH_EVERY_S:
            self._store.touch(record)
            self._touched[record.case_id] = record.last_seen

    def _remember(self, record: CaseRecord) -> None:
        if record.state == "open":
            self._open[record.case_id] = record
            self._touched[record.case_id] = record.last_seen
        else:
            self._open.pop(record.case_id, None)
            self._touched.pop(record.case_id, None)

    def _source(self, finding: Finding) -> Source:
        camera = self._cameras[finding.camera_id]
        return Source(finding.camera_id, finding.zone_id, camera.gb28181_id)


def _merge_key(finding: Finding) -> str:
    """Kinds that are one trouble under several codes merge; a sticker and a banner do not."""
    if finding.kind is EventKind.ILLEGAL_ADS:
        return f"{finding.kind}:{finding.category}"
    return finding.kind


def _with(sources: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    return sources if source in sources else (*sources, source)


def _place(finding: Finding) -> str:
    return finding.place or f"{finding.camera_id}/{finding.zone_id}"


def _gone_words(record: CaseRecord) -> Words:
    zones = len(record.sources)
    return Words(f"{zones} 个区域内已连续无此情况", f"clear in all {zones} zone(s) that saw it")
