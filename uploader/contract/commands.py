"""``dn/request``, ``dn/desired`` and the answer on ``up/reply``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uploader.contract.case import CaseId, Evidence
from uploader.contract.envelope import (
    BilingualText,
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

# "unknown" is never written: it is what a box makes of an action of a later version, and refuses.
Action = Annotated[Literal["verify", "look", "feedback", "unknown"], OpenWords("unknown")]
Purpose = Annotated[
    Literal["pre_filing_verify", "post_handling_check", "unknown"], OpenWords("unknown")
]
Verdict = Annotated[
    Literal["right", "wrong", "duplicate", "pointless", "unknown"], OpenWords("unknown")
]
Answer = Annotated[
    Literal["present", "gone", "cannot_tell", "done", "refused", "expired", "failed"],
    OpenWords("cannot_tell"),
]
MAX_CONFIG_BYTES = 48 * 1024


class FeedbackData(Wire):
    """What the platform's people say of a case."""

    verdict: Verdict
    note: Text
    by: Name


class RequestData(Wire):
    """The platform asks a box to do something; every request gets one reply.

    ``request_id`` is the idempotency key: a repeat gets the stored reply. ``verify`` and ``look``
    name a case, or a camera (and zone). ``box_id`` is the box it is meant for: where commands
    must be signed it must be there, so that a recorded request is worth nothing at another box.
    """

    request_id: Uuid
    action: Action
    purpose: Purpose | None = None
    case_id: CaseId | None = None
    camera_id: Name | None = None
    zone_id: Name | None = None
    looks: Annotated[int, Field(ge=1, le=20)] = 3
    over_s: Annotated[float, Field(ge=0, le=600)] = 20.0
    expires_at: Moment
    feedback: FeedbackData | None = None
    requested_by: Name
    box_id: Name | None = None


class LookResult(Wire):
    """One look of a verify; ``present`` is null when the picture could not be judged."""

    at: Moment
    present: bool | None
    score: Annotated[float, Field(ge=0, le=1)] | None
    note: Text | None


class ReplyData(Wire):
    """The one answer to a request. ``code`` is the error code of ``refused`` and ``failed``."""

    request_id: Uuid
    action: Action
    result: Answer
    reason: BilingualText
    looks: Annotated[tuple[LookResult, ...], Field(max_length=20)]
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=64)]
    at: Moment
    box_id: Name
    case_id: CaseId | None = None
    code: Name | None = None


class DesiredData(Wire):
    """The configuration that a box should run (retained); answered by ``up/reported``.

    ``sha256`` is of the UTF-8 bytes of ``yaml``, at most 48 KiB. ``box_id`` as in a request.
    """

    config_id: Name
    sha256: Sha256
    yaml: Annotated[str, Field(min_length=1, max_length=MAX_CONFIG_BYTES)]
    box_id: Name | None = None


class RequestEvent(Event):
    """A request from the platform."""

    type: Literal["cn.gridpatrol.request.v1"]
    dataschema: Literal["urn:gridpatrol:schema:request:v1"]
    data: RequestData


class ReplyEvent(Event):
    """A box's answer; durable like a case, ``seq`` from the same counter."""

    type: Literal["cn.gridpatrol.reply.v1"]
    dataschema: Literal["urn:gridpatrol:schema:reply:v1"]
    seq: Sequence
    data: ReplyData


class DesiredEvent(Event):
    """A configuration from the platform."""

    type: Literal["cn.gridpatrol.desired.v1"]
    dataschema: Literal["urn:gridpatrol:schema:desired:v1"]
    data: DesiredData
