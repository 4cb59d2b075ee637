"""Our objects become messages: the only place where drafts meet the wire models."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from pydantic import ValidationError

from edge.cases.draft import CaseDraft, EvidenceItem
from edge.cases.taxonomy import SCHEME_2026
from edge.cases.taxonomy import Category as TaxonomyCategory
from edge.evidence.checkpoint import read_checkpoint
from edge.scenes.finding import Words
from uploader.contract.messages import (
    BilingualText,
    CaseData,
    CaseEvent,
    Category,
    CategoryCode,
    CheckpointData,
    CheckpointEvent,
    ClockState,
    Department,
    DesiredData,
    DesiredEvent,
    Evidence,
    KnownData,
    KnownEvent,
    Location,
    Matter,
    ReceiptData,
    ReceiptEvent,
    ReplyData,
    ReplyEvent,
    ReportedData,
    ReportedEvent,
    RequestData,
    RequestEvent,
    Seal,
    Size,
    Source,
    StateData,
    StateEvent,
    misfit,
    read,
    source_of,
)

_DIVISION = re.compile(r"[0-9]{6}")
_CREDIT_CODE = re.compile(r"[0-9A-Z]{18}")
"""统一社会信用代码, what table 3 means by a department's code."""
PLATFORM = "//gridpatrol/platform"
"""The CloudEvents source of what the platform says."""


class _Envelope(TypedDict):
    specversion: Literal["1.0"]
    id: str
    source: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]


def from_draft(draft: CaseDraft, *, city: str, node: str, seq: int) -> CaseEvent:
    """The message of a case draft.

    Raises:
        ContractError: the draft does not fit the contract (MSG-001).
    """
    where = f"case {draft.case_id} revision {draft.revision}"
    try:
        return CaseEvent(
            **_envelope(
                f"{draft.case_id}-r{draft.revision}",
                source_of(city, node),
                draft.case_id,
                draft.created_at,
            ),
            type="cn.gridpatrol.case.v1",
            dataschema="urn:gridpatrol:schema:case:v1",
            seq=seq,
            data=_case_data(draft, city),
        )
    except ValidationError as error:
        raise misfit(where, error) from error


def sealed_message(
    document: Mapping[str, Any],
    seal: Mapping[str, Any],
    urls: Mapping[str, str | None],
    *,
    city: str,
    node: str,
    seq: int,
) -> bytes:
    """The message of a revision, from what was sealed of it: the document word for word.

    Args:
        document: as :func:`case_document` gave it, of whatever version.
        seal: as messages have it.
        urls: where its files are, by SHA-256.
        city, node: whose it is.
        seq: its number in the outbox.

    Raises:
        ContractError: the document does not fit the contract (MSG-001).
    """
    evidence = [item | {"url": urls.get(item["sha256"])} for item in document["evidence"]]
    case_id, created_at = str(document["case_id"]), datetime.fromisoformat(document["created_at"])
    event_id = f"{case_id}-r{document['revision']}"
    message = {
        **_envelope(event_id, source_of(city, node), case_id, created_at),
        "time": document["created_at"],
        "type": "cn.gridpatrol.case.v1",
        "dataschema": "urn:gridpatrol:schema:case:v1",
        "seq": seq,
        "data": {**document, "evidence": evidence, "seal": seal},
    }
    payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    read(CaseEvent, payload, f"case {event_id}")
    return payload


def receipt_event(data: ReceiptData) -> ReceiptEvent:
    """Wrap a receipt; every event gets an id of its own."""
    subject = data.case_id or data.request_id or data.payload_sha256
    return ReceiptEvent(
        **_envelope(str(uuid.uuid4()), PLATFORM, subject, data.at),
        type="cn.gridpatrol.receipt.v1",
        dataschema="urn:gridpatrol:schema:receipt:v1",
        data=data,
    )


def state_event(
    city: str,
    node: str,
    *,
    session: int,
    at: datetime,
    version: str,
    reason: Literal["online", "stopped", "lost"],
) -> StateEvent:
    """The presence message of a box; only ``online`` says that it is there."""
    return StateEvent(
        **_envelope(f"{city}-{node}-{session}-{reason}", source_of(city, node), node, at),
        type="cn.gridpatrol.state.v1",
        dataschema="urn:gridpatrol:schema:state:v1",
        data=StateData(
            online=reason == "online", session=session, at=at, version=version, reason=reason
        ),
    )


def reply_event(data: ReplyData, *, city: str, node: str, seq: int) -> ReplyEvent:
    """The one answer to a request: its id is the request's."""
    return ReplyEvent(
        **_envelope(f"{data.request_id}-reply", source_of(city, node), data.request_id, data.at),
        type="cn.gridpatrol.reply.v1",
        dataschema="urn:gridpatrol:schema:reply:v1",
        seq=seq,
        data=data,
    )


def reported_event(data: ReportedData, *, city: str, node: str) -> ReportedEvent:
    """The configuration a box reports."""
    return ReportedEvent(
        **_envelope(str(uuid.uuid4()), source_of(city, node), node, data.at),
        type="cn.gridpatrol.reported.v1",
        dataschema="urn:gridpatrol:schema:reported:v1",
        data=data,
    )


def checkpoint_event(signed: str, *, city: str, node: str) -> CheckpointEvent:
    """A checkpoint of the evidence chain; made twice of the same, it is the same message.

    Raises:
        BadLinkError: it is no checkpoint.
    """
    point = read_checkpoint(signed.encode())
    at = datetime.fromisoformat(point.at)
    return CheckpointEvent(
        **_envelope(hashlib.sha256(signed.encode()).hexdigest(), source_of(city, node), node, at),
        type="cn.gridpatrol.checkpoint.v1",
        dataschema="urn:gridpatrol:schema:checkpoint:v1",
        data=CheckpointData(
            chain=point.chain, seq=point.seq, sha256=point.sha256, at=at, signed=signed
        ),
    )


