"""What is not a case: receipts, presence, the reported configuration, known cases of a cell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uploader.contract.envelope import (
    Event,
    Moment,
    Name,
    OpenWords,
    Sequence,
    Sha256,
    Text,
    Uuid,
    Wire,
)

# An answer that a box does not understand settles nothing: it asks again.
Result = Annotated[
    Literal["complete", "stored", "rejected", "retry_after"], OpenWords("retry_after")
]
ConfigState = Annotated[Literal["applied", "refused", "pending"], OpenWords("pending")]


class ReceiptData(Wire):
    """The platform's answer to one case or reply, made after its own commit.

    ``payload_sha256`` is the hash of the exact bytes received; it is what the box matches on.
    ``case_id`` and ``revision`` are null for a reply and when the message could not be read;
    ``request_id`` says which reply it was.
    """

    case_id: str | None
    revision: int | None
    payload_sha256: Sha256
    result: Result
    missing: Annotated[tuple[Sha256, ...], Field(max_length=64)]
    reason: Text | None
    retry_after_s: Annotated[float, Field(ge=0)] | None
    at: Moment
    request_id: Uuid | None = None


class StateData(Wire):
    """Presence of a box. ``session`` grows by one with every connection attempt."""

    online: bool
    session: Annotated[int, Field(ge=1)]
    at: Moment
    version: Text
    reason: Literal["online", "stopped", "lost"]


class PublicKey(Wire):
    """The key that a box signs with: raw Ed25519 bytes in base64, and its short name."""

    kid: Name
    algorithm: Literal["Ed25519"]
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class WaitingData(Wire):
    """New cases that wait on the box because the desk's quota is spent (``cases.pace``).

    ``gone_before_turn`` were gone or withdrawn first: they are kept on the box and not sent.
    """

    cases: Annotated[int, Field(ge=0)]
    by_kind: dict[Name, Annotated[int, Field(ge=0)]]
    oldest_at: Moment | None
    gone_before_turn: Annotated[int, Field(ge=0)]
    sent_today: Annotated[int, Field(ge=0)]
    daily_quota: Annotated[int, Field(ge=1)] | None
    per_hour: Annotated[int, Field(ge=1)] | None


class ReportedData(Wire):
    """Which configuration a box runs and with what (retained).

    ``config_id`` is that of the ``desired`` message answered, null when there was none;
    ``config_sha256`` is of the file in force, so that ``refused`` names what still runs.
    """

    config_id: Name | None
    config_sha256: Sha256
    state: ConfigState
    error: Text | None
    models: Annotated[tuple[Name, ...], Field(max_length=64)]
    cameras: Annotated[int, Field(ge=0)]
    at: Moment
    public_key: PublicKey | None = None
    waiting: WaitingData | None = None


class CheckpointData(Wire):
    """How long the box's evidence chain is, and what it hangs on (retained).

    ``signed`` is the checkpoint itself: canonical JSON with the box's key and signature inside.
    Keep every one: who cuts off the end of the chain, or writes it anew, contradicts it.
    """

    chain: Name
    seq: Sequence
    sha256: Sha256
    at: Moment
    signed: Annotated[str, Field(min_length=2, max_length=4000)]


class KnownCase(Wire):
    """An open case of the platform, a citizen's report (随手拍) among them."""

    ref: Name
    category: Name
    kind: Name
    lon: Annotated[float, Field(ge=-180, le=180)] | None
    lat: Annotated[float, Field(ge=-90, le=90)] | None
    opened_at: Moment
    origin: Name


class KnownData(Wire):
    """All open cases of one unit grid cell (retained); an empty payload clears the cell."""

    grid_cell: Name
    cases: Annotated[tuple[KnownCase, ...], Field(max_length=256)]
    at: Moment


class ReceiptEvent(Event):
    """An application receipt from the platform."""

    type: Literal["cn.gridpatrol.receipt.v1"]
    dataschema: Literal["urn:gridpatrol:schema:receipt:v1"]
    data: ReceiptData


class StateEvent(Event):
    """Retained presence of a box."""

    type: Literal["cn.gridpatrol.state.v1"]
    dataschema: Literal["urn:gridpatrol:schema:state:v1"]
    data: StateData


class ReportedEvent(Event):
    """The configuration a box reports."""

    type: Literal["cn.gridpatrol.reported.v1"]
    dataschema: Literal["urn:gridpatrol:schema:reported:v1"]
    data: ReportedData


class CheckpointEvent(Event):
    """A checkpoint of the evidence chain."""

    type: Literal["cn.gridpatrol.checkpoint.v1"]
    dataschema: Literal["urn:gridpatrol:schema:checkpoint:v1"]
    data: CheckpointData


class KnownEvent(Event):
    """The platform's open cases of one cell."""

    type: Literal["cn.gridpatrol.known.v1"]
    dataschema: Literal["urn:gridpatrol:schema:known:v1"]
    data: KnownData
