"""The golden messages as code: ``python -m tests.contract.golden`` writes those that are missing.

A file that exists is never overwritten: a message once published stays readable for ever.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from edge.cases.draft import CaseDraft, EvidenceItem, Location, Source, Status
from edge.cases.taxonomy import category
from edge.scenes.finding import Words
from uploader.contract import generate
from uploader.contract.build import from_draft, receipt_event, state_event
from uploader.contract.messages import CaseEvent, ReceiptData, ReceiptEvent, Result, StateEvent

_AT = datetime(2026, 11, 24, 4, 3, 44, 120000, tzinfo=UTC)
_CASE_ID = "5b1d2f60-8c1e-5d5a-9f52-0a7e3c6f9a11"
_FAR = "9f2c" * 16
_NEAR = "07ab" * 16


def golden_messages() -> dict[str, CaseEvent | ReceiptEvent | StateEvent]:
    """Every golden message by the stem of its file."""
    return {
        "case-new": _case(1, "new", with_pictures=True),
        "case-gone": _case(2, "gone", with_pictures=False),
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
    )
    return from_draft(draft, city="420111", node="box-07", seq=18230 + revision)


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


def main() -> None:
    """Write the files that are missing."""
    folder = generate.FOLDER / "golden" / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, message in golden_messages().items():
        path = folder / f"{name}.json"
        if not path.exists():
            text = json.dumps(message.model_dump(mode="json"), ensure_ascii=False, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
