"""The golden messages as code: ``python -m tests.contract.golden`` writes those that are missing.

A file that exists is never overwritten: a message once published stays readable for ever. Those
of 1.0 stay as that version wrote them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.cases.draft import CaseDraft, EvidenceItem, Location, Seal, Source, Status
from edge.cases.owners import Department
from edge.cases.taxonomy import category
from edge.clock import ClockState
from edge.evidence.chain import Head
from edge.evidence.checkpoint import make_checkpoint
from edge.evidence.link import canonical, read_link, signed
from edge.scenes.finding import Words
from edge.signing import Signer
from uploader.contract import generate
from uploader.contract.build import (
    case_document,
    checkpoint_event,
    desired_event,
    from_draft,
    known_event,
    receipt_event,
    reply_event,
    reported_event,
    request_event,
    state_event,
)
from uploader.contract.messages import (
    VERSION,
    Action,
    Answer,
    BilingualText,
    CaseEvent,
    DesiredData,
    Event,
    Evidence,
    FeedbackData,
    KnownCase,
    KnownData,
    LookResult,
    PublicKey,
    Purpose,
    ReceiptData,
    ReceiptEvent,
    ReplyData,
    ReplyEvent,
    ReportedData,
    RequestData,
    RequestEvent,
    Result,
    WaitingData,
)

FOLDER = generate.FOLDER / "golden" / f"v{VERSION}"
_AT = datetime(2026, 11, 24, 4, 3, 44, 120000, tzinfo=UTC)
_CASE_ID = "5b1d2f60-8c1e-5d5a-9f52-0a7e3c6f9a11"
_REQUEST_ID = "7c0f6f1e-2b57-4c55-8d0b-51a6f5d1c0aa"
_CHAIN = "5d0e7a52c4b94a36b1f2a3d94a7e6c01"
_SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
"""A key that everybody knows."""
_FAR = "9f2c" * 16
_NEAR = "07ab" * 16
_YAML = "box: {id: box-07, city: '420111'}\n"


def golden_messages() -> dict[str, Event]:
    """Every golden message of today's version by the stem of its file."""
    return {
        "case-new": _case(1, "new", with_pictures=True),
        "case-gone": _case(2, "gone", with_pictures=False),
        "case-withdrawn": _case(3, "withdrawn", with_pictures=False),
        "receipt-complete": _receipt("complete"),
        "receipt-stored": _receipt("stored", missing=(_NEAR,)),
        "receipt-rejected": _receipt("rejected", reason="网格编码不存在 unknown grid cell"),
        "receipt-retry-after": _receipt("retry_after", retry_after_s=30.0),
        "state-online": state_event(
            "420111", "box-07", session=12, at=_AT, version="0.1.0", reason="online"
        ),
        "state-lost": state_event(
            "420111", "box-07", session=12, at=_AT, version="0.1.0", reason="lost"
        ),
        "request-verify": _request("verify", purpose="post_handling_check"),
        "request-look": _request("look"),
        "request-feedback": _request(
            "feedback", feedback=FeedbackData(verdict="wrong", note="早餐车有证", by="desk-3")
        ),
        "reply-gone": _reply("verify", "gone"),
        "reply-refused": _reply("look", "refused"),
        "reported-applied": _reported(),
        "desired": desired_event(
            DesiredData(
                config_id="cfg-2026-11-24-1",
                sha256=hashlib.sha256(_YAML.encode()).hexdigest(),
                yaml=_YAML,
                box_id="box-07",
            ),
            at=_AT,
        ),
        "known": _known(),
        "checkpoint": _checkpoint(),
    }


def _case(revision: int, status: Status, *, with_pictures: bool) -> CaseEvent:
    pictures = (
        EvidenceItem("far", Path("far.jpg"), _FAR, 241133, "image/jpeg", _AT, "plaza"),
        EvidenceItem("near", Path("near.jpg"), _NEAR, 88112, "image/jpeg", _AT, "plaza"),
    )
    draft = CaseDraft(
        case_id=_CASE_ID,
        revision=revision,
        status=status,
        kind="street_vending",
        category=category("0406"),
        grid_cell="420111001002001",
        location=Location(114.398211, 30.505217, "homography"),
        place="plaza-east",
        sources=(
            Source("plaza", "stall-zone", "42011100001320000007"),
            Source("corner", "footway"),
        ),
        first_seen=datetime(2026, 11, 24, 3, 57, 2, tzinfo=UTC),
        last_seen=_AT,
        sightings=14,
        score=0.87,
        title=Words("占道经营：广场东侧", "Trading on the carriageway: plaza, east side"),
        reasons=(Words("停留 6 分 42 秒", "stayed 6 min 42 s"),),
        evidence=pictures if with_pictures else (),
        models=("coco-nanodet 1.0.0",),
        box_id="box-07",
        created_at=_AT,
        address="东湖路与珞珈山路口广场东侧",
        department=Department(
            "11420111MB0X12345A",
            "洪山区城市管理执法局",
            "line 2: 420111001* × 0406",
            "sha256:0123456789abcdef",
        ),
        urgency="urgent",
        attached_to=None if status == "new" else "SSP-2026-1124-0017",
        size_m=(2.4, 1.8),
        clock=ClockState(True, "2f1c6a80-53aa-4ad9-b3c8-8c2e4b8e7d11"),
    )
    return from_draft(_sealed(draft), city="420111", node="box-07", seq=18230 + revision)


