"""What the platform keeps: every revision once, its evidence, what it refused, and who is there.

State machine of a revision::

    (message) ──valid, new──▶ stored ──last file here──▶ complete ──application has it──▶ told
       └──misfit, or judged wrong──▶ refused

A receipt is made only after the commit it speaks of. A repeated message gets the same answer.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from edge.clock import Clock, iso, utc_now
from edge.errors import Code, ContractError
from edge.sqlite import open_database, transaction
from uploader.blobs import BlobRoom
from uploader.contract.messages import (
    CaseEvent,
    ReceiptData,
    Result,
    StateData,
    StateEvent,
    read,
    source_of,
)
from uploader.intake_records import SCHEMA, Answer, IntakeCounts, StoredCase
from uploader.reading import reading
from uploader.topics import BoxTopics, UpTopic

_KEEP_REFUSED = 10_000
_KEEP_REFUSED_BYTES = 65_536

Judge = Callable[[CaseEvent], str | None]
"""The platform's own rules: a reason to reject a case for good, or None."""


class IntakeStore:
    """Revisions, evidence and boxes on disk. Use it from one thread.

    Args:
        folder: gets ``intake.db``, ``evidence/`` and ``partial/``.
        judge: may reject a valid case for good.
        clock: what time it is.

    Raises:
        StoreError: the folder or the database cannot be opened.
    """

    def __init__(
        self, folder: Path, *, judge: Judge = lambda _case: None, clock: Clock = utc_now
    ) -> None:
        self._path = folder / "intake.db"
        self._blobs = BlobRoom(folder)
        self._judge = judge
        self._clock = clock
        self._db = open_database(self._path, SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def take_case(self, topic: UpTopic, payload: bytes) -> Answer:
        """Store a case message once.

        Raises:
            StoreError: nothing was stored and there is no receipt.
        """
        digest = hashlib.sha256(payload).hexdigest()
        event: CaseEvent | None = None
        try:
            event = read(CaseEvent, payload, topic.box.case)
            return self._store(topic.box, event, payload, digest)
        except ContractError as misfit:
            self._refuse(topic.box, payload, digest, str(misfit))
            return self._answer(topic.box, event, digest, "rejected", reason=str(misfit))

    def take_chunk(self, topic: UpTopic, offset: int, total: int, chunk: bytes) -> list[Answer]:
        """Take a piece of evidence; answers for every revision it was the last piece of.

        Raises:
            ContractError: the piece makes no sense, or the whole file has another hash.
            StoreError: the disk refused; the box sends it again.
        """
        if not self._blobs.add(topic.sha256, offset, total, chunk):
            return []
        with reading(self._path):
            waiting = self._db.execute(
                "SELECT cases.* FROM case_evidence JOIN cases ON cases.id = case_row"
                " WHERE sha256 = ? AND complete = 0",
                (topic.sha256,),
            ).fetchall()
            ready = [row for row in waiting if not self._missing(row["id"])]
        if not ready:
            return []
        with transaction(self._db, self._path) as tx:
            tx.executemany(
                "UPDATE cases SET complete = 1 WHERE id = ?", [(row["id"],) for row in ready]
            )
        return [
            self._answer(
                BoxTopics(row["root"], row["city"], row["node"]),
                read(CaseEvent, row["payload"], "intake.db"),
                row["payload_sha256"],
                "complete",
            )
            for row in ready
        ]

    def take_state(self, topic: UpTopic, payload: bytes) -> StateData | None:
        """Note who is there; None when the message is older than what is known.

        Raises:
            ContractError: the message does not fit (MSG-001).
            StoreError: not stored.
        """
        state = read(StateEvent, payload, topic.box.state).data
        with transaction(self._db, self._path) as tx:
            # A Will of an old connection may come after the box is back.
            changed = tx.execute(
                "INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (city, node)"
                " DO UPDATE SET session = excluded.session, online = excluded.online,"
                " reason = excluded.reason, version = excluded.version, at = excluded.at"
                " WHERE excluded.session >= session"
                " AND (excluded.session > session OR excluded.reason != reason)",
                (
                    topic.box.city,
                    topic.box.node,
                    state.session,
                    state.online,
                    state.reason,
                    state.version,
                    iso(state.at),
                ),
            ).rowcount
        return state if changed else None

    def untold(self) -> list[StoredCase]:
        """Complete revisions the application was not told of, oldest first, some at a time.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            rows = self._db.execute(
                "SELECT id, payload FROM cases WHERE complete = 1 AND told = 0"
                " ORDER BY id LIMIT 100"
            ).fetchall()
        found = []
        for row in rows:
            event = read(CaseEvent, row["payload"], "intake.db")
            paths = tuple(self._blobs.path(item.sha256) for item in event.data.evidence)
            found.append(StoredCase(row["id"], event, paths))
        return found

    def mark_told(self, row: int) -> None:
        """The application has taken a revision over.

        Raises:
            StoreError: not written; it will be told again.
        """
        with transaction(self._db, self._path) as tx:
            tx.execute("UPDATE cases SET told = 1 WHERE id = ?", (row,))

    def counts(self) -> IntakeCounts:
        """What the store holds.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            row = self._db.execute(
                "SELECT COUNT(*) AS n, TOTAL(complete) AS c, TOTAL(repeats) AS r FROM cases"
            ).fetchone()
            refused = self._db.execute("SELECT COUNT(*) AS n FROM refused").fetchone()
        return IntakeCounts(int(row["n"]), int(row["c"]), int(row["r"]), int(refused["n"]))

    def _store(self, box: BoxTopics, event: CaseEvent, payload: bytes, digest: str) -> Answer:
        data = event.data
        if event.source != source_of(box.city, box.node):
            raise _refusal(box, Code.MSG_SCHEMA, f"source {event.source} is not this topic's box")
        with reading(self._path):
            known = self._db.execute(
                "SELECT * FROM cases WHERE city = ? AND node = ? AND case_id = ? AND revision = ?",
                (box.city, box.node, data.case_id, data.revision),
            ).fetchone()
        if known is None:
            reason = self._judge(event)
            if reason is not None:
                raise _refusal(box, Code.MQT_REJECTED, reason)
        elif known["payload_sha256"] != digest:
            raise _refusal(box, Code.MSG_HASH, f"{event.id} is stored already with other content")
        with transaction(self._db, self._path) as tx:
            if known is None:
                row = self._insert(tx, box, event, payload, digest)
            else:
                row = known["id"]
                tx.execute("UPDATE cases SET repeats = repeats + 1 WHERE id = ?", (row,))
            # What was complete once stays so, also when its files were moved to an archive.
            missing = () if known and known["complete"] else self._missing(row)
            if not missing:
                tx.execute("UPDATE cases SET complete = 1 WHERE id = ?", (row,))
        return self._answer(
            box, event, digest, "stored" if missing else "complete", missing=missing
        )

    def _insert(
        self, tx: sqlite3.Connection, box: BoxTopics, event: CaseEvent, payload: bytes, digest: str
    ) -> int:
        data = event.data
        row = tx.execute(
            "INSERT INTO cases (root, city, node, case_id, revision, seq, payload,"
            " payload_sha256, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                box.root,
                box.city,
                box.node,
                data.case_id,
                data.revision,
                event.seq,
                payload,
                digest,
                iso(self._clock()),
            ),
        ).fetchone()["id"]
        tx.executemany(
            "INSERT OR IGNORE INTO case_evidence VALUES (?, ?)",
            [(row, item.sha256) for item in data.evidence],
        )
        return int(row)

    def _missing(self, row: int) -> tuple[str, ...]:
        wanted = self._db.execute("SELECT sha256 FROM case_evidence WHERE case_row = ?", (row,))
        return tuple(w["sha256"] for w in wanted if not self._blobs.has(w["sha256"]))

    def _refuse(self, box: BoxTopics, payload: bytes, digest: str, reason: str) -> None:
        with transaction(self._db, self._path) as tx:
            tx.execute(
                "INSERT OR IGNORE INTO refused (topic, payload_sha256, payload, reason, at)"
                " VALUES (?, ?, ?, ?, ?)",
                (box.case, digest, payload[:_KEEP_REFUSED_BYTES], reason, iso(self._clock())),
            )
            tx.execute(
                "DELETE FROM refused WHERE id <= (SELECT MAX(id) FROM refused) - ?",
                (_KEEP_REFUSED,),
            )

    def _answer(
        self,
        box: BoxTopics,
        event: CaseEvent | None,
        digest: str,
        result: Result,
        *,
        missing: tuple[str, ...] = (),
        reason: str | None = None,
    ) -> Answer:
        receipt = ReceiptData(
            case_id=event.data.case_id if event else None,
            revision=event.data.revision if event else None,
            payload_sha256=digest,
            result=result,
            missing=missing,
            reason=reason,
            retry_after_s=None,
            at=self._clock(),
        )
        return Answer(box, receipt)


def _refusal(box: BoxTopics, code: Code, what: str) -> ContractError:
    return ContractError(code, box.case, what, "It was kept among the refused messages")
