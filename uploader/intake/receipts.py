"""Receipts as bytes. The same answer to the same message is the same bytes, whoever gives it."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from uploader.contract.build import receipt_event
from uploader.contract.messages import ReceiptData, ReceiptEvent, Result, read
from uploader.intake.records import Answer
from uploader.topics import BoxTopics

_NAMESPACE = uuid.UUID("6f1d2a52-7d0b-4f0e-9a6e-2f6f0a3f5b11")


def answer(
    box: BoxTopics,
    payload_sha256: str,
    result: Result,
    at: datetime,
    *,
    about: tuple[str, str, int] | None = None,
    missing: tuple[str, ...] = (),
    reason: str | None = None,
    retry_after_s: float | None = None,
) -> Answer:
    """Make a receipt.

    Args:
        box: it goes there.
        payload_sha256: of the exact bytes it answers.
        result: what became of them.
        at: of the commit it speaks of.
        about: ``case`` or ``reply``, case or request id, revision; None: it could not be read.
        missing: files still wanted.
        reason: why not.
        retry_after_s: when to send again.
    """
    what, ref, revision = about or ("", "", 0)
    data = ReceiptData(
        case_id=ref if what == "case" else None,
        revision=revision if what == "case" else None,
        request_id=ref if what == "reply" else None,
        payload_sha256=payload_sha256,
        result=result,
        missing=missing,
        reason=None if reason is None else reason[:4000],
        retry_after_s=retry_after_s,
        at=at,
    )
    # An event is named after what it says: a repeat is no new event.
    named = uuid.uuid5(_NAMESPACE, data.model_dump_json())
    event = receipt_event(data).model_copy(update={"id": str(named)})
    return Answer(box, event.to_bytes())


def readdressed(made: Answer, payload_sha256: str) -> Answer:
    """The same answer, to other bytes of the same sealed revision."""
    data = read(ReceiptEvent, made.payload, "intake").data
    return answer(
        made.box,
        payload_sha256,
        data.result,
        data.at,
        about=("case", data.case_id or "", data.revision or 0),
        missing=data.missing,
        reason=data.reason,
        retry_after_s=data.retry_after_s,
    )


def later(box: BoxTopics, payload: bytes, at: datetime, seconds: float, reason: str) -> Answer:
    """Nothing was kept: the box is to send it again."""
    digest = hashlib.sha256(payload).hexdigest()
    return answer(box, digest, "retry_after", at, reason=reason, retry_after_s=seconds)
