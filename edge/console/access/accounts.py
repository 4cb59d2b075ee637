"""Users, their one-time links and their sessions, in ``access.db`` of the state folder.

A database of its own, readable by the box's user alone: nothing here belongs into one transaction
with cases, and password hashes do not belong into copies of ``gridpatrol.db``. Of tokens only the
SHA-256 is kept. The command line writes it beside a running box; what it takes away is gone with
the next request.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from edge.clock import Clock, iso, utc_now
from edge.config.console import Role
from edge.console.access.passwords import hashed, matches
from edge.errors import AccessError, Code, StoreError
from edge.files import own_file
from edge.sqlite import as_store_error, open_database, transaction

FILE = "access.db"
LINK_HOURS = 24
SESSIONS_PER_USER = 20
_SEEN_EVERY_S = 60.0  # a session's last use is written no more often
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  password TEXT,
  made_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS links (
  token TEXT PRIMARY KEY,
  name TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  until REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
  token TEXT PRIMARY KEY,
  name TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  made REAL NOT NULL,
  seen REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (name);
"""


@dataclass(frozen=True, slots=True)
class User:
    """``ready``: has set a password, so may log in."""

    name: str
    role: Role
    ready: bool
    made_at: str


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Accounts:
    """Thread-safe. Every method may raise StoreError.

    Args:
        state: the state folder.
        idle: a session ends when nobody has used it for so long.
        absolute: and after so long in any case.
    """

    def __init__(
        self,
        state: Path,
        clock: Clock = utc_now,
        *,
        idle: timedelta = timedelta(hours=8),
        absolute: timedelta = timedelta(hours=24),
    ) -> None:
        self._path = state / FILE
        self._clock = clock
        self._idle_s, self._absolute_s = idle.total_seconds(), absolute.total_seconds()
        self._lock = threading.Lock()
        try:
            state.mkdir(parents=True, exist_ok=True)
            own_file(self._path)  # the files SQLite puts beside it take its mode and owner
        except OSError as error:
            raise as_store_error(self._path, error) from error
        self._db = open_database(self._path, _SCHEMA)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    def users(self) -> list[User]:
        """Everybody, by name."""
        with self._reading() as db:
            rows = db.execute("SELECT * FROM users ORDER BY name").fetchall()
        return [
            User(row["name"], row["role"], row["password"] is not None, row["made_at"])
            for row in rows
        ]

    def add(self, name: str, role: Role) -> str:
        """A new user; returns the token of the link by which they choose a password.

        Raises:
            AccessError: no fit name, or there is one already (CON-008).
        """
        if not _NAME.fullmatch(name):
            raise _bad(name, "is no user name", "Use 1 to 40 of a-z 0-9 . _ -, a letter first")
        with self._writing() as db:
            if _known(db, name):
                raise _bad(name, "is a user already", "Take another name")
            db.execute("INSERT INTO users VALUES (?, ?, NULL, ?)", (name, role, iso(self._clock())))
            return self._link(db, name)

    def first_admin(self) -> str | None:
        """While no admin has set a password: a link for one (``admin``); None otherwise."""
        with self._writing() as db:
            if db.execute(
                "SELECT 1 FROM users WHERE role = 'admin' AND password IS NOT NULL"
            ).fetchone():
                return None
            name = "admin"
            found = db.execute("SELECT name FROM users WHERE role = 'admin' ORDER BY made_at")
            if row := found.fetchone():
                name = row["name"]
            else:
                made = iso(self._clock())
                db.execute(
                    "INSERT INTO users VALUES (?, 'admin', NULL, ?)"
                    " ON CONFLICT (name) DO UPDATE SET role = 'admin', password = NULL",
                    (name, made),
                )
                db.execute("DELETE FROM sessions WHERE name = ?", (name,))
            return self._link(db, name)

    def link(self, name: str) -> str:
        """A new link for a user; the ones before it count no more.

        Raises:
            AccessError: no such user (CON-008).
        """
        with self._writing() as db:
            _must_know(db, name)
            return self._link(db, name)

    def set_role(self, name: str, role: Role) -> None:
        """Give another role; whoever is logged in by that name has to log in again.

        Raises:
            AccessError: no such user, or nobody would be admin (CON-008).
        """
        with self._writing() as db:
            _must_know(db, name)
            db.execute("UPDATE users SET role = ? WHERE name = ?", (role, name))
            db.execute("DELETE FROM sessions WHERE name = ?", (name,))
            _somebody_must_be_admin(db, name)

    def remove(self, name: str) -> None:
        """A user goes, with sessions and links.

        Raises:
            AccessError: no such user, or nobody would be admin (CON-008).
        """
        with self._writing() as db:
            _must_know(db, name)
            db.execute("DELETE FROM users WHERE name = ?", (name,))
            _somebody_must_be_admin(db, name)

    def enter(self, token: str, password: str) -> str | None:
        """Use up a link and set the password; the user's name, None when the link is no good.

        Raises:
            AccessError: not a fit password; the link stays good (CON-008).
        """
        if self._owner_of_link(token) is None:
            return None  # before the hash is made: a wrong link must cost nothing
        kept = hashed(password)
        with self._writing() as db:
            row = db.execute(
                "DELETE FROM links WHERE token = ? RETURNING name, until", (digest(token),)
            ).fetchone()
            if row is None or row["until"] < self._now():
                return None
            name = str(row["name"])
            db.execute("UPDATE users SET password = ? WHERE name = ?", (kept, name))
            db.execute("DELETE FROM links WHERE name = ?", (name,))
            db.execute("DELETE FROM sessions WHERE name = ?", (name,))
        return name

    def check(self, name: str, password: str) -> bool:
        """Whether it is this user's password; takes as long where there is no such user."""
        row = None
        if _NAME.fullmatch(name):
            with self._reading() as db:
                row = db.execute("SELECT password FROM users WHERE name = ?", (name,)).fetchone()
        return matches(password, row["password"] if row else None)

    def open_session(self, name: str) -> str:
        """A user has logged in; returns the token for the cookie, always a new one."""
        token, now = secrets.token_urlsafe(32), self._now()
        with self._writing() as db:
            db.execute(
                "DELETE FROM sessions WHERE made < ? OR seen < ?",
                (now - self._absolute_s, now - self._idle_s),
            )
            db.execute(
                "DELETE FROM sessions WHERE token IN (SELECT token FROM sessions WHERE name = ?"
                " ORDER BY made DESC LIMIT -1 OFFSET ?)",
                (name, SESSIONS_PER_USER - 1),
            )
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (digest(token), name, now, now))
        return token

    def session(self, token: str, *, used: bool = True) -> tuple[str, Role] | None:
        """Name and role behind a cookie; None when it counts no more.

        Args:
            token: from the cookie.
            used: a person did it; what the page asks by itself keeps no session alive.
        """
        key, now = digest(token), self._now()
        with self._reading() as db:
            row = db.execute(
                "SELECT name, role, made, seen FROM sessions JOIN users USING (name)"
                " WHERE token = ?",
                (key,),
            ).fetchone()
        # A clock set back would make a session last for ever: then it counts no more, either.
        if row is None or not (
            -_SEEN_EVERY_S <= now - row["seen"] <= self._idle_s
            and -_SEEN_EVERY_S <= now - row["made"] <= self._absolute_s
        ):
            return None
        if used and now - row["seen"] >= _SEEN_EVERY_S:
            # A full disk must not shut out whoever comes to see that it is full.
            with suppress(StoreError), self._writing() as db:
                db.execute("UPDATE sessions SET seen = ? WHERE token = ?", (now, key))
        return row["name"], row["role"]

    def close_session(self, token: str) -> None:
        """Logged out."""
        with self._writing() as db:
            db.execute("DELETE FROM sessions WHERE token = ?", (digest(token),))

    def _owner_of_link(self, token: str) -> str | None:
        with self._reading() as db:
            row = db.execute(
                "SELECT name FROM links WHERE token = ? AND until >= ?",
                (digest(token), self._now()),
            ).fetchone()
        return row["name"] if row else None

    def _link(self, db: sqlite3.Connection, name: str) -> str:
        token = secrets.token_urlsafe(32)
        db.execute("DELETE FROM links WHERE name = ?", (name,))
        until = self._now() + LINK_HOURS * 3600
        db.execute("INSERT INTO links VALUES (?, ?, ?)", (digest(token), name, until))
        return token

    def _now(self) -> float:
        return self._clock().timestamp()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise as_store_error(self._path, error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._db, self._path) as db:
            yield db


def _known(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM users WHERE name = ?", (name,)).fetchone() is not None


def _must_know(db: sqlite3.Connection, name: str) -> None:
    if not _known(db, name):
        raise _bad(name, "is no user", "gridpatrol users list shows them")


def _somebody_must_be_admin(db: sqlite3.Connection, name: str) -> None:
    """Inside the transaction that took one away: the error undoes it."""
    if not db.execute("SELECT 1 FROM users WHERE role = 'admin'").fetchone():
        raise _bad(name, "is the only admin", "Make another one first")


def _bad(name: str, what: str, fix: str) -> AccessError:
    return AccessError(Code.CON_USER, f"user {name!r}", what, fix)