def _sealed(draft: CaseDraft) -> CaseDraft:
    """With a seal as a box makes it; its signature can be checked, the key is in this file."""
    document = canonical(case_document(draft, city="420111"))
    files = [
        {"name": item.path.name, "role": item.role, "sha256": item.sha256}
        for item in draft.evidence
    ]
    body = {
        "kind": "case",
        "box": "420111/box-07",
        "chain": _CHAIN,
        "seq": 18240 + draft.revision,
        "prev": "3b" * 32,
        "at": "2026-11-24T04:03:44.120Z",
        "clock": {"trusted": True, "doubts": [], "synced": True, "monotonic_s": 86400.25},
        "case_id": draft.case_id,
        "revision": draft.revision,
        "document_sha256": hashlib.sha256(document).hexdigest(),
        "files": files,
    }
    link = read_link(signed(body, _SIGNER))
    return replace(draft, seal=Seal(link.seq, link.sha256, link.raw.decode()))


def _checkpoint() -> Event:
    head = Head(_CHAIN, 18243, "5c" * 32, _SIGNER.kid, "")
    text = make_checkpoint("420111/box-07", head, _AT, _SIGNER)
    return checkpoint_event(text, city="420111", node="box-07")


def _receipt(
    result: Result,
    *,
    missing: tuple[str, ...] = (),
    reason: str | None = None,
    retry_after_s: float | None = None,
) -> ReceiptEvent:
    event = receipt_event(
        ReceiptData(
            case_id=_CASE_ID,
            revision=1,
            payload_sha256="c0de" * 16,
            result=result,
            missing=missing,
            reason=reason,
            retry_after_s=retry_after_s,
            at=_AT,
        )
    )
    return event.model_copy(update={"id": "3f0e8f2e-1111-4222-8333-944444444444"})


def _request(
    action: Action, *, purpose: Purpose | None = None, feedback: FeedbackData | None = None
) -> RequestEvent:
    data = RequestData(
        request_id=_REQUEST_ID,
        action=action,
        purpose=purpose,
        case_id=None if action == "look" else _CASE_ID,
        camera_id="plaza" if action == "look" else None,
        expires_at=_AT + timedelta(minutes=10),
        feedback=feedback,
        requested_by="desk-3",
        box_id="box-07",
    )
    return request_event(data, at=_AT)


def _reply(action: Action, result: Answer) -> ReplyEvent:
    well = result == "gone"
    after = Evidence(
        role="after",
        sha256=_FAR,
        bytes=240001,
        media_type="image/jpeg",
        captured_at=_AT,
        camera_id="plaza",
        url="https://evidence.example.org/420111/20261124/" + _FAR,
    )
    reason = (
        BilingualText(zh="3 次巡看均未见", en="not seen on 3 looks")
        if well
        else BilingualText(zh="指令未签名", en="the command is not signed")
    )
    data = ReplyData(
        request_id=_REQUEST_ID,
        action=action,
        result=result,
        reason=reason,
        looks=(LookResult(at=_AT, present=False, score=0.04, note=None),) if well else (),
        evidence=(after,) if well else (),
        at=_AT,
        box_id="box-07",
        case_id=_CASE_ID if well else None,
        code=None if well else "SEC-002",
    )
    return reply_event(data, city="420111", node="box-07", seq=18240)


def _reported() -> Event:
    data = ReportedData(
        config_id="cfg-2026-11-24-1",
        config_sha256=hashlib.sha256(_YAML.encode()).hexdigest(),
        state="applied",
        error=None,
        models=("coco-nanodet 1.0.0",),
        cameras=2,
        at=_AT,
        public_key=PublicKey(kid="0123456789abcdef", algorithm="Ed25519", key="A" * 43 + "="),
        waiting=WaitingData(
            cases=37,
            by_kind={"illegal_ads": 30, "street_vending": 7},
            oldest_at=_AT - timedelta(hours=6),
            gone_before_turn=4,
            sent_today=500,
            daily_quota=500,
            per_hour=None,
        ),
    )
    event = reported_event(data, city="420111", node="box-07")
    return event.model_copy(update={"id": "3f0e8f2e-1111-4222-8333-955555555555"})


def _known() -> Event:
    known = KnownCase(
        ref="SSP-2026-1124-0017",
        category="0406",
        kind="street_vending",
        lon=114.3982,
        lat=30.5052,
        opened_at=_AT,
        origin="随手拍",
    )
    event = known_event(KnownData(grid_cell="420111001002001", cases=(known,), at=_AT))
    return event.model_copy(update={"id": "3f0e8f2e-1111-4222-8333-966666666666"})


def main() -> None:
    """Write the files that are missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, message in golden_messages().items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            text = json.dumps(message.model_dump(mode="json"), ensure_ascii=False, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
