"""New cases whose turn has not come: kept in order of priority, let go as the quota allows.

They lie in tables of their own, because a letter of the outbox has its number in its bytes and the
platform takes a missing number for a lost message: a case gets its numbers when it is released.
All its revisions go with it, in order, in the transaction that takes it from here::

    (committed) ──within the quota, none waits──▶ outbox
         └──▶ waiting ──its turn, or asked for──▶ outbox
               │  ▲
    gone,      ▼  │ seen again
    withdrawn unseen ──asked for──▶ outbox
               └──retention──▶ (deleted)

What is within the quota when it is made is owed to the platform whatever becomes of it, also over
an outage. Of the surplus a case that is gone before its turn takes none of the desk's time: it is
not sent of itself, but counted, shown and kept like what was delivered.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from edge.clock import Clock, iso
from edge.sqlite import transaction
from uploader.outbox_rows import Letter, OutboxEvidence
from uploader.quota import URGENT, Quota
from uploader.reading import reading
from uploader.waiting_view import ORDER, WaitingView

_CLOSED = ("gone", "withdrawn")
_HOUR = timedelta(hours=1)
_FRESH = timedelta(minutes=1)
"""What waited for longer says so on the wire (``historical``)."""
_PLACEHOLDER = 1
_REMEMBERED = 20_000
"""Turns kept at least, of whatever day: a clock that jumps about finds what each day has had."""

_UNTRIED = (
    "SELECT 1 FROM outbox INDEXED BY outbox_live WHERE state = 'pending' AND attempts = 0"
    " AND next_at <= :now LIMIT :limit"
)
_AHEAD = "at > :now AND (ahead_at IS NULL OR ahead_at > :now)"
# Of the last hour; those ahead of the clock count for an hour from when that was seen, so that
# a clock that was set back neither frees them nor is blocked by them for long.
_SPENT = (
    "SELECT COUNT(*) AS n FROM turns WHERE at > :ago"
    " AND (at <= :now OR ahead_at IS NULL OR ahead_at > :ago)"
)
_ANY = "SELECT 1 FROM waiting WHERE unseen_at IS NULL LIMIT 1"
# The free ones: no quota holds them.
_FREE = (
    "SELECT id FROM waiting WHERE asked = 1"
    " UNION SELECT id FROM waiting WHERE unseen_at IS NULL AND urgent = 1 AND :urgent"
    " UNION SELECT id FROM waiting WHERE unseen_at IS NULL"
    " AND kind IN (SELECT value FROM json_each(:always))"
)
_FREE_FIRST = f"SELECT id, subject FROM waiting WHERE id IN ({_FREE}){ORDER}"  # noqa: S608
_NEXT = f"SELECT id, subject FROM waiting WHERE unseen_at IS NULL{ORDER}"  # noqa: S608


class Waiting:
    """Cases that wait, over somebody else's connection to the outbox's database.

    Args:
        db: the outbox, with its tables.
        path: of its file, for errors.
        quota: what the desk can take; None: whatever waits is let go.
        clock: what time it is.
    """

    def __init__(
        self, db: sqlite3.Connection, path: Path, quota: Quota | None, *, clock: Clock
    ) -> None:
        self._db = db
        self._path = path
        self._quota = quota
        self._clock = clock

    def may_go(self, tx: sqlite3.Connection, letter: Letter) -> bool:
        """Whether a revision goes at once; a new case takes a turn then.

        It waits when its case waits already, and when it opens one that the quota has no room for
        or that would overtake others.
        """
        waits = "SELECT 1 FROM waiting WHERE subject = ?"
        if tx.execute(waits, (letter.subject,)).fetchone() is not None:
            return False
        if self._quota is None or letter.revision != 1 or letter.status != "new":
            return True
        now = self._clock()
        _follow_clock(tx, now)
        exempt = self._quota.exempts(letter.kind, urgent=letter.urgent)
        overtakes = tx.execute(_ANY).fetchone() is not None
        if not exempt and (overtakes or self._allowance(tx, now) < 1):
            return False
        self._take_turn(tx, now)
        return True

    def hold(self, tx: sqlite3.Connection, letter: Letter) -> None:
        """Keep a revision inside the caller's transaction."""
        now = iso(self._clock())
        unseen_at = now if letter.status in _CLOSED else None
        tx.execute(
            "INSERT INTO waiting (subject, kind, urgent, score, since, unseen_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (subject) DO UPDATE SET"
            " urgent = excluded.urgent, score = excluded.score, unseen_at = excluded.unseen_at",
            (letter.subject, letter.kind, letter.urgent, letter.score, now, unseen_at),
        )
        tx.execute(
            "INSERT INTO waiting_letters (subject, revision, what, status, payload)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                letter.subject,
                letter.revision,
                letter.what,
                letter.status,
                letter.write(_PLACEHOLDER),
            ),
        )
        tx.executemany(
            "INSERT OR IGNORE INTO waiting_evidence VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    letter.subject,
                    letter.revision,
                    e.sha256,
                    str(e.path),
                    e.size_bytes,
                    e.media_type,
                    e.url,
                )
                for e in letter.evidence
            ],
        )

    def release(self, room: int, put: Callable[[sqlite3.Connection, Letter], int]) -> int:
        """Let those go whose turn has come: free ones, then by priority as the quota allows.

        Args:
            room: letters that may lie in the outbox untried; what does already takes of it.
            put: adds a letter to the outbox inside the transaction.

        Returns:
            Cases let go, all of their revisions with them.

        Raises:
            StoreError: not written; they wait on.
        """
        now = self._clock()
        with reading(self._path):
            if not self._may_release(now):
                return 0
            tried = self._db.execute(_UNTRIED, {"now": iso(now), "limit": room})
            limit = room - len(tried.fetchall())
        if limit < 1:
            return 0
        with transaction(self._db, self._path) as tx:
            _follow_clock(tx, now)
            found = tx.execute(_FREE_FIRST, self._order(limit)).fetchall()
            rest = min(limit, self._allowance(tx, now)) - len(found)
            if rest > 0:
                taken = {row["id"] for row in found}
                more = tx.execute(_NEXT, self._order(rest + len(taken))).fetchall()
                found += [row for row in more if row["id"] not in taken][:rest]
            for row in found:
                self._let_go(tx, row["subject"], now, put)
        return len(found)

    def view(self) -> WaitingView:
        """How many wait.

        Raises:
            StoreError: the database cannot be read.
        """
        quota = self._quota or Quota()
        with reading(self._path):
            kinds = self._db.execute(
                "SELECT kind, COUNT(*) AS n FROM waiting WHERE unseen_at IS NULL GROUP BY kind"
            ).fetchall()
            oldest = self._db.execute(
                "SELECT since FROM waiting WHERE unseen_at IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            unseen = self._db.execute(
                "SELECT COUNT(*) AS n FROM waiting WHERE unseen_at IS NOT NULL"
            ).fetchone()
            return WaitingView(
                {row["kind"]: row["n"] for row in kinds},
                oldest["since"] if oldest else None,
                unseen["n"],
                _sent_on(self._db, quota.day(self._clock())),
                quota.daily,
                quota.per_hour,
            )

    def _may_release(self, now: datetime) -> bool:
        """Asked at every turn of the uploader: reads little, writes nothing."""
        if self._db.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is None:
            return False
        if self._db.execute(f"{_FREE} LIMIT 1", self._order(1)).fetchone() is not None:
            return True
        ahead = f"SELECT 1 FROM turns WHERE {_AHEAD} LIMIT 1"  # noqa: S608
        return self._db.execute(_ANY).fetchone() is not None and (
            self._allowance(self._db, now) > 0
            or self._db.execute(ahead, {"now": iso(now)}).fetchone() is not None
        )

    def _allowance(self, db: sqlite3.Connection, now: datetime) -> int:
        """New cases that may go now."""
        quota = self._quota
        if quota is None:
            return 2**31
        left = 2**31
        if quota.daily is not None:
            left = quota.daily - _sent_on(db, quota.day(now))
        if quota.per_hour is not None:
            hour = {"now": iso(now), "ago": iso(now - _HOUR)}
            left = min(left, quota.per_hour - db.execute(_SPENT, hour).fetchone()["n"])
        return max(0, left)

    def _take_turn(self, tx: sqlite3.Connection, now: datetime) -> None:
        if self._quota is not None:
            day = self._quota.day(now)
            tx.execute("INSERT INTO turns (at, day) VALUES (?, ?)", (iso(now), day))
            old = "DELETE FROM turns WHERE id < (SELECT MAX(id) FROM turns) - ?"
            tx.execute(old, (_REMEMBERED,))

    def _order(self, limit: int) -> dict[str, object]:
        quota = self._quota or Quota()
        return {
            "urgent": URGENT in quota.always,
            "always": json.dumps(quota.always),
            "first": json.dumps(quota.first),
            "limit": limit,
        }

    def _let_go(
        self,
        tx: sqlite3.Connection,
        subject: str,
        now: datetime,
        put: Callable[[sqlite3.Connection, Letter], int],
    ) -> None:
        case = tx.execute("SELECT * FROM waiting WHERE subject = ?", (subject,)).fetchone()
        waited = case["since"] < iso(now - _FRESH)
        letters = tx.execute(
            "SELECT * FROM waiting_letters WHERE subject = ? ORDER BY revision", (subject,)
        ).fetchall()
        for row in letters:
            put(tx, _letter(tx, row, case["kind"], waited=waited))
        forget(tx, subject)
        self._take_turn(tx, now)


