"""The desk: sightings of one place, kind and time window become one case.

While a case is open, every further sighting attaches to it: the next look, a second camera, the
same camera after a restart. It is *gone* when every zone that has seen it has been clear for its
``gone_after_s``; a sighting within the category's window then re-opens it instead of opening
another. The edge never files, dispatches or closes: that is the platform's (监管分离).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from edge.cases.clearing import Clearing
from edge.cases.clerk import Clerk
from edge.cases.clip import ClipFile
from edge.cases.draft import CaseDraft, Location, Source, Status
from edge.cases.evidence import EvidenceRoom
from edge.cases.known import KnownStore
from edge.cases.matching import Matching, case_id_of, merge_key, place_of
from edge.cases.metadata import CaseLabel
from edge.cases.owners import Owners
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore
from edge.cases.taxonomy import Category, category
from edge.clock import Clock, utc_now
from edge.config.model import CameraSettings
from edge.grid.locate import Locator, Spot, where_stands
from edge.scenes.finding import Finding, SceneReport, Words

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
        self._store = store
        self._matching = Matching(locators, store, merge_distance_m=merge_distance_m)
        self._room = room
        self._admit = admit
        self._known = known
        self._clock = clock
        self._clearing = Clearing(cameras)
        self._open = {record.case_id: record for record in store.open_cases()}
        self._touched: dict[str, datetime] = {}

    def observe(self, report: SceneReport, *, may_clear: bool = True) -> list[CaseDraft]:
        """Take in what one look says; returns the revisions it made, all committed.

        Args:
            report: what it says.
            may_clear: False: no case is gone yet, a better picture of the place is on its way.

        Raises:
            StoreError: the disk refused. Nothing was acknowledged; the next look tries again.
        """
        drafts = self.take(report.findings)
        self._clearing.note(report)
        return drafts + (self.clear(report) if may_clear else [])

    def take(self, findings: Iterable[Finding]) -> list[CaseDraft]:
        """Take in findings by themselves; returns the revisions they made, all committed.

        They may be a little older than the newest report of their camera.

        Raises:
            StoreError: the disk refused. Nothing was acknowledged; the next look tries again.
        """
        return [draft for f in findings if (draft := self._take(f)) is not None]

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

    def add_clip(self, case_id: str, clip: ClipFile) -> CaseDraft | None:
        """A clip becomes evidence of an open case, as a revision of its own.

        Args:
            case_id: of this box.
            clip: may leave the box.

        Returns:
            The revision; None where the case is not open any more.

        Raises:
            StoreError: nothing was stored.
        """
        record = self._open.get(case_id)
        if record is None or record.withdrawn_at is not None:
            return None
        self._admit()
        record = replace(record, revision=record.revision + 1)
        label = self._label(record, category(record.category), clip.camera_id)
        item = self._room.keep_clip(label, clip)
        why = Words(f"补充 {clip.seconds:.0f} 秒短片", f"a clip of {clip.seconds:.0f} s is added")
        draft = self._clerk.write(
            record, status="update", reasons=(why,), evidence=(item,), models=()
        )
        self._store.commit(record, draft)
        self._remember(record)
        return draft

    def has_open_case(self, finding: Finding) -> bool:
        """Whether the finding would only attach to a case that is open now."""
        return (known := self._case_of(finding)) is not None and known.state == "open"

    def would_revise(self, finding: Finding) -> bool:
        """Whether the finding would make a case, or a revision of one: with pictures."""
        known = self._case_of(finding)
        if known is None:
            return True
        is_new = known.state == "gone" or self._source(finding) not in known.sources
        return known.withdrawn_at is None and is_new

    def would_clear(self, report: SceneReport) -> bool:
        """Whether a case would be gone with this look: with pictures, too."""
        self._clearing.note(report)
        return any(record.withdrawn_at is None for record in self._gone_on(report))

    def open_at(self, camera_id: str) -> int:
        """Cases that this camera has seen and that wait to be seen gone."""
        return sum(
            record.state == "open" and any(s.camera_id == camera_id for s in record.sources)
            for record in self._open.values()
        )

    def _case_of(self, finding: Finding) -> CaseRecord | None:
        return self._matching.match(finding, self._matching.spot(finding))

    def _take(self, finding: Finding) -> CaseDraft | None:
        self._clearing.occupied(finding.camera_id, finding.zone_id)
        spot = self._matching.spot(finding)
        known = self._matching.match(finding, spot)
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
        record = CaseRecord(
            case_id=case_id_of(self._box_id, spot.cell, finding),
            state="open",
            revision=1,
            kind=finding.kind,
            merge_key=merge_key(finding),
            category=finding.category,
            grid_cell=spot.cell,
            place=place_of(finding),
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

    def clear(self, report: SceneReport) -> list[CaseDraft]:
        """Cases whose every zone has now been clear for long enough are gone.

        Args:
            report: a look that shows it; what has been seen since then counts.

        Raises:
            StoreError: the disk refused. Nothing was acknowledged; the next look tries again.
        """
        drafts = []
        for record in self._gone_on(report):
            gone = replace(record, state="gone", gone_at=report.look.frame.captured_at)
            if record.withdrawn_at is not None:
                self._store.touch(gone)
                self._remember(gone)
                continue
            reasons = (_gone_words(record), *report.remarks)
            gone = replace(gone, revision=record.revision + 1)
            drafts.append(self._commit(gone, "gone", reasons, report))
        return drafts

    def _gone_on(self, report: SceneReport) -> list[CaseRecord]:
        camera_id, at = report.look.frame.camera_id, report.look.frame.captured_at
        seen = (r for r in self._open.values() if any(s.camera_id == camera_id for s in r.sources))
        return [record for record in seen if self._clearing.is_gone(record, at)]

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
            self._box_id,
            where_stands(camera.position),
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


def _with(sources: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    return sources if source in sources else (*sources, source)


def _gone_words(record: CaseRecord) -> Words:
    n = len(record.sources)
    return Words(f"{n} 个区域内已连续无此情况", f"clear in all {n} zone(s) that saw it")
