"""Who has which revision in hand, and what the application said to it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from uploader.contract.messages import CaseEvent, read
from uploader.intake.database import Row, Sql
from uploader.intake.receipts import answer
from uploader.intake.records import Answer, StoredCase, Verdict
from uploader.topics import BoxTopics

LONGEST_S = 24 * 3600.0
"""Nothing is put off longer; a time further away was written before the clock was set back."""

_FREE = (
    "SELECT id FROM messages AS m WHERE state = 'ready' AND (due <= ? OR due > ?)"
    " AND NOT EXISTS (SELECT 1 FROM messages AS e WHERE e.city = m.city AND e.node = m.node"
    " AND e.what = m.what AND e.ref = m.ref AND e.revision < m.revision"
    " AND e.state IN ('stored', 'ready'))"
    " ORDER BY id LIMIT ?"
)


def box_of(row: Row) -> BoxTopics:
    """The box that sent a message."""
    return BoxTopics(row["root"], row["city"], row["node"])


def about(row: Row) -> tuple[str, str, int]:
    """What a receipt calls a message."""
    return row["what"], row["ref"], int(row["revision"])


def claim(
    sql: Sql, worker: str, limit: int, *, now: float, hold_s: float, skip_locked: str
) -> list[StoredCase]:
    """Complete revisions that nobody has in hand, oldest first; they are this worker's now.

    A revision waits until the one before it was answered, also for that one's files.
    """
    rows = sql.all(
        f"UPDATE messages SET held_by = ?, due = ? WHERE id IN ({_FREE}{skip_locked})"  # noqa: S608
        " RETURNING *",
        worker,
        now + hold_s,
        now,
        now + LONGEST_S,
        limit,
    )
    rows.sort(key=lambda row: int(row["id"]))
    return [
        StoredCase(
            row["id"],
            box_of(row),
            read(CaseEvent, bytes(row["payload"]), "intake"),
            row["signature"],
        )
        for row in rows
    ]


def hold(sql: Sql, worker: str, until: float) -> None:
    """This worker lives and still has its revisions in hand."""
    sql.run(
        "UPDATE messages SET due = ? WHERE state = 'ready' AND held_by = ?",
        until,
        worker,
    )


def release(sql: Sql, worker: str, keep: Collection[int] = ()) -> None:
    """This worker gives back what it has not answered, but for the rows it knows of."""
    for row in sql.all("SELECT id FROM messages WHERE state = 'ready' AND held_by = ?", worker):
        if row["id"] not in keep:
            sql.run("UPDATE messages SET held_by = '', due = 0 WHERE id = ?", row["id"])


def reopen(sql: Sql, row_id: int) -> None:
    """A rejected revision is offered again."""
    sql.run(
        "UPDATE messages SET state = 'ready', due = 0, receipt = NULL"
        " WHERE id = ? AND state = 'rejected'",
        row_id,
    )


def settle(sql: Sql, row_id: int, verdict: Verdict, at: datetime, now: float) -> Answer:
    """Write down what the application said; the first last word on a revision stays."""
    row = sql.one("SELECT * FROM messages WHERE id = ?", row_id)
    if row is None:
        raise AssertionError(f"row {row_id} was claimed, so it exists")
    box = box_of(row)
    if row["receipt"] is not None:
        return Answer(box, bytes(row["receipt"]))
    seconds = None if verdict.seconds is None else min(max(0.0, verdict.seconds), LONGEST_S)
    made = answer(
        box,
        row["payload_sha256"],
        verdict.result,
        at,
        about=about(row),
        reason=verdict.reason,
        retry_after_s=seconds,
    )
    if verdict.result == "retry_after":
        sql.run(
            "UPDATE messages SET held_by = '', due = ? WHERE id = ? AND state = 'ready'",
            now + (seconds or 0.0),
            row_id,
        )
        return made
    written = sql.run(
        "UPDATE messages SET state = ?, held_by = '', due = ?, receipt = ?"
        " WHERE id = ? AND receipt IS NULL",
        "settled" if verdict.result == "complete" else "rejected",
        now,
        made.payload,
        row_id,
    )
    # Another worker may have answered between the look and the write.
    return made if written else settle(sql, row_id, verdict, at, now)