def _sent_on(db: sqlite3.Connection, day: str) -> int:
    found = db.execute("SELECT COUNT(*) AS n FROM turns WHERE day = ?", (day,))
    return int(found.fetchone()["n"])


def _follow_clock(tx: sqlite3.Connection, now: datetime) -> None:
    """Turns of a future that a clock set back has taken away: note when that was first seen."""
    tx.execute(f"UPDATE turns SET ahead_at = :now WHERE {_AHEAD}", {"now": iso(now)})  # noqa: S608


def forget(tx: sqlite3.Connection, subject: str) -> int:
    """Take a case from the tables of this module; returns how many revisions it had."""
    tx.execute("DELETE FROM waiting_evidence WHERE subject = ?", (subject,))
    tx.execute("DELETE FROM waiting WHERE subject = ?", (subject,))
    return tx.execute("DELETE FROM waiting_letters WHERE subject = ?", (subject,)).rowcount


def _letter(tx: sqlite3.Connection, row: sqlite3.Row, kind: str, *, waited: bool) -> Letter:
    files = tx.execute(
        "SELECT * FROM waiting_evidence WHERE subject = ? AND revision = ? ORDER BY rowid",
        (row["subject"], row["revision"]),
    )
    evidence = tuple(
        OutboxEvidence(f["sha256"], Path(f["path"]), f["size_bytes"], f["media_type"], f["url"])
        for f in files
    )
    message = json.loads(row["payload"])

    def write(seq: int) -> bytes:
        numbered = message | {"seq": seq}
        return json.dumps(numbered, ensure_ascii=False, separators=(",", ":")).encode()

    return Letter(
        row["what"], row["subject"], row["revision"], row["status"], kind, write, evidence,
        waited=waited,
    )  # fmt: skip
