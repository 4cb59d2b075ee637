"""What was asked of the city and what it answered, on disk before and after each call.

A call is known by its uid, made of what it is about: the same at every attempt. ``calling`` is
written before anything is sent, so after a crash or a lost answer the bridge knows that it does
not know, and asks the city before it tells it again.
"""

from __future__ import annotations

import fcntl
import sqlite3
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from edge.clock import Clock, iso, utc_now
from edge.errors import Code, StoreError
from edge.sqlite import as_store_error, open_database, transaction

State = Literal["due", "calling", "done", "dead"]
_NAMESPACE = uuid.UUID("b3c6a0a4-6f0e-4c43-9f2a-6f5c3c1f7f10")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    case_id TEXT PRIMARY KEY, box TEXT NOT NULL, rec_id TEXT, task_num TEXT, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS calls (
    uid TEXT PRIMARY KEY, case_id TEXT NOT NULL, revision INTEGER NOT NULL, action TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'calling', 'done', 'dead')),
    failures INTEGER NOT NULL DEFAULT 0, called_at REAL NOT NULL, words TEXT, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    case_id TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (case_id, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (
    name TEXT NOT NULL, notice_id TEXT NOT NULL, data TEXT NOT NULL, outcome TEXT,
    at TEXT NOT NULL, PRIMARY KEY (name, notice_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


def uid_of(*about: object) -> str:
    """The uid of a call: from what it is about, so that a repeat is known as one."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in about)))


@dataclass(frozen=True, slots=True)
class CityCase:
    """A case that the city has: its own numbers for it, and the box it came from."""

    case_id: str
    box: str
    rec_id: str
    task_num: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the ledger knew it before this attempt; ``called_at`` in seconds since 1970."""

    uid: str
    case_id: str
    state: State
    failures: int
    called_at: float


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of the city that waits to be dealt with; ``data`` as it came."""

    name: str
    notice_id: str
    data: str


class Ledger:
    """The bridge's own tables, in one SQLite file; used from one thread of one process.

    Raises (by any method):
        StoreError: not written, so nothing is sent.
    """

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._db = open_database(path, _SCHEMA)
        self._lock = self._alone()

    def _alone(self) -> IO[bytes]:
        """Two bridges on one ledger would each make the other's calls."""
        lock = self._path.with_suffix(".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            self._db.close()
            fix = "Stop the other bridge, or give this one its own state_dir"
            raise StoreError(
                Code.STO_LOCKED, str(self._path), "another bridge uses this ledger", fix
            ) from error
        return lock

    def close(self) -> None:
        """End."""
        self._db.close()
        self._lock.close()

    def case(self, case_id: str) -> CityCase | None:
        """The city's numbers for a case; None: it has not accepted it."""
        row = self._one("SELECT * FROM cases WHERE case_id = ?", case_id)
        if row is None or row["rec_id"] is None:
            return None
        return CityCase(case_id, row["box"], row["rec_id"], row["task_num"])

    def begin(self, uid: str, case_id: str, revision: int, action: str) -> Call:
        """Note that a call is about to be made, and give what was known of it.

        A call that is done stays so. A dead one lives again: the box sent it anew.
        """
        now = self._clock()
        with transaction(self._db, self._path) as tx:
            row = tx.execute("SELECT * FROM calls WHERE uid = ?", (uid,)).fetchone()
            tx.execute(
                "INSERT INTO calls (uid, case_id, revision, action, state, called_at, at)"
                " VALUES (?, ?, ?, ?, 'calling', ?, ?) ON CONFLICT (uid) DO UPDATE"
                " SET state = 'calling',"
                " failures = CASE calls.state WHEN 'dead' THEN 0 ELSE calls.failures END,"
                " called_at = CASE calls.state WHEN 'due' THEN excluded.called_at"
                " ELSE calls.called_at END WHERE calls.state != 'done'",
                (uid, case_id, revision, action, now.timestamp(), iso(now)),
            )
        if row is None:
            return Call(uid, case_id, "due", 0, now.timestamp())
        return Call(uid, case_id, row["state"], row["failures"], row["called_at"])

    def sending(self, uid: str) -> None:
        """It goes out, or its answer was lost, at this moment."""
        self._run("UPDATE calls SET called_at = ? WHERE uid = ?", self._clock().timestamp(), uid)

    def not_sent(self, uid: str, words: str) -> None:
        """Nothing of this attempt can have reached the city."""
        self._run("UPDATE calls SET state = 'due', words = ? WHERE uid = ?", words, uid)

    def failed(self, uid: str, words: str) -> int:
        """The city's own error, its effect unknown; returns how often by now."""
        self._run("UPDATE calls SET failures = failures + 1, words = ? WHERE uid = ?", words, uid)
        row = self._one("SELECT failures FROM calls WHERE uid = ?", uid)
        return 0 if row is None else int(row["failures"])

    def dead(self, uid: str, words: str) -> None:
        """The city refused it for good."""
        self._run("UPDATE calls SET state = 'dead', words = ? WHERE uid = ?", words, uid)

    def done(self, uid: str, files: tuple[str, ...] = (), case: CityCase | None = None) -> None:
        """The city accepted it; with its numbers for the case and the files it has now."""
        at = iso(self._clock())
        with transaction(self._db, self._path) as tx:
            tx.execute("UPDATE calls SET state = 'done', at = ? WHERE uid = ?", (at, uid))
            row = tx.execute("SELECT case_id FROM calls WHERE uid = ?", (uid,)).fetchone()
            tx.executemany(
                "INSERT OR IGNORE INTO files VALUES (?, ?)",
                [(row["case_id"], sha256) for sha256 in files],
            )
            if case is not None:
                tx.execute(
                    "INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?, ?)",
                    (case.case_id, case.box, case.rec_id, case.task_num, at),
                )

    def files(self, case_id: str) -> frozenset[str]:
        """Hashes of the files that the city has of a case."""
        return frozenset(
            row["sha256"]
            for row in self._all("SELECT sha256 FROM files WHERE case_id = ?", case_id)
        )

    def take_notice(self, notice: Notice) -> None:
        """Keep a notice; one that is kept already stays as it is."""
        self._run(
            "INSERT OR IGNORE INTO notices VALUES (?, ?, ?, NULL, ?)",
            notice.name,
            notice.notice_id,
            notice.data,
            iso(self._clock()),
        )

    def open_notices(self) -> list[Notice]:
        """Notices that wait, the oldest first."""
        rows = self._all("SELECT * FROM notices WHERE outcome IS NULL ORDER BY at, notice_id")
        return [Notice(row["name"], row["notice_id"], row["data"]) for row in rows]

    def close_notice(self, notice: Notice, outcome: str) -> None:
        """It was dealt with; ``outcome`` says how, for people."""
        self._run(
            "UPDATE notices SET outcome = ? WHERE name = ? AND notice_id = ?",
            outcome,
            notice.name,
            notice.notice_id,
        )

    def number(self, name: str) -> int:
        """A number for this name, the same every time; each name gets its own, from 1."""
        with transaction(self._db, self._path) as tx:
            tx.execute(
                "INSERT OR IGNORE INTO numbers SELECT ?, COALESCE(MAX(value), 0) + 1 FROM numbers",
                (name,),
            )
            row = tx.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return int(row["value"])

    def _run(self, statement: str, *values: object) -> None:
        with transaction(self._db, self._path) as tx:
            tx.execute(statement, values)

    def _one(self, statement: str, *values: object) -> sqlite3.Row | None:
        found = self._all(statement, *values)
        return found[0] if found else None

    def _all(self, statement: str, *values: object) -> list[sqlite3.Row]:
        try:
            return list(self._db.execute(statement, values))
        except sqlite3.Error as error:
            raise as_store_error(self._path, error) from error
