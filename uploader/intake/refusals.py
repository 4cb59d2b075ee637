"""Messages that could not be taken, kept for inspection: the newest 10,000, cut at 64 KiB."""

from __future__ import annotations

import hashlib

from uploader.intake.database import Sql
from uploader.topics import UpTopic

_KEEP = 10_000
_KEEP_BYTES = 65_536


def keep(
    sql: Sql, topic: UpTopic, payload: bytes, reason: str, receipt: bytes, *, at: str
) -> tuple[bytes, bool]:
    """Keep a message once.

    Args:
        sql: an open transaction.
        topic: where it came in.
        payload: its bytes.
        reason: why it is not taken.
        receipt: the answer, unless it was answered before.
        at: now, as stored.

    Returns:
        The receipt to send, and whether it is the first of this message.
    """
    digest = hashlib.sha256(payload).hexdigest()
    first = sql.run(
        "INSERT INTO refused (topic, payload_sha256, payload, reason, receipt, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        topic.name,
        digest,
        payload[:_KEEP_BYTES],
        reason,
        receipt,
        at,
    )
    kept = sql.one(
        "SELECT receipt FROM refused WHERE topic = ? AND payload_sha256 = ?", topic.name, digest
    )
    sql.run("DELETE FROM refused WHERE id <= (SELECT MAX(id) FROM refused) - ?", _KEEP)
    return (bytes(kept["receipt"]) if kept else receipt), bool(first)
