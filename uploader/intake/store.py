"""What the platform keeps: every message once, its evidence, what it refused, and who is there.

State machine of a message::

    (arrives) ──valid, new──▶ stored ──last file here──▶ ready ──accepted──▶ settled
        └──misfit──▶ refused                              ▲└──────rejected──▶ rejected
                                                          └────sent again, later────┘

A receipt is made only after the commit it speaks of: ``stored`` names what is missing, and
``complete`` or ``rejected`` are the application's word, kept with the row. A repeated message
gets the kept receipt, byte for byte. A reply needs no word from the application: it is settled
once its files are here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from edge.clock import Clock, iso, utc_now
from edge.errors import ContractError
from uploader.contract.messages import Evidence
from uploader.intake import claims, messages, ranges, refusals
from uploader.intake.blobs import BlobRoom
from uploader.intake.boxes import Boxes
from uploader.intake.chains import Chains
from uploader.intake.database import Database, Row
from uploader.intake.incoming import Incoming, evidence_of, read_incoming
from uploader.intake.receipts import answer, readdressed
from uploader.intake.records import (
    Answer,
    Gap,
    IntakeCounts,
    Signature,
    StoredCase,
    Taken,
    Verdict,
)
from uploader.topics import BoxTopics, UpTopic

_ACCEPTED = Verdict("complete")
_FETCH_AT_ONCE = 64


class IntakeStore:
    """Messages, evidence and boxes in a database. Use it from one thread.

    Args:
        database: where rows are kept.
        blobs: where evidence is kept.
        clock: what time it is.
        reconsider_s: a rejected message that comes again after this is offered again: people put
            the cause right and had it resent. Before, it is a repeat and gets the first receipt.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobRoom,
        clock: Clock = utc_now,
        reconsider_s: float = 10.0,
    ) -> None:
        self._db = database
        self._reconsider_s = reconsider_s
        self._clock = clock
        self.blobs = blobs
        self.boxes = Boxes(database, clock)
        self.chains = Chains(database, clock)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done in the block is on disk when it has ended, all or nothing: files first.

        Raises:
            StoreError: nothing of it counts.
        """
        with self._db.together(), self.blobs.together():
            yield

    def take(self, topic: UpTopic, payload: bytes, signature: Signature = "unchecked") -> Taken:
        """Store a case or a reply once.

        Raises:
            StoreError: nothing was stored and there is no receipt.
        """
        message: Incoming | None = None
        try:
            message = read_incoming(topic, payload)
            row = self._keep(topic, message, payload, signature)
        except ContractError as misfit:
            return self.refuse(topic, payload, str(misfit), message)
        missing = self._missing(row)
        # Looked up after the commit: the worker with the last file sees this row, or this look
        # sees the file.
        taken = Taken((self._wait(row, missing),)) if missing else self._advance(row)
        digest = hashlib.sha256(payload).hexdigest()
        if digest == row["payload_sha256"]:
            return taken
        return replace(taken, answers=tuple(readdressed(a, digest) for a in taken.answers))

    def take_chunk(self, topic: UpTopic, offset: int, total: int, chunk: bytes) -> Taken:
        """Take a piece of evidence, and move on every message it was the last piece of.

        Raises:
            ContractError: the piece makes no sense, or the whole file has another hash.
            StoreError: it was not kept; the box sends it again.
        """
        if not self.blobs.add(topic.sha256, offset, total, chunk):
            return Taken()
        with self._db.reading() as sql:
            waiting = sql.all(
                "SELECT m.* FROM message_evidence AS e JOIN messages AS m ON m.id = e.message"
                " WHERE e.sha256 = ? AND m.state = 'stored' ORDER BY m.id",
                topic.sha256,
            )
        found = [self._advance(row) for row in waiting if not self._missing(row)]
        return Taken(
            answers=tuple(made for taken in found for made in taken.answers),
            ready=any(taken.ready for taken in found),
            replies=tuple(ref for taken in found for ref in taken.replies),
        )

    def refuse(
        self, topic: UpTopic, payload: bytes, reason: str, message: Incoming | None = None
    ) -> Taken:
        """Keep a message that cannot be taken, and say so.

        Raises:
            StoreError: not kept, and there is no receipt.
        """
        digest = hashlib.sha256(payload).hexdigest()
        now = self._clock()
        about = (message.what, message.ref, message.revision) if message else None
        made = answer(topic.box, digest, "rejected", now, about=about, reason=reason)
        with self._db.transaction() as sql:
            receipt, first = refusals.keep(sql, topic, payload, reason, made.payload, at=iso(now))
            if message is not None:
                ranges.note(sql, topic.box, message.seq)
        return Taken((Answer(topic.box, receipt),), refused=reason if first else None)

    def claim(self, worker: str, limit: int, hold_s: float) -> list[StoredCase]:
        """Complete revisions that nobody has in hand, oldest first; they are this worker's now.

        A revision waits until the one before it was answered.

        Raises:
            StoreError: nothing was claimed.
        """
        now = self._db.now()
        with self._db.transaction() as sql:
            return claims.claim(
                sql, worker, limit, now=now, hold_s=hold_s, skip_locked=self._db.skip_locked
            )

    def hold(self, worker: str, hold_s: float) -> None:
        """This worker lives and still has its revisions in hand.

        Raises:
            StoreError: not noted; after ``hold_s`` another worker may get them as well.
        """
        until = self._db.now() + hold_s
        with self._db.transaction() as sql:
            claims.hold(sql, worker, until)

    def release(self, worker: str, keep: Collection[int] = ()) -> None:
        """This worker gives back what it has not answered, but for the rows it knows of.

        Raises:
            StoreError: not noted; others get them when the hold ends.
        """
        with self._db.transaction() as sql:
            claims.release(sql, worker, keep)

    def settle(self, row_id: int, verdict: Verdict) -> Answer:
        """Write down what the application said; the first last word on a revision stays.

        Raises:
            StoreError: not written; say it again.
        """
        now = self._db.now()
        with self._db.transaction() as sql:
            return claims.settle(sql, row_id, verdict, self._clock(), now)

    def reply(self, request_id: str) -> tuple[BoxTopics, bytes] | None:
        """The reply to a request and who gave it, once it is complete.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            row = sql.one(
                "SELECT * FROM messages WHERE what = 'reply' AND ref = ? AND state = 'settled'",
                request_id,
            )
        return (claims.box_of(row), bytes(row["payload"])) if row else None

    def elsewhere(self) -> list[tuple[BoxTopics, Evidence]]:
        """Files to be fetched from an S3 store, of the oldest messages that wait for some.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            rows = sql.all(
                "SELECT * FROM messages WHERE state = 'stored' AND elsewhere = 1"
                " ORDER BY id LIMIT ?",
                _FETCH_AT_ONCE,
            )
        files = [(claims.box_of(row), item) for row in rows for item in evidence_of(row)]
        missing = set(self.blobs.missing(item.sha256 for _, item in files))
        return [(box, item) for box, item in files if item.url and item.sha256 in missing]

    def gaps(self) -> list[Gap]:
        """Sequence numbers that never came, as ranges.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            return ranges.gaps(sql)

    def counts(self) -> IntakeCounts:
        """What the store holds.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            found = sql.one(
                "SELECT COUNT(*) AS revisions, COALESCE(SUM(repeats), 0) AS repeats,"
                " COUNT(receipt) AS answered, (SELECT COUNT(*) FROM refused) AS refused"
                " FROM messages WHERE what = 'case'"
            )
        if found is None:
            raise AssertionError("an aggregate always has a row")
        return IntakeCounts(
            int(found["revisions"]),
            int(found["answered"]),
            int(found["repeats"]),
            int(found["refused"]),
        )

    def _keep(self, topic: UpTopic, message: Incoming, payload: bytes, signature: Signature) -> Row:
        with self._db.transaction() as sql:
            row = messages.keep(sql, topic, message, payload, signature, at=iso(self._clock()))
            ranges.note(sql, topic.box, message.seq)
        return row

    def _missing(self, row: Row) -> tuple[str, ...]:
        if row["state"] != "stored":
            return ()  # what was complete once stays so, also when its files were archived
        with self._db.reading() as sql:
            wanted = sql.all(
                "SELECT sha256 FROM message_evidence WHERE message = ? ORDER BY sha256", row["id"]
            )
        return self.blobs.missing(item["sha256"] for item in wanted)

    def _advance(self, row: Row) -> Taken:
        """Everything of this message is here: what now?"""
        box = claims.box_of(row)
        if row["receipt"] is not None and not self._reconsidered(row):
            return Taken((Answer(box, bytes(row["receipt"])),))
        if row["what"] == "reply":
            return Taken((self.settle(row["id"], _ACCEPTED),), replies=(row["ref"],))
        if row["state"] == "ready":
            return Taken((self._wait(row, ()),), ready=True)
        with self._db.transaction() as sql:
            sql.run(
                "UPDATE messages SET state = 'ready' WHERE id = ? AND state = 'stored'", row["id"]
            )
        return Taken(ready=True)

    def _reconsidered(self, row: Row) -> bool:
        if row["state"] != "rejected" or self._db.now() - row["due"] < self._reconsider_s:
            return False
        with self._db.transaction() as sql:
            claims.reopen(sql, row["id"])
        return True

    def _wait(self, row: Row, missing: tuple[str, ...]) -> Answer:
        return answer(
            claims.box_of(row),
            row["payload_sha256"],
            "stored",
            datetime.fromisoformat(row["received_at"]),
            about=claims.about(row),
            missing=missing,
        )
