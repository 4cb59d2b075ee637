"""Who looked at which camera's pictures: one entry for each person, camera and thing looked at.

A page that shows a picture every second is one entry with a beginning and an end. An entry is on
the disk before anything is shown; its end follows within a second or so. When a day (UTC) is over
its entries are counted and hashed into a link ``access`` of the chain: after that nobody takes one
out unseen.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from edge.clock import Clock, iso, utc_now
from edge.evidence.link import canonical
from edge.sqlite import open_database, transaction

KIND = "access"
DATABASE = "access.db"
What = Literal["live", "case", "review", "export", "original"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS looked (
    id INTEGER PRIMARY KEY,
    camera_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS looked_by_camera ON looked (camera_id, first_at);
CREATE INDEX IF NOT EXISTS looked_by_day ON looked (first_at);
CREATE TABLE IF NOT EXISTS sealed (
    day TEXT PRIMARY KEY, entries INTEGER NOT NULL, sha256 TEXT NOT NULL
) STRICT;
"""
_APART = timedelta(minutes=10)
"""Who comes back later than this begins a new entry."""
_WRITE_EVERY_S = 1.0
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody looked.

    Attributes:
        camera_id: whose picture.
        name, role, address: who, as what, from where; of commands: ``--by``, ``command``, none.
        what: on the wall, of a case, in review, taken out, or the clear original.
        subject: the case, where it was one.
        first_at, last_at: RFC 3339, UTC.
        times: pictures in between.
    """

    camera_id: str
    name: str
    role: str
    address: str
    what: What
    subject: str
    first_at: str
    last_at: str
    times: int


@dataclass(slots=True)
class _Going:
    """An entry that may still grow."""

    row: int | None
    first: datetime
    last: datetime
    times: int
    dirty: bool = True


_Key = tuple[str, str, str, str, What, str]


class AccessLog:
    """On disk, in a file of its own; any thread, any process.

    Args:
        path: the file.
        clock: what time it is.
        ticks: seconds that only ever grow.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(
        self, path: Path, *, clock: Clock = utc_now, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._db = open_database(path, _SCHEMA)
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._going: dict[_Key, _Going] = {}
        self._write_at = 0.0

    def saw(  # noqa: PLR0917 - who, of what, what
        self,
        name: str,
        role: str,
        address: str,
        camera_id: str,
        what: What,
        subject: str = "",
    ) -> None:
        """Somebody is about to be shown a picture.

        Raises:
            StoreError: it cannot be written down; nothing is lost of what was told before.
        """
        key = (camera_id, name, role, address, what, subject)
        now = self._clock()
        with self._lock:
            going = self._going.get(key)
            if going is None or not self._goes_on(going, now):
                self._going[key] = going = _Going(None, now, now, 0)
            going.last, going.times, going.dirty = now, going.times + 1, True
            if going.row is None or self._ticks() >= self._write_at:
                self._write(now)

    def flush(self) -> None:
        """Write what is still to be written.

        Raises:
            StoreError: the disk refused.
        """
        with self._lock:
            self._write(self._clock())

    def close(self) -> None:
        """Write the rest, and close the file."""
        self.flush()
        self._db.close()

    def entries(
        self, camera_id: str | None = None, *, first: str = "", last: str = "~", limit: int = 1000
    ) -> list[Access]:
        """The newest entries, the newest first.

        Args:
            camera_id: of one camera; None: of all.
            first, last: that began at or after, and before (RFC 3339, UTC).
            limit: at most so many.
        """
        self.flush()
        rows = self._db.execute(
            "SELECT * FROM looked WHERE (?1 IS NULL OR camera_id = ?1) AND first_at >= ?2"
            " AND first_at < ?3 ORDER BY first_at DESC, id DESC LIMIT ?4",
            (camera_id, first, last, limit),
        )
        return [_access(row) for row in rows]

    def seal_days(self, append: Callable[[Mapping[str, Any]], None], *, keep_days: int) -> int:
        """Hash the days that are over into the chain, and forget the oldest; how many were sealed.

        Args:
            append: makes a link ``access`` of a body, or raises.
            keep_days: days that are kept.

        Raises:
            StoreError: the disk refused.
        """
        self.flush()
        today = (self._clock() - _APART).date()  # whoever writes yesterday's last entry has
        count = 0
        for day in _days(self._db):
            if day >= today:
                continue
            body = _body(self._db, day)
            append(body)
            with transaction(self._db, self._path) as tx:
                row = (body["day"], body["entries"], body["sha256"])
                tx.execute("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?)", row)
            count += 1
        with transaction(self._db, self._path) as tx:
            oldest = (today - timedelta(days=keep_days)).isoformat()
            tx.execute("DELETE FROM looked WHERE substr(first_at, 1, 10) < ?", (oldest,))
        return count

    def altered(self, links: Mapping[str, str], *, keep_days: int) -> list[str]:
        """Days whose entries are not those that were sealed.

        Args:
            links: the hash of each day, as the chain has it.
            keep_days: days that are kept; older ones are gone, as they should be.
        """
        oldest = self._clock().date() - timedelta(days=keep_days)
        kept = [day for day in links if date.fromisoformat(day) >= oldest]
        return [d for d in kept if _body(self._db, date.fromisoformat(d))["sha256"] != links[d]]

    @staticmethod
    def _goes_on(going: _Going, now: datetime) -> bool:
        """Not after a pause, nor over midnight: a day's entries end with it."""
        return timedelta() <= now - going.last < _APART and now.date() == going.first.date()

    def _write(self, now: datetime) -> None:
        self._write_at = self._ticks() + _WRITE_EVERY_S
        with transaction(self._db, self._path) as tx:
            for key, going in self._going.items():
                # A day that is over is not touched any more: it may be sealed.
                if going.dirty and (going.row is None or going.first.date() == now.date()):
                    going.row = _stored(tx, key, going)
        for going in self._going.values():
            going.dirty = False
        if len(self._going) > _REMEMBERED:
            self._going = {k: g for k, g in self._going.items() if self._goes_on(g, now)}


def _stored(tx: sqlite3.Connection, key: _Key, going: _Going) -> int:
    if going.row is not None:
        tx.execute(
            "UPDATE looked SET last_at = ?, times = ? WHERE id = ?",
            (iso(going.last), going.times, going.row),
        )
        return going.row
    row = (*key, iso(going.first), iso(going.last), going.times)
    done = tx.execute(
        "INSERT INTO looked (camera_id, name, role, address, what, subject, first_at, last_at,"
        " times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return int(done.lastrowid or 0)


def _days(db: sqlite3.Connection) -> list[date]:
    """Days with entries that are not sealed yet."""
    rows = db.execute(
        "SELECT DISTINCT substr(first_at, 1, 10) AS day FROM looked"
        " WHERE substr(first_at, 1, 10) NOT IN (SELECT day FROM sealed) ORDER BY day"
    )
    return [date.fromisoformat(row["day"]) for row in rows]


def _body(db: sqlite3.Connection, day: date) -> dict[str, Any]:
    rows = db.execute(
        "SELECT * FROM looked WHERE substr(first_at, 1, 10) = ? ORDER BY id", (str(day),)
    )
    hashed, count = hashlib.sha256(), 0
    for row in rows:
        hashed.update(canonical(asdict(_access(row))))
        count += 1
    return {"day": str(day), "entries": count, "sha256": hashed.hexdigest()}


def _access(row: sqlite3.Row) -> Access:
    return Access(**{name: row[name] for name in Access.__dataclass_fields__})


def sealed_days(db: sqlite3.Connection) -> dict[str, str]:
    """The hash of each day that the chain has. The first counts: who may change the file could make
    the box seal a day again.

    Raises:
        sqlite3.Error: the chain cannot be read.
    """
    rows = db.execute(
        "SELECT json_extract(CAST(link AS TEXT), '$.day') AS day,"
        " json_extract(CAST(link AS TEXT), '$.sha256') AS sha256 FROM evidence_chain"
        " WHERE kind IN ('access', 'purpose') AND kind = 'access' ORDER BY seq"
    )
    days: dict[str, str] = {}
    for row in rows:
        days.setdefault(str(row["day"]), str(row["sha256"]))
    return days


def looked_at(state: Path, name: str, what: What, seen: Mapping[str, Iterable[str]]) -> None:
    """A command shows or takes out pictures: written down before it does.

    Args:
        state: the box's state folder.
        name: who.
        what: how.
        seen: cameras by case.

    Raises:
        StoreError: it cannot be written down; then nothing may be shown.
    """
    with closing(AccessLog(state / DATABASE)) as log:
        for case_id, cameras in seen.items():
            for camera in cameras:
                log.saw(name, "command", "", camera, what, case_id)
