"""What goes over the wire: CloudEvents 1.0 in structured JSON.

Inside ``v1`` fields are only ever added; receivers ignore fields they do not know. A change that
breaks a reader gets a new type suffix.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from edge.clock import iso
from edge.errors import Code, ContractError

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MAX_EVIDENCE_BYTES = 64 * 1024 * 1024

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4000)]
# JSON has no dates: written as RFC 3339 with milliseconds and Z, read with any offset.
Moment = Annotated[AwareDatetime, PlainSerializer(iso, return_type=str, when_used="json")]
CaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Revision = Annotated[int, Field(ge=1)]
# A CloudEvents integer has 32 bits: one case a second for 68 years.
Sequence = Annotated[int, Field(ge=1, le=2**31 - 1)]

Result = Literal["complete", "stored", "rejected", "retry_after"]


class _Wire(BaseModel):
    # Strict: what the JSON Schema refuses ("3" for 3), the model refuses too.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class BilingualText(_Wire):
    """One sentence in both languages."""

    zh: Text
    en: Text


class CategoryCode(_Wire):
    """A code and the list it belongs to."""

    scheme: Name
    code: Name


class Category(_Wire):
    """An event category (事项类别): at least one scheme + code pair."""

    key: Name
    kind: Name
    codes: Annotated[tuple[CategoryCode, ...], Field(min_length=1, max_length=16)]
    major_zh: Text
    name_zh: Text
    name_en: Text
    sub_label: Name | None


class Location(_Wire):
    """A point in CGCS2000 degrees and how it was found."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    method: Literal["homography", "zone_anchor", "camera"]
    datum: Literal["CGCS2000"]


class Source(_Wire):
    """A camera and zone that saw it."""

    camera_id: Name
    zone_id: Name
    gb28181_id: Name | None


class Evidence(_Wire):
    """A file that travels as chunks on ``up/blob/{sha256}``."""

    role: Literal["far", "near"]
    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_EVIDENCE_BYTES)]
    media_type: Name
    captured_at: Moment
    camera_id: Name


class CaseData(_Wire):
    """One revision of a case draft (案卷草稿), complete in itself."""

    case_id: CaseId
    revision: Revision
    status: Literal["new", "update", "gone"]
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


class ReceiptData(_Wire):
    """The platform's answer to one case message, made after its own commit.

    ``payload_sha256`` is the hash of the exact bytes received; it is what the box matches on.
    ``case_id`` and ``revision`` are null when the message could not be read.
    """

    case_id: str | None
    revision: int | None
    payload_sha256: Sha256
    result: Result
    missing: Annotated[tuple[Sha256, ...], Field(max_length=64)]
    reason: Text | None
    retry_after_s: Annotated[float, Field(ge=0)] | None
    at: Moment


class StateData(_Wire):
    """Presence of a box. ``session`` grows by one with every connection attempt."""

    online: bool
    session: Annotated[int, Field(ge=1)]
    at: Moment
    version: Text
    reason: Literal["online", "stopped", "lost"]


class _Event(_Wire):
    specversion: Literal["1.0"]
    id: Name
    source: Name
    subject: Name
    time: Moment
    datacontenttype: Literal["application/json"]

    def to_bytes(self) -> bytes:
        """The message as it is published: UTF-8 JSON."""
        return self.model_dump_json().encode()


class CaseEvent(_Event):
    """A case draft revision from a box; ``seq`` counts the box's messages without gaps."""

    type: Literal["cn.gridpatrol.case.v1"]
    dataschema: Literal["urn:gridpatrol:schema:case:v1"]
    seq: Sequence
    data: CaseData


class ReceiptEvent(_Event):
    """An application receipt from the platform."""

    type: Literal["cn.gridpatrol.receipt.v1"]
    dataschema: Literal["urn:gridpatrol:schema:receipt:v1"]
    data: ReceiptData


class StateEvent(_Event):
    """Retained presence of a box."""

    type: Literal["cn.gridpatrol.state.v1"]
    dataschema: Literal["urn:gridpatrol:schema:state:v1"]
    data: StateData


def source_of(city: str, node: str) -> str:
    """The CloudEvents source of a box."""
    return f"//gridpatrol/{city}/{node}"


EventT = TypeVar("EventT", CaseEvent, ReceiptEvent, StateEvent)


def read(model: type[EventT], payload: bytes, where: str) -> EventT:
    """Read a message.

    Args:
        model: what it should be.
        payload: the bytes received.
        where: topic, for the error.

    Raises:
        ContractError: it does not fit (MSG-001); the first misfit is named.
    """
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise misfit(where, error) from error


def misfit(where: str, error: ValidationError) -> ContractError:
    """Say in one line which field does not fit the contract (MSG-001)."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"]) or "message"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return ContractError(
        Code.MSG_SCHEMA,
        where,
        f"{path}: {first['msg']}{more}",
        "Compare with uploader/contract/schemas",
    )
