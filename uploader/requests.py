"""Requests of the platform, on disk beside the outbox: each is answered once.

State machine of a request::

    (message) ──▶ taken ──answer and outbox row, one commit──▶ answered
                    │ ▲                                            │ repeat: the same bytes again
                    └─┘ restart: taken up again, three times at most

A request is acknowledged to the broker after it is stored here, so that one in progress survives
a crash; its reply appears together with the outbox row that delivers it, or not at all.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from edge.cases.draft import EvidenceItem
from edge.clock import Clock, iso, utc_now
from edge.sqlite import open_database, transaction
from uploader.contract.messages import ReplyData, RequestData
from uploader.outbox import Outbox, OutboxEvidence
from uploader.reading import reading

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'answered')),
    starts INTEGER NOT NULL DEFAULT 0,
    taken_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    reply_seq INTEGER,
    reply BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS requests_old ON requests (expires_at) WHERE state = 'answered';
CREATE INDEX IF NOT EXISTS requests_taken ON requests (taken_at) WHERE state = 'taken';
"""

MOST_STARTS = 3
"""A request that was running whenever the box went down so often may be the cause of it."""
MOST_WAITING = 200
MOST_REMEMBERED = 20_000
_FORGET_AFTER = timedelta(days=30)
"""After its expiry: who repeats it then is told that it has expired, which is as true."""


class Took(StrEnum):
    """What became of a request that came in."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    RESENT = "resent"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without an answer, and how often it was begun before."""

    request: RequestData
    starts: int


class Sealing(Protocol):
    """Seals answers; what the store needs of it."""

    def answered(
        self, tx: sqlite3.Connection, reply: ReplyData, evidence: Sequence[EvidenceItem]
    ) -> None:
        """An answer with pictures is stored; inside the transaction that stores it."""
        ...

    def committed(self) -> None:
        """The transaction is over."""
        ...


