"""Our objects become messages: the only place where drafts meet the wire models."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from edge.cases.draft import CaseDraft, EvidenceItem
from edge.cases.taxonomy import Category as TaxonomyCategory
from edge.scenes.finding import Words
from uploader.contract.messages import (
    BilingualText,
    CaseData,
    CaseEvent,
    Category,
    CategoryCode,
    Evidence,
    Location,
    ReceiptData,
    ReceiptEvent,
    Source,
    StateData,
    StateEvent,
    misfit,
    source_of,
)


def from_draft(draft: CaseDraft, *, city: str, node: str, seq: int) -> CaseEvent:
    """The message of a case draft.

    Raises:
        ContractError: the draft does not fit the contract (MSG-001).
    """
    where = f"case {draft.case_id} revision {draft.revision}"
    try:
        return CaseEvent(
            specversion="1.0",
            id=f"{draft.case_id}-r{draft.revision}",
            source=source_of(city, node),
            subject=draft.case_id,
            time=draft.created_at,
            datacontenttype="application/json",
            type="cn.gridpatrol.case.v1",
            dataschema="urn:gridpatrol:schema:case:v1",
            seq=seq,
            data=_case_data(draft),
        )
    except ValidationError as error:
        raise misfit(where, error) from error


def receipt_event(data: ReceiptData) -> ReceiptEvent:
    """Wrap a receipt; every event gets an id of its own."""
    return ReceiptEvent(
        specversion="1.0",
        id=str(uuid.uuid4()),
        source="//gridpatrol/platform",
        subject=data.case_id or data.payload_sha256,
        time=data.at,
        datacontenttype="application/json",
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
        specversion="1.0",
        id=f"{city}-{node}-{session}-{reason}",
        source=source_of(city, node),
        subject=node,
        time=at,
        datacontenttype="application/json",
        type="cn.gridpatrol.state.v1",
        dataschema="urn:gridpatrol:schema:state:v1",
        data=StateData(
            online=reason == "online", session=session, at=at, version=version, reason=reason
        ),
    )


def _case_data(draft: CaseDraft) -> CaseData:
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
        evidence=tuple(_evidence(item) for item in draft.evidence),
        models=draft.models,
        box_id=draft.box_id,
        created_at=draft.created_at,
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


def _evidence(item: EvidenceItem) -> Evidence:
    return Evidence(
        role=item.role,
        sha256=item.sha256,
        bytes=item.size_bytes,
        media_type=item.media_type,
        captured_at=item.captured_at,
        camera_id=item.camera_id,
    )
