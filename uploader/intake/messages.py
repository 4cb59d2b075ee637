"""The row of a message: made once, counted when the message comes again."""

from __future__ import annotations

import hashlib
import json

from edge.errors import Code
from uploader.intake.database import Row, Sql
from uploader.intake.incoming import Incoming, refusal
from uploader.intake.records import Signature
from uploader.topics import UpTopic


def keep(
    sql: Sql,
    topic: UpTopic,
    message: Incoming,
    payload: bytes,
    signature: Signature,
    *,
    at: str,
) -> Row:
    """The message's row, made if it is new.

    Args:
        sql: an open transaction.
        topic: where it came in.
        message: what it says.
        payload: its bytes.
        signature: what that is worth; of the first time it came.
        at: now, as stored.

    Raises:
        ContractError: this revision is here with other content (MSG-002). The same sealed manifest
            is the same content, whatever the message's number.
    """
    digest = hashlib.sha256(payload).hexdigest()
    box = topic.box
    key = (box.city, box.node, message.what, message.ref, message.revision)
    row = sql.one(
        "INSERT INTO messages (city, node, what, ref, revision, root, payload, payload_sha256,"
        " signature, elsewhere, state, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'stored', ?) ON CONFLICT DO NOTHING RETURNING *",
        *key,
        box.root,
        payload,
        digest,
        signature,
        int(message.elsewhere),
        at,
    )
    if row is not None:
        for sha256 in message.evidence:
            sql.run("INSERT INTO message_evidence VALUES (?, ?)", row["id"], sha256)
        return row
    row = sql.one(
        "UPDATE messages SET repeats = repeats + 1 WHERE city = ? AND node = ? AND what = ?"
        " AND ref = ? AND revision = ? AND payload_sha256 = ? RETURNING *",
        *key,
        digest,
    )
    return row or _sealed_alike(sql, topic, message, key, payload)


def _sealed_alike(
    sql: Sql,
    topic: UpTopic,
    message: Incoming,
    key: tuple[str, str, str, str, int],
    payload: bytes,
) -> Row:
    """The row of the same sealed revision under another number: the box has rebuilt its outbox."""
    where = "city = ? AND node = ? AND what = ? AND ref = ? AND revision = ?"
    row = sql.one(f"SELECT * FROM messages WHERE {where}", *key)  # noqa: S608
    seal = _seal(payload)
    if row is None or seal is None or _seal(bytes(row["payload"])) != seal:
        what = f"{message.ref} revision {message.revision} is stored already with other content"
        raise refusal(topic, Code.MSG_HASH, what)
    sql.run(f"UPDATE messages SET repeats = repeats + 1 WHERE {where}", *key)  # noqa: S608
    return row


def _seal(payload: bytes) -> str | None:
    """Hash of the signed manifest that a case message has in it: of one document and its files."""
    found = json.loads(payload).get("data", {}).get("seal") or {}
    return found.get("sha256")