class RequestStore:
    """Requests on disk. One connection, one thread; others may hold another one.

    Args:
        path: the database file, shared with the outbox.
        outbox: gets every reply inside the transaction that stores it.
        clock: what time it is.
        sealing: seals answers with pictures; None: they are not sealed.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        outbox: Outbox,
        *,
        clock: Clock = utc_now,
        sealing: Sealing | None = None,
    ) -> None:
        self._sealing = sealing
        self._path = path
        self._outbox = outbox
        self._clock = clock
        self._db = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the connection, and the outbox with it."""
        self._db.close()
        self._outbox.close()

    def take(self, request: RequestData) -> Took:
        """Store a request that came in; a repeat of an answered one is answered with its bytes.

        Raises:
            StoreError: nothing was stored; do not acknowledge the message.
        """
        with transaction(self._db, self._path) as tx:
            known = tx.execute(
                "SELECT state, reply_seq, reply FROM requests WHERE request_id = ?",
                (request.request_id,),
            ).fetchone()
            if known is not None and known["state"] == "taken":
                return Took.IN_PROGRESS
            if known is not None:
                self._send_again(tx, request.request_id, known)
                return Took.RESENT
            if self._wake_reply(tx, request.request_id):
                return Took.RESENT  # forgotten here, but its reply is still in the outbox
            waiting = tx.execute(
                "SELECT count(*) AS n FROM requests WHERE state = 'taken'"
            ).fetchone()["n"]
            if waiting >= MOST_WAITING:
                return Took.FULL
            self._insert(tx, request)
        return Took.NEW

    def answer(self, reply: ReplyData, evidence: Sequence[EvidenceItem] = ()) -> bool:
        """Store the one answer and hand it to the outbox, in one transaction.

        Returns:
            False when the request was answered already: nothing was changed then.

        Raises:
            StoreError: nothing was stored; try again.
        """
        with transaction(self._db, self._path) as tx:
            answered = self._answer(tx, reply, evidence)
            if answered and evidence and self._sealing is not None:
                self._sealing.answered(tx, reply, evidence)
        if self._sealing is not None:
            self._sealing.committed()
        return answered

    def turn_away(self, request: RequestData, reply: ReplyData) -> bool:
        """Store a request and its answer at once: it is not run.

        Raises:
            StoreError: nothing was stored; do not acknowledge the message.
        """
        with transaction(self._db, self._path) as tx:
            self._insert(tx, request)
            return self._answer(tx, reply, ())

    def is_known(self, request_id: str) -> bool:
        """Whether a request of that id has come in before, as far back as anything tells.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            found = self._db.execute(
                "SELECT 1 FROM requests WHERE request_id = :id UNION ALL"
                " SELECT 1 FROM outbox WHERE subject = :id AND what = 'reply'",
                {"id": request_id},
            )
            return found.fetchone() is not None

    def begin_again(self) -> list[Waiting]:
        """At the start: every request without an answer, oldest first; counts the start.

        Raises:
            StoreError: the database cannot be read or written.
        """
        with transaction(self._db, self._path) as tx:
            rows = tx.execute(
                "SELECT request, starts FROM requests WHERE state = 'taken' ORDER BY taken_at"
            ).fetchall()
            tx.execute("UPDATE requests SET starts = starts + 1 WHERE state = 'taken'")
        return [
            Waiting(RequestData.model_validate_json(row["request"]), int(row["starts"]))
            for row in rows
        ]

    def request_ids(self) -> set[str]:
        """Every request that is remembered: pictures of others may be removed."""
        with reading(self._path):
            rows = self._db.execute("SELECT request_id FROM requests")
            return {str(row["request_id"]) for row in rows}

    def _insert(self, tx: sqlite3.Connection, request: RequestData) -> None:
        tx.execute(
            "INSERT OR IGNORE INTO requests (request_id, request, taken_at, expires_at)"
            " VALUES (?, ?, ?, ?)",
            (
                request.request_id,
                request.model_dump_json(),
                iso(self._clock()),
                iso(request.expires_at),
            ),
        )
        tx.execute(
            "DELETE FROM requests WHERE state = 'answered' AND expires_at < ?",
            (iso(self._clock() - _FORGET_AFTER),),
        )
        tx.execute(
            "DELETE FROM requests WHERE state = 'answered'"
            " AND rowid <= (SELECT max(rowid) FROM requests) - ?",
            (MOST_REMEMBERED,),
        )

    def _answer(
        self, tx: sqlite3.Connection, reply: ReplyData, evidence: Sequence[EvidenceItem]
    ) -> bool:
        state = tx.execute(
            "SELECT state FROM requests WHERE request_id = ?", (reply.request_id,)
        ).fetchone()
        if state is None or state["state"] != "taken":
            return False
        files = tuple(
            OutboxEvidence(e.sha256, e.path, e.size_bytes, e.media_type) for e in evidence
        )
        seq = self._outbox.enqueue_reply(tx, reply, files)
        payload = tx.execute("SELECT payload FROM outbox WHERE seq = ?", (seq,)).fetchone()
        tx.execute(
            "UPDATE requests SET state = 'answered', reply_seq = ?, reply = ? WHERE request_id = ?",
            (seq, payload["payload"], reply.request_id),
        )
        return True

    def _send_again(self, tx: sqlite3.Connection, request_id: str, row: sqlite3.Row) -> None:
        """The stored bytes under their old number, whether or not the outbox still has the row."""
        now, payload = iso(self._clock()), bytes(row["reply"])
        if not self._wake_reply(tx, request_id):  # delivered long ago, and swept
            tx.execute(
                "INSERT INTO outbox (seq, what, subject, revision, status, kind, payload,"
                " payload_sha256, next_at, created_at)"
                " VALUES (?, 'reply', ?, 1, 'repeated', 'reply', ?, ?, ?, ?)",
                (
                    row["reply_seq"],
                    request_id,
                    payload,
                    hashlib.sha256(payload).hexdigest(),
                    now,
                    now,
                ),
            )

    def _wake_reply(self, tx: sqlite3.Connection, request_id: str) -> bool:
        """Make the reply due again; False when the outbox no longer has it."""
        woken = tx.execute(
            "UPDATE outbox SET state = 'pending', attempts = 0, next_at = ?, settled_at = NULL"
            " WHERE subject = ? AND what = 'reply'",
            (iso(self._clock()), request_id),
        )
        return woken.rowcount > 0
