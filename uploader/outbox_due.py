"""Which undelivered rows go next: those whose time has come, one of each category in turn."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from edge.clock import iso
from uploader.contract.messages import ReceiptData
from uploader.lanes import Lane
from uploader.outbox_rows import OutboxEvidence, OutboxRow
from uploader.reading import reading

MAX_DELAY = timedelta(hours=1)
"""No row rests longer, whatever the platform asks or the clock does."""
EVERY_SEQ = 2**63 - 1

# A revision waits until the platform has the one before it, so that nothing is gone before it was
# new. The rows passed over are those in flight: postpone() rests what waits behind a row with it.
_FREE = (
    " AND seq NOT IN (SELECT value FROM json_each(:skip)) AND NOT EXISTS"
    " (SELECT 1 FROM outbox AS earlier WHERE earlier.subject = outbox.subject"
    " AND earlier.revision < outbox.revision AND earlier.state = 'pending'"
    " AND json_extract(earlier.receipt, '$.result') IS NOT 'stored')"
)
_LIVE = (
    "SELECT seq FROM outbox INDEXED BY outbox_live WHERE state = 'pending' AND kind = :kind"
    " AND seq > :boundary AND (next_at <= :now OR next_at > :horizon)"
    "{free} ORDER BY seq LIMIT :limit"
)
_BACKLOG = (
    "SELECT seq FROM outbox INDEXED BY outbox_due WHERE state = 'pending' AND kind = :kind"
    # Asked once: without it a backlog of nothing would be sought among all that is live.
    " AND :boundary >= (SELECT MIN(seq) FROM outbox INDEXED BY outbox_live"
    " WHERE state = 'pending' AND kind = :kind)"
    " AND next_at {due} AND seq <= :boundary{free} ORDER BY next_at, seq LIMIT :limit"
)
_QUERIES = {
    Lane.LIVE: (_LIVE.format(free=_FREE),),
    # A time beyond the horizon was written before the clock was set back.
    Lane.BACKLOG: tuple(_BACKLOG.format(due=due, free=_FREE) for due in ("<= :now", "> :horizon")),
}


class DueRows:
    """Chooses rows over somebody else's connection; use it from that connection's thread.

    Args:
        db: the outbox, with its tables.
        path: of its file, for errors.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._served = dict.fromkeys(Lane, "")

    def pick(
        self,
        now: datetime,
        limit: int,
        skip: Collection[int],
        *,
        lane: Lane,
        boundary: int,
    ) -> list[OutboxRow]:
        """Undelivered rows whose time has come, one of each category in turn.

        Within a category the live lane goes by age and the backlog by the time a row has been
        due. The work is proportional to ``limit`` and ``skip``, not to what lies in the outbox.

        Args:
            now: wall time.
            limit: rows at most.
            skip: rows that are in flight.
            lane: live: rows above ``boundary``; backlog: the others.
            boundary: see :class:`uploader.lanes.Boundary`; unset, every row is backlog.

        Raises:
            StoreError: the database cannot be read.
        """
        values = {
            "boundary": boundary,
            "now": iso(now),
            "horizon": iso(now + MAX_DELAY),
            "skip": json.dumps(list(skip)),
            "limit": limit,
        }
        with reading(self._path):
            queues = {}
            for kind in self._kinds_after(self._served[lane]):
                found = [
                    int(row["seq"])
                    for query in _QUERIES[lane]
                    for row in self._db.execute(query, {**values, "kind": kind})
                ]
                if found:
                    queues[kind] = found
                if found and limit == 1:
                    break
            picked = _in_turn(queues, limit)
            if picked:
                self._served[lane] = picked[-1][0]
            return [self._row(seq) for _kind, seq in picked]

    def _kinds_after(self, last: str) -> list[str]:
        """Categories with pending rows, beginning behind the one served last."""
        query = "SELECT MIN(kind) AS k FROM outbox WHERE state = 'pending' AND kind > ?"
        # '' sorts first and is a kind, too: that of rows from before there were kinds.
        first = self._db.execute(
            "SELECT 1 FROM outbox WHERE state = 'pending' AND kind = '' LIMIT 1"
        ).fetchone()
        kinds = [""] if first else []
        kind = self._db.execute(query, ("",)).fetchone()["k"]
        while kind is not None:
            kinds.append(kind)
            kind = self._db.execute(query, (kind,)).fetchone()["k"]
        behind = [kind for kind in kinds if kind > last]
        return behind + [kind for kind in kinds if kind <= last]

    def _row(self, seq: int) -> OutboxRow:
        row = self._db.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
        files = self._db.execute(
            "SELECT * FROM outbox_evidence WHERE seq = ? ORDER BY rowid", (seq,)
        )
        evidence = tuple(
            OutboxEvidence(f["sha256"], Path(f["path"]), f["size_bytes"], f["media_type"], f["url"])
            for f in files
        )
        return OutboxRow(
            seq=row["seq"],
            what=row["what"],
            subject=row["subject"],
            revision=row["revision"],
            payload=row["payload"],
            payload_sha256=row["payload_sha256"],
            attempts=row["attempts"],
            evidence=evidence,
            missing=_missing(row["receipt"]),
            waited=bool(row["waited"]),
        )


def _in_turn(queues: dict[str, list[int]], limit: int) -> list[tuple[str, int]]:
    """One of each queue after the other."""
    picked: list[tuple[str, int]] = []
    for turn in range(limit):
        for kind, queue in queues.items():
            if turn < len(queue) and len(picked) < limit:
                picked.append((kind, queue[turn]))
    return picked


def _missing(receipt: str | None) -> frozenset[str] | None:
    if receipt is None:
        return None
    last = ReceiptData.model_validate_json(receipt)
    return frozenset(last.missing) if last.result == "stored" else None
