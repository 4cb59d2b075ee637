"""``up/case``: one revision of a case draft (案卷草稿)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uploader.contract.envelope import (
    MAX_EVIDENCE_BYTES,
    BilingualText,
    Event,
    Moment,
    Name,
    OpenWords,
    Sequence,
    Sha256,
    Text,
    Wire,
)

CaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Revision = Annotated[int, Field(ge=1)]
# A reader that does not know a status still has new facts; no role is better than a wrong one.
Status = Annotated[Literal["new", "update", "gone", "withdrawn"], OpenWords("update")]
Role = Annotated[Literal["far", "near", "clip", "before", "after", "other"], OpenWords("other")]
Method = Annotated[Literal["homography", "zone_anchor", "camera"], OpenWords("camera")]
Urgency = Annotated[Literal["normal", "urgent"], OpenWords("normal")]


class CategoryCode(Wire):
    """A code and the list it belongs to."""

    scheme: Name
    code: Name


class Category(Wire):
    """An event category (事项类别): at least one scheme + code pair."""

    key: Name
    kind: Name
    codes: Annotated[tuple[CategoryCode, ...], Field(min_length=1, max_length=16)]
    major_zh: Text
    name_zh: Text
    name_en: Text
    sub_label: Name | None


class Location(Wire):
    """A point in CGCS2000 degrees and how it was found."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    method: Method
    datum: Literal["CGCS2000"]


class Source(Wire):
    """A camera and zone that saw it."""

    camera_id: Name
    zone_id: Name
    gb28181_id: Name | None


class Evidence(Wire):
    """A file, known by its hash: at ``url`` when there is one (claim check), otherwise in chunks
    on ``up/blob/{sha256}``."""

    role: Role
    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_EVIDENCE_BYTES)]
    media_type: Name
    captured_at: Moment
    camera_id: Name
    url: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class Department(Wire):
    """Who the owners list says should handle it (建议处置部门); the platform decides.

    ``rule`` is the row that gave it, ``list_version`` the list's own version or its sha256.
    """

    code: Name
    name: Name
    rule: Name
    list_version: Name


class Matter(Wire):
    """Attributes that GB/T 47678.5-2026 table 3 wants of a matter (事项), under its names.

    All six are mandatory there. Who is in charge (``ZGBMDM``, ``ZGBMMC``) is null where the list
    of owners has no row with a unified social credit code: a box must not invent it.
    """

    SXDM: Annotated[str, Field(pattern=r"^[0-9]{11}$")]
    SXMC: Annotated[str, Field(min_length=1, max_length=30)]
    ZGBMDM: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$")] | None
    ZGBMMC: Annotated[str, Field(min_length=1, max_length=100)] | None
    SFWZ: Annotated[str, Field(min_length=1, max_length=256)]
    SZDYWGBSM: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{9,20}$")]


class Size(Wire):
    """On the ground, metres: width, and depth if the thing lay flat, so an upper bound."""

    width_m: Annotated[float, Field(ge=0, le=1000)]
    depth_m: Annotated[float, Field(ge=0, le=1000)]


class ClockState(Wire):
    """Whether the box's clock was set by a time source when this was made; null: not known."""

    synced: bool | None
    boot_id: Name | None


class Seal(Wire):
    """The revision's place in the box's signed chain; see docs/evidence.md.

    ``manifest`` is the signed manifest, canonical JSON (RFC 8785); ``sha256`` is of its UTF-8
    bytes. Its ``document_sha256`` is of the canonical JSON of ``data`` without ``seal`` and
    without the ``url`` of evidence.
    """

    seq: Sequence
    sha256: Sha256
    manifest: Annotated[str, Field(min_length=2, max_length=256 * 1024)]


class CaseData(Wire):
    """One revision of a case draft (案卷草稿), complete in itself.

    ``attached_to`` is the platform's own reference of a known case that this one belongs to.
    Every field with a default was added after 1.0.
    """

    case_id: CaseId
    revision: Revision
    status: Status
    category: Category
    grid_cell: Name
    location: Location
    place: Text
    sources: Annotated[tuple[Source, ...], Field(max_length=256)]
    first_seen: Moment
    last_seen: Moment
    sightings: Annotated[int, Field(ge=0)]
    score: Annotated[float, Field(ge=0, le=1)]
    title: BilingualText
    reasons: Annotated[tuple[BilingualText, ...], Field(max_length=64)]
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=64)]
    models: Annotated[tuple[Name, ...], Field(max_length=64)]
    box_id: Name
    created_at: Moment
    suggested_department: Department | None = None
    urgency: Urgency = "normal"
    attached_to: Name | None = None
    matter: Matter | None = None
    size: Size | None = None
    clock: ClockState | None = None
    seal: Seal | None = None


class CaseEvent(Event):
    """A case draft revision from a box; ``seq`` counts the box's messages without gaps."""

    type: Literal["cn.gridpatrol.case.v1"]
    dataschema: Literal["urn:gridpatrol:schema:case:v1"]
    seq: Sequence
    data: CaseData
