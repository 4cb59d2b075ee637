"""The outbox: what must reach the platform, in the same SQLite file as the cases.

State machine of a row::

    pending ──receipt "complete", same payload hash──▶ done
       └─────receipt "rejected", same payload hash───▶ dead   (kept, with the platform's words)

Nothing else moves a row: not a PUBACK, not time, not a restart.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from edge.cases.draft import CaseDraft
from edge.clock import Clock, iso, utc_now
from edge.sqlite import open_database, transaction
from uploader.contract.build import from_draft
from uploader.contract.messages import ReceiptData
from uploader.reading import reading

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_sha256 TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    receipt TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (case_id, revision)
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS outbox_payload ON outbox (payload_sha256);
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state);
CREATE TABLE IF NOT EXISTS outbox_evidence (
    seq INTEGER NOT NULL REFERENCES outbox (seq),
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (seq, sha256)
) STRICT;
CREATE TABLE IF NOT EXISTS uplink (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""

MAX_DELAY = timedelta(hours=1)
"""No row rests longer, whatever the platform asks or the clock does."""


class Settled(StrEnum):
    """What a receipt did."""

    DONE = "done"
    DEAD = "dead"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Which row a receipt spoke of, and what it did; no row has the bytes of an unknown one."""

    outcome: Settled
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxEvidence:
    """A file that belongs to a row."""

    sha256: str
    path: Path
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One undelivered revision.

    Attributes:
        seq: its number, without gaps, never used again.
        payload: the exact bytes to publish, the same at every attempt.
        attempts: how often it was put off.
        evidence: every file of the revision.
        missing: hashes the platform still lacks; None when it has not said.
    """

    seq: int
    case_id: str
    revision: int
    payload: bytes
    payload_sha256: str
    attempts: int
    evidence: tuple[OutboxEvidence, ...]
    missing: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by state."""

    pending: int
    done: int
    dead: int


class Outbox:
    """Rows on disk. One connection of its own; use it from one thread.

    :meth:`enqueue` is the exception: it works on the caller's connection and may be called from
    the case store's thread.

    Args:
        path: the database file, shared with the case store.
        city, node: written into every message.
        clock: what time it is.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, path: Path, *, city: str, node: str, clock: Clock = utc_now) -> None:
        self._path = path
        self._city = city
        self._node = node
        self._clock = clock
        self._db = open_database(path, SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def enqueue(self, tx: sqlite3.Connection, draft: CaseDraft) -> int:
        """Add a revision inside the caller's transaction; returns its sequence number.

        Raises:
            ContractError: the draft does not fit the contract; the caller rolls back.
        """
        now = iso(self._clock())
        # The number goes into the payload, so the row comes first and gets its bytes after.
        seq = tx.execute(
            "INSERT INTO outbox (case_id, revision, status, payload, payload_sha256, next_at,"
            " created_at) VALUES (?, ?, ?, x'', '', ?, ?)",
            (draft.case_id, draft.revision, draft.status, now, now),
        ).lastrowid
        if seq is None:
            raise AssertionError("an INSERT always has a row id")
        payload = from_draft(draft, city=self._city, node=self._node, seq=seq).to_bytes()
        tx.execute(
            "UPDATE outbox SET payload = ?, payload_sha256 = ? WHERE seq = ?",
            (payload, hashlib.sha256(payload).hexdigest(), seq),
        )
        tx.executemany(
            "INSERT OR IGNORE INTO outbox_evidence VALUES (?, ?, ?, ?, ?)",
            [(seq, e.sha256, str(e.path), e.size_bytes, e.media_type) for e in draft.evidence],
        )
        return seq

    def due(self, now: datetime, limit: int, skip: Collection[int] = ()) -> list[OutboxRow]:
        """Undelivered rows whose time has come, oldest first, without those in ``skip``.

        A revision waits until the platform has the one before it, so that nothing is *gone*
        before it was *new*. A time further away than :data:`MAX_DELAY` was written before the
        clock was set back.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            rows = self._db.execute(
                "SELECT * FROM outbox WHERE state = 'pending' AND (next_at <= ? OR next_at > ?)"
                " AND seq NOT IN (SELECT value FROM json_each(?)) AND NOT EXISTS"
                " (SELECT 1 FROM outbox AS earlier WHERE earlier.case_id = outbox.case_id"
                " AND earlier.revision < outbox.revision AND earlier.state = 'pending'"
                " AND json_extract(earlier.receipt, '$.result') IS NOT 'stored')"
                " ORDER BY seq LIMIT ?",
                (iso(now), iso(now + MAX_DELAY), json.dumps(list(skip)), limit),
            ).fetchall()
            return [self._row(row) for row in rows]

    def settle(self, receipt: ReceiptData) -> Settlement:
        """Take in a receipt; only one with the hash of our bytes counts.

        ``complete`` ends a row, ``rejected`` buries it as a dead letter with the platform's words.

        Raises:
            StoreError: not written; the platform's next receipt settles it.
        """
        with transaction(self._db, self._path) as tx:
            row = tx.execute(
                "SELECT seq, state FROM outbox WHERE payload_sha256 = ?", (receipt.payload_sha256,)
            ).fetchone()
            if row is None:
                return Settlement(Settled.UNKNOWN)
            seq = int(row["seq"])
            if row["state"] != "pending":
                return Settlement(Settled(row["state"]), seq)
            state = {"complete": "done", "rejected": "dead"}.get(receipt.result, "pending")
            tx.execute(
                "UPDATE outbox SET state = ?, receipt = ? WHERE seq = ?",
                (state, receipt.model_dump_json(), seq),
            )
        return Settlement(Settled.WAITING if state == "pending" else Settled(state), seq)

    def postpone(self, seq: int, delay: timedelta) -> None:
        """Rest a row and count an attempt; at most :data:`MAX_DELAY`.

        Raises:
            StoreError: not written.
        """
        until = self._clock() + min(delay, MAX_DELAY)
        with transaction(self._db, self._path) as tx:
            tx.execute(
                "UPDATE outbox SET attempts = attempts + 1, next_at = ?"
                " WHERE seq = ? AND state = 'pending'",
                (iso(until), seq),
            )

    def counts(self) -> Counts:
        """How many rows are pending, done and dead.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._path):
            rows = self._db.execute("SELECT state, COUNT(*) AS n FROM outbox GROUP BY state")
            found = {row["state"]: int(row["n"]) for row in rows}
        return Counts(found.get("pending", 0), found.get("done", 0), found.get("dead", 0))

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

    def _row(self, row: sqlite3.Row) -> OutboxRow:
        files = self._db.execute(
            "SELECT * FROM outbox_evidence WHERE seq = ? ORDER BY rowid", (row["seq"],)
        )
        evidence = tuple(
            OutboxEvidence(f["sha256"], Path(f["path"]), f["size_bytes"], f["media_type"])
            for f in files
        )
        return OutboxRow(
            seq=row["seq"],
            case_id=row["case_id"],
            revision=row["revision"],
            payload=row["payload"],
            payload_sha256=row["payload_sha256"],
            attempts=row["attempts"],
            evidence=evidence,
            missing=_missing(row["receipt"]),
        )


def _missing(receipt: str | None) -> frozenset[str] | None:
    if receipt is None:
        return None
    last = ReceiptData.model_validate_json(receipt)
    return frozenset(last.missing) if last.result == "stored" else None
