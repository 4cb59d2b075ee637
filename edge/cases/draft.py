"""The one thing that leaves this room: a case draft (案卷草稿), one revision of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from edge.cases.owners import Department
from edge.cases.taxonomy import Category, Urgency
from edge.clock import ClockState
from edge.geometry import Box
from edge.scenes.finding import Words

Status = Literal["new", "update", "gone", "withdrawn"]
"""On the wire: the case is new, has new facts, its place is clear again (已消失), or it should
never have been made (撤回)."""

LocationMethod = Literal["homography", "zone_anchor", "camera"]
EvidenceRole = Literal["far", "near", "clip", "before", "after"]


@dataclass(frozen=True, slots=True)
class Location:
    """Where the thing stands: CGCS2000 degrees and how we know."""

    lon: float
    lat: float
    method: LocationMethod


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One evidence file on this box's disk.

    Attributes:
        role: far view (远景) with the place, near view (近景) with the thing, a clip of the act,
            or the place before and after handling at the same angle.
        path: where the file lies.
        sha256: hex digest of its bytes.
        size_bytes: its length.
        media_type: ``image/jpeg``; of a clip ``video/webm`` or ``video/mp4``.
        captured_at: when the picture was taken, aware UTC.
        camera_id: the camera that took it.
        note: how it was chosen or made, where there is something to say.
        box: what a near view was cut out around, 0–1 of the whole picture.
    """

    role: EvidenceRole
    path: Path
    sha256: str
    size_bytes: int
    media_type: str
    captured_at: datetime
    camera_id: str
    note: Words | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A camera and zone that see the thing."""

    camera_id: str
    zone_id: str
    gb28181_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A revision's place in the box's signed chain.

    Attributes:
        seq: number of the link.
        sha256: of the manifest's bytes.
        manifest: the signed manifest, canonical JSON.
    """

    seq: int
    sha256: str
    manifest: str


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """One revision of one case, complete in itself.

    Attributes:
        case_id: UUIDv5, the same for every revision.
        revision: 1, 2, 3 … without gaps.
        status: see :data:`Status`.
        kind: street_vending, piled_materials or illegal_ads.
        category: codes under both schemes, names in both languages.
        grid_cell: unit grid cell code (单元网格标识码), 15 digits unless configured.
        location: ground point and method.
        place: the deduplication key of the place inside the cell.
        sources: every camera and zone that has seen it.
        first_seen, last_seen: aware UTC.
        sightings: looks on which it was seen.
        score: best score so far, 0–1.
        title, reasons: for people, both languages.
        evidence: files of this revision; empty when nothing new was photographed.
        models: name and version of every model that took part.
        box_id: the edge box.
        created_at: when this revision was made, aware UTC.
        address: where it happened, for people (事发位置).
        department: who should handle it, by the list of owners; None where it has no row.
        urgency: whether it should be handled at once.
        attached_to: the platform's reference of a known case that this one belongs to.
        size_m: width and greatest depth on the ground, metres, where a homography gives them.
        clock: how far this box's times may be believed.
        seal: in the signed chain; None before it is committed, or where nothing is sealed.
    """

    case_id: str
    revision: int
    status: Status
    kind: str
    category: Category
    grid_cell: str
    location: Location
    place: str
    sources: tuple[Source, ...]
    first_seen: datetime
    last_seen: datetime
    sightings: int
    score: float
    title: Words
    reasons: tuple[Words, ...]
    evidence: tuple[EvidenceItem, ...]
    models: tuple[str, ...]
    box_id: str
    created_at: datetime
    address: str = ""
    department: Department | None = None
    urgency: Urgency = "normal"
    attached_to: str | None = None
    size_m: tuple[float, float] | None = None
    clock: ClockState | None = None
    seal: Seal | None = None


def said_of(evidence: Sequence[EvidenceItem]) -> tuple[Words, ...]:
    """What must be said of a near view that is older than its far view."""
    far = next((item for item in evidence if item.role == "far"), None)
    near = next((item for item in evidence if item.role == "near"), None)
    if far is None or near is None or near.note is None or near.captured_at >= far.captured_at:
        return ()
    ago_s = (far.captured_at - near.captured_at).total_seconds()
    return (
        Words(
            f"近景摄于远景前 {ago_s:.0f} 秒：{near.note.zh}",
            f"the near view was taken {ago_s:.0f} s before the far view: {near.note.en}",
        ),
    )
