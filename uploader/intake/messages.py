"""The row of a message: made once, counted when the message comes again."""

from __future__ import annotations

import hashlib

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
        ContractError: this revision is here with other content (MSG-002).
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
    if row is None:
        what = f"{message.ref} revision {message.revision} is stored already with other content"
        raise refusal(topic, Code.MSG_HASH, what)
    return row
