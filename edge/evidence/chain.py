"""The chain of this box, in the one database: a link appears with what it seals, or not at all.

Whoever commits something worth proving appends a link inside the same transaction. SQLite lets one
writer in at a time, so any thread and any process may append; two never take the same number.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.clock import Clock, ClockState, clock_state, iso, utc_now
from edge.errors import Code, ConfigError
from edge.evidence.link import NOTHING_BEFORE, BadLinkError, Link, read_link, signed
from edge.signing import Signer
from edge.sqlite import as_store_error, open_database, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS evidence_chain (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    case_id TEXT,
    link BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    document BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS evidence_chain_cases ON evidence_chain (case_id, seq)
    WHERE case_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS evidence_chain_holds ON evidence_chain (seq)
    WHERE kind IN ('hold', 'release');
CREATE INDEX IF NOT EXISTS evidence_chain_watching ON evidence_chain (seq)
    WHERE kind IN ('access', 'purpose');
CREATE TRIGGER IF NOT EXISTS evidence_chain_stays BEFORE UPDATE OF seq, kind, case_id, link, sha256
    ON evidence_chain BEGIN SELECT RAISE(ABORT, 'the chain is only ever appended to'); END;
CREATE TRIGGER IF NOT EXISTS evidence_chain_keeps BEFORE DELETE
    ON evidence_chain BEGIN SELECT RAISE(ABORT, 'the chain is only ever appended to'); END;
"""
"""``document``: what the link has the hash of, for the copy beside the pictures."""

_NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that says less was never set: boxes without a battery begin in 1970."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A link just made; it counts once the transaction around it commits."""

    seq: int
    sha256: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: how many there are, and what everything before hangs on."""

    chain: str
    seq: int
    sha256: str
    kid: str
    at: str


class Chain:
    """Appends. Any thread; it works on the caller's connection, inside the caller's transaction.

    Args:
        box: ``city/node``.
        signer: the box's key.
        clock: what time it is.
        believed: how far the clock may be believed.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        box: str,
        signer: Signer,
        *,
        clock: Clock = utc_now,
        believed: Callable[[], ClockState] = clock_state,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.box = box
        self.signer = signer
        self._clock = clock
        self._believed = believed
        self._ticks = ticks

    def append(
        self,
        tx: sqlite3.Connection,
        kind: str,
        body: Mapping[str, Any],
        *,
        case_id: str | None = None,
        document: bytes | None = None,
    ) -> Sealed:
        """Add a link; the first one of a box is preceded by the beginning of its chain.

        The transaction must have begun as IMMEDIATE (:func:`edge.sqlite.transaction`).

        Raises:
            BadLinkError: the body has no canonical form; the caller rolls back.
            sqlite3.Error: not written.
        """
        before = head(tx)
        if before is None and kind != "begin":
            self.append(tx, "begin", {"reason": "first start"})
            before = head(tx)
        common = {
            "kind": kind,
            "box": self.box,
            "chain": before.chain if before else uuid.uuid4().hex,
            "seq": before.seq + 1 if before else 1,
            "prev": before.sha256 if before else NOTHING_BEFORE,
            **self._time(before),
        }
        link = read_link(signed({**body, **common}, self.signer))
        tx.execute(
            "INSERT INTO evidence_chain VALUES (?, ?, ?, ?, ?, ?)",
            (link.seq, kind, case_id, link.raw, link.sha256, document),
        )
        return Sealed(link.seq, link.sha256, link.raw)

    def _time(self, before: Head | None) -> dict[str, Any]:
        now, state = self._clock(), self._believed()
        doubts = []
        if state.synced is None:
            doubts.append("sync_unknown")
        elif not state.synced:
            doubts.append("not_synchronised")
        if now < _NOT_BEFORE:
            doubts.append("never_set")
        if before is not None and iso(now) < before.at:
            doubts.append("behind_the_link_before")
        return {
            "at": iso(now),
            "clock": {
                "trusted": not doubts,
                "doubts": doubts,
                "synced": state.synced,
                "boot_id": state.boot_id,
                "monotonic_s": round(self._ticks(), 3),
            },
        }


def open_chain(path: Path) -> sqlite3.Connection:
    """The database with the chain's table.

    Raises:
        StoreError: it cannot be opened.
    """
    return open_database(path, SCHEMA)


def head(db: sqlite3.Connection) -> Head | None:
    """The newest link; None before the first.

    Raises:
        sqlite3.Error: the table cannot be read, or the newest row is damaged.
    """
    row = db.execute("SELECT link FROM evidence_chain ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return None
    try:
        link = read_link(bytes(row["link"]))
    except BadLinkError as error:
        raise sqlite3.DatabaseError(f"the newest link of the chain is damaged: {error}") from error
    kid = link.body["new_kid"] if link.kind == "key" else link.kid
    return Head(link.chain, link.seq, link.sha256, str(kid), str(link.body["at"]))


def links_after(db: sqlite3.Connection, seq: int) -> Iterator[tuple[Link, bytes | None]]:
    """Links behind a number in order, each with its document where that is still kept.

    Raises:
        sqlite3.Error: the table cannot be read, or a row is damaged.
    """
    rows = db.execute("SELECT * FROM evidence_chain WHERE seq > ? ORDER BY seq", (seq,))
    for row in rows:
        try:
            yield read_link(bytes(row["link"])), row["document"]
        except BadLinkError as error:
            raise sqlite3.DatabaseError(f"link {row['seq']} is damaged: {error}") from error


def begin(db: sqlite3.Connection, path: Path, chain: Chain) -> None:
    """See that there is a chain and that this key may go on with it.

    Raises:
        ConfigError: it is another key (SEC-003); nothing was written.
        StoreError: the database refused.
    """
    try:
        now = head(db)
    except sqlite3.Error as error:
        raise as_store_error(path, error) from error
    if now is None:
        with transaction(db, path) as tx:
            chain.append(tx, "begin", {"reason": "first start"})
        return
    if now.kid != chain.signer.kid:
        raise ConfigError(
            Code.SEC_CHAIN_KEY,
            str(path),
            f"the evidence chain goes on with key {now.kid}, the box has {chain.signer.kid}",
            "Put the key back (gridpatrol key restore); if it is lost, gridpatrol key renew",
        )