def request_event(data: RequestData, *, at: datetime) -> RequestEvent:
    """The platform's request; sent again it is the same."""
    return RequestEvent(
        **_envelope(data.request_id, PLATFORM, data.request_id, at),
        type="cn.gridpatrol.request.v1",
        dataschema="urn:gridpatrol:schema:request:v1",
        data=data,
    )


def desired_event(data: DesiredData, *, at: datetime) -> DesiredEvent:
    """The configuration the platform wants."""
    return DesiredEvent(
        **_envelope(data.config_id, PLATFORM, data.config_id, at),
        type="cn.gridpatrol.desired.v1",
        dataschema="urn:gridpatrol:schema:desired:v1",
        data=data,
    )


def known_event(data: KnownData) -> KnownEvent:
    """The platform's open cases of one cell."""
    return KnownEvent(
        **_envelope(str(uuid.uuid4()), PLATFORM, data.grid_cell, data.at),
        type="cn.gridpatrol.known.v1",
        dataschema="urn:gridpatrol:schema:known:v1",
        data=data,
    )


def _envelope(event_id: str, source: str, subject: str, at: datetime) -> _Envelope:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
    }


def _case_data(draft: CaseDraft, city: str) -> CaseData:
    return CaseData(
        case_id=draft.case_id,
        revision=draft.revision,
        status=draft.status,
        category=_category(draft.kind, draft.category),
        grid_cell=draft.grid_cell,
        location=Location(
            lon=draft.location.lon,
            lat=draft.location.lat,
            method=draft.location.method,
            datum="CGCS2000",
        ),
        place=draft.place,
        sources=tuple(
            Source(camera_id=s.camera_id, zone_id=s.zone_id, gb28181_id=s.gb28181_id)
            for s in draft.sources
        ),
        first_seen=draft.first_seen,
        last_seen=draft.last_seen,
        sightings=draft.sightings,
        score=draft.score,
        title=_bilingual(draft.title),
        reasons=tuple(_bilingual(reason) for reason in draft.reasons),
        evidence=tuple(evidence_of(item) for item in draft.evidence),
        models=draft.models,
        box_id=draft.box_id,
        created_at=draft.created_at,
        suggested_department=_department(draft),
        urgency=draft.urgency,
        attached_to=draft.attached_to,
        matter=_matter(draft, city),
        size=Size(width_m=draft.size_m[0], depth_m=draft.size_m[1]) if draft.size_m else None,
        clock=(
            ClockState(synced=draft.clock.synced, boot_id=draft.clock.boot_id)
            if draft.clock
            else None
        ),
        seal=(
            Seal(seq=draft.seal.seq, sha256=draft.seal.sha256, manifest=draft.seal.manifest)
            if draft.seal
            else None
        ),
    )


def case_document(draft: CaseDraft, *, city: str) -> dict[str, Any]:
    """What of a case message is sealed: all of ``data`` but the seal and where files lie.

    Raises:
        ContractError: the draft does not fit the contract (MSG-001).
    """
    try:
        data = _case_data(draft, city)
    except ValidationError as error:
        where = f"case {draft.case_id} revision {draft.revision}"
        raise misfit(where, error) from error
    return data.model_dump(mode="json", exclude={"seal": True, "evidence": {"__all__": {"url"}}})


def reply_document(reply: ReplyData) -> dict[str, Any]:
    """What of an answer is sealed: all of ``data`` but where files lie."""
    return reply.model_dump(mode="json", exclude={"evidence": {"__all__": {"url"}}})


def _department(draft: CaseDraft) -> Department | None:
    owner = draft.department
    if owner is None:
        return None
    return Department(
        code=owner.code, name=owner.name, rule=owner.rule, list_version=owner.list_version
    )


def _matter(draft: CaseDraft, city: str) -> Matter | None:
    """Table 3 knows only categories that have a code of 2026, in a division of six digits."""
    code = draft.category.code(SCHEME_2026)
    if code is None or not _DIVISION.fullmatch(city):
        return None
    owner = draft.department
    named = owner is not None and _CREDIT_CODE.fullmatch(owner.code) is not None
    return Matter(
        SXDM=city + code,
        SXMC=draft.category.name_zh[:30],
        ZGBMDM=owner.code if owner and named else None,
        ZGBMMC=owner.name if owner and named else None,
        SFWZ=(draft.address or draft.place)[:256],
        SZDYWGBSM=draft.grid_cell,
    )


def _category(kind: str, category: TaxonomyCategory) -> Category:
    return Category(
        key=category.key,
        # A StrEnum from the rules is a plain string on the wire; strict models want it so.
        kind=str(kind),
        codes=tuple(CategoryCode(scheme=c.scheme, code=c.code) for c in category.codes),
        major_zh=category.major_zh,
        name_zh=category.name_zh,
        name_en=category.name_en,
        sub_label=category.sub_label,
    )


def _bilingual(words: Words) -> BilingualText:
    return BilingualText(zh=words.zh, en=words.en)


def evidence_of(item: EvidenceItem) -> Evidence:
    """An evidence file as messages speak of it."""
    return Evidence(
        role=item.role,
        sha256=item.sha256,
        bytes=item.size_bytes,
        media_type=item.media_type,
        captured_at=item.captured_at,
        camera_id=item.camera_id,
    )
