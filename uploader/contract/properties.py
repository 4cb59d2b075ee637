"""The MQTT 5 user properties of a JSON message: what a broker or a bridge may route by unread."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from uploader.contract.envelope import VERSION

Sign = Callable[[bytes], dict[str, str]]


def user_properties(payload: bytes, sign: Sign | None = None) -> dict[str, str]:
    """Properties that go with a message, the same at every attempt.

    Args:
        payload: the exact bytes of one of our events.
        sign: adds ``kid`` and ``sig``; None leaves the message unsigned.
    """
    event = json.loads(payload)
    digest = hashlib.sha256(payload).hexdigest()
    found = {
        "id": event["id"],
        "source": event["source"],
        "type": event["type"],
        "schema": VERSION,
        "sha256": digest,
        "traceparent": traceparent(event["subject"], digest),
    }
    if "seq" in event:
        found["seq"] = str(event["seq"])
    return found | (sign(payload) if sign else {})


def traceparent(subject: str, payload_sha256: str) -> str:
    """W3C trace context: one trace for a case, or for a request, its reply and their receipts.

    Derived instead of drawn: ids are random enough already (UUIDs), and what is sent again after
    a crash must be what was sent before.
    """
    trace = hashlib.sha256(f"gridpatrol trace {subject}".encode()).hexdigest()[:32]
    return f"00-{trace}-{payload_sha256[:16]}-01"
