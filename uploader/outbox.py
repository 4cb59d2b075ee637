"""The outbox: what must reach the platform, in the same SQLite file as the cases.

State machine of a row::

    pending ──receipt "complete", same payload hash──▶ done ──retention──▶ (deleted)
       │ ▲
       │ └─────────resent by a person──────────┐
       └─────receipt "rejected", same hash───▶ dead   (kept, with the platform's words)

Nothing else moves a row: not a PUBACK, not time, not a restart.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from edge.cases.draft import CaseDraft
from edge.clock import Clock, iso, utc_now
from edge.sqlite import transaction
from uploader.contract.build import from_draft, reply_event
from uploader.contract.messages import Evidence, ReceiptData, ReplyData
from uploader.lanes import Lane
from uploader.letters import LetterView, letters
from uploader.outbox_due import EVERY_SEQ, MAX_DELAY, DueRows
from uploader.outbox_rows import (
    Counts,
    Letter,
    OutboxEvidence,
    OutboxRow,
    Settled,
    Settlement,
    What,
)
from uploader.outbox_schema import SCHEMA, open_outbox
from uploader.quota import Quota
from uploader.reading import reading
from uploader.waiting import Waiting

__all__ = [
    "SCHEMA",
    "Counts",
    "Letter",
    "Outbox",
    "OutboxEvidence",
    "OutboxRow",
    "Settled",
    "Settlement",
    "What",
]

# Of each state by its own index.
_COUNTS = (
    "SELECT COUNT(*) FROM outbox INDEXED BY outbox_live WHERE state = 'pending'",
    "SELECT COUNT(*) FROM outbox INDEXED BY outbox_done WHERE state = 'done'",
    "SELECT COUNT(*) FROM outbox INDEXED BY outbox_dead WHERE state = 'dead'",
)


class Outbox:
    """Rows on disk. One connection of its own; use it from one thread.

    :meth:`enqueue` and :meth:`put` are the exception: they work on the caller's connection and
    may be called from the thread of whoever makes the letters.

    Args:
        path: the database file, shared with the case store.
        city, node: written into every message.
        clock: what time it is.
        url_of: where a file of this hash will be, by claim check; None: files go in chunks.
        quota: new cases that the platform's desk can take; None: none has to wait.

    Attributes:
        waiting: the cases whose turn has not come.

    Raises:
        StoreError: the database cannot be opened, or a newer gridpatrol made it.
    """

    def __init__(
        self,
        path: Path,
        *,
        city: str,
        node: str,
        clock: Clock = utc_now,
        url_of: Callable[[str], str] | None = None,
        quota: Quota | None = None,
    ) -> None:
        self._path = path
        self._city = city
        self._node = node
        self._clock = clock
        self._url_of = url_of
        self._db = open_outbox(path)
        self._due = DueRows(self._db, path)
        self.waiting = Waiting(self._db, path, quota, clock=clock)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def enqueue(self, tx: sqlite3.Connection, draft: CaseDraft) -> int:
        """Add a revision inside the caller's transaction; returns its sequence number.

        0: it waits for its turn and has no number yet (:mod:`uploader.waiting`).

        Raises:
            ContractError: the draft does not fit the contract; the caller rolls back.
        """

        def write(seq: int) -> bytes:
            event = from_draft(draft, city=self._city, node=self._node, seq=seq)
            data = event.data.model_copy(update=self._claims(event.data.evidence))
            return event.model_copy(update={"data": data}).to_bytes()

        evidence = tuple(
            OutboxEvidence(e.sha256, e.path, e.size_bytes, e.media_type, self.claim(e.sha256))
            for e in draft.evidence
        )
        letter = Letter(
            "case",
            draft.case_id,
            draft.revision,
            draft.status,
            str(draft.kind),
            write,
            evidence,
            urgent=draft.urgency == "urgent",
            score=draft.score,
        )
        if self.waiting.may_go(tx, letter):
            return self.put(tx, letter)
        self.waiting.hold(tx, letter)
        return 0

    def enqueue_reply(
        self, tx: sqlite3.Connection, reply: ReplyData, evidence: tuple[OutboxEvidence, ...]
    ) -> int:
        """Add the one answer to a request inside the caller's transaction; returns its number.

        Raises:
            sqlite3.IntegrityError: the request has its answer already; the caller rolls back.
        """

        def write(seq: int) -> bytes:
            said = reply.model_copy(update=self._claims(reply.evidence))
            return reply_event(said, city=self._city, node=self._node, seq=seq).to_bytes()

        letter = Letter("reply", reply.request_id, 1, reply.result, "reply", write, evidence)
        return self.put(tx, letter)

    def put(self, tx: sqlite3.Connection, letter: Letter) -> int:
        """Add a letter inside the caller's transaction; returns its sequence number.

        The transaction must have begun as IMMEDIATE (:func:`edge.sqlite.transaction`), or two
        writers could take one number. It is not given back when the row is deleted later.
        """
        last = tx.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        seq = 1 + (int(last["seq"]) if last else 0)
        payload = letter.write(seq)
        now = iso(self._clock())
        tx.execute(
            "INSERT INTO outbox (seq, what, subject, revision, status, kind, payload,"
            " payload_sha256, next_at, created_at, waited)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seq,
                letter.what,
                letter.subject,
                letter.revision,
                letter.status,
                letter.kind,
                payload,
                hashlib.sha256(payload).hexdigest(),
                now,
                now,
                letter.waited,
            ),
        )
        claim = self.claim
        tx.executemany(
            "INSERT OR IGNORE INTO outbox_evidence (seq, sha256, path, size_bytes, media_type, url)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (seq, e.sha256, str(e.path), e.size_bytes, e.media_type, e.url or claim(e.sha256))
                for e in letter.evidence
            ],
        )
        return seq

    def due(
        self,
        now: datetime,
        limit: int,
        skip: Collection[int] = (),
        *,
        lane: Lane = Lane.BACKLOG,
        boundary: int = EVERY_SEQ,
    ) -> list[OutboxRow]:
        """Undelivered rows whose time has come; without a lane, all of them are backlog.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._due.pick(now, limit, skip, lane=lane, boundary=boundary)

    def settle(self, receipt: ReceiptData) -> Settlement:
        """Take in one receipt: :meth:`settle_all`."""
        return self.settle_all([receipt])[0]

    def settle_all(self, receipts: Sequence[ReceiptData]) -> list[Settlement]:
        """Take in receipts, in one commit; only those with the hash of our bytes count.

        ``complete`` ends a row, ``rejected`` buries it as a dead letter with the platform's words.

        Raises:
            StoreError: not written; the platform's next receipts settle the rows.
        """
        with transaction(self._db, self._path) as tx:
            return [self._settle(tx, receipt) for receipt in receipts]

    def _settle(self, tx: sqlite3.Connection, receipt: ReceiptData) -> Settlement:
        row = tx.execute(
            "SELECT seq, subject, revision, state FROM outbox WHERE payload_sha256 = ?",
            (receipt.payload_sha256,),
        ).fetchone()
        if row is None:
            return Settlement(Settled.UNKNOWN)
        seq = int(row["seq"])
        if row["state"] != "pending":
            return Settlement(Settled(row["state"]), seq)
        state = {"complete": "done", "rejected": "dead"}.get(receipt.result, "pending")
        now = iso(self._clock())
        tx.execute(
            "UPDATE outbox SET state = ?, receipt = ?, settled_at = ? WHERE seq = ?",
            (state, receipt.model_dump_json(), None if state == "pending" else now, seq),
        )
        if receipt.result != "retry_after":  # the next revision need not rest any more
            tx.execute(
                "UPDATE outbox SET next_at = ? WHERE subject = ? AND revision = ? AND next_at > ?"
                " AND attempts = 0 AND state = 'pending'",
                (now, row["subject"], row["revision"] + 1, now),
            )
        return Settlement(Settled.WAITING if state == "pending" else Settled(state), seq)

    def postpone(self, seq: int, delay: timedelta) -> None:
        """Rest one row: :meth:`postpone_all`."""
        self.postpone_all([(seq, delay)])

    def postpone_all(self, rests: Sequence[tuple[int, timedelta]]) -> None:
        """Rest rows and count an attempt each, in one commit; at most :data:`MAX_DELAY`.

        Later revisions that have to wait for a row rest with it.

        Raises:
            StoreError: not written.
        """
        with transaction(self._db, self._path) as tx:
            for seq, delay in rests:
                until = iso(self._clock() + min(delay, MAX_DELAY))
                tx.execute(
                    "UPDATE outbox SET attempts = attempts + 1, next_at = ?"
                    " WHERE seq = ? AND state = 'pending'",
                    (until, seq),
                )
                tx.execute(
                    "UPDATE outbox SET next_at = ? FROM (SELECT subject AS s, revision AS r"
                    " FROM outbox WHERE seq = ? AND state = 'pending'"
                    " AND json_extract(receipt, '$.result') IS NOT 'stored')"
                    " WHERE subject = s AND revision > r AND state = 'pending' AND attempts = 0",
                    (until, seq),
                )

    def counts(self) -> Counts:
        """How many rows are pending, done and dead.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            pending, done, dead = (self._db.execute(query).fetchone()[0] for query in _COUNTS)
        return Counts(pending, done, dead)

    def dead_letters(self, limit: int) -> list[LetterView]:
        """What the platform rejected, newest first.

        Raises:
            StoreError: the database cannot be read.
        """
        return letters(self._db, self._path, "dead", limit)

    def last_seq(self) -> int:
        """The newest number given, also when its row is gone; 0 before the first.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            row = self._db.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"
            ).fetchone()
        return int(row["seq"]) if row else 0

    def next_session(self) -> int:
        """The number of the next connection: one more than ever before on this box.

        Raises:
            StoreError: not written.
        """
        with transaction(self._db, self._path) as tx:
            tx.execute(
                "INSERT INTO uplink VALUES ('session', 1)"
                " ON CONFLICT (key) DO UPDATE SET value = value + 1"
            )
            row = tx.execute("SELECT value FROM uplink WHERE key = 'session'").fetchone()
        return int(row["value"])

    def _claims(self, evidence: Sequence[Evidence]) -> dict[str, tuple[Evidence, ...]]:
        """The evidence with its addresses. Set here and never again: the bytes stay the same."""
        if self._url_of is None:
            return {"evidence": tuple(evidence)}
        found = [e.model_copy(update={"url": self._url_of(e.sha256)}) for e in evidence]
        return {"evidence": tuple(found)}

    def claim(self, sha256: str) -> str | None:
        """Where a file will be, by claim check; None: it goes in chunks."""
        return self._url_of(sha256) if self._url_of else None
