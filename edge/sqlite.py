"""SQLite as every store here opens it: WAL with ``synchronous=FULL``, short transactions.

WAL with ``synchronous=NORMAL`` loses acknowledged rows at a power cut; FULL does not, and still
commits thousands of times a second (measured; see ``docs/decisions/0002-one-database.md``).
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import Code, StoreError

_BUSY_TIMEOUT_S = 10.0


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open (or make) a database and bring its tables into being.

    Args:
        path: the file; its folder is made when missing.
        schema: ``CREATE TABLE IF NOT EXISTS …`` statements; run on every open.

    Returns:
        A connection in autocommit mode: use :func:`transaction` to write.

    Raises:
        StoreError: the file cannot be opened or is no database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(schema)
    except (sqlite3.Error, OSError) as error:
        raise as_store_error(path, error) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """All or nothing: commits when the block ends, rolls back when it raises.

    Raises:
        StoreError: the write was refused (disk full, locked, damaged); nothing was written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(connection)
        raise as_store_error(path, error) from error
    except BaseException:
        _roll_back(connection)
        raise


@contextmanager
def savepoint(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Inside a :func:`transaction`: undone by itself when the block raises.

    Raises:
        StoreError: the write was refused; the transaction around it goes on, or is over.
    """
    try:
        connection.execute("SAVEPOINT step")
        yield connection
        connection.execute("RELEASE step")
    except BaseException as error:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK TO step")
                connection.execute("RELEASE step")
        if isinstance(error, sqlite3.Error):
            raise as_store_error(path, error) from error
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):  # the error that brought us here says what is wrong
            connection.execute("ROLLBACK")


def as_store_error(path: Path, error: Exception) -> StoreError:
    """Say in one line what the disk or the database refused, and what to do."""
    text = str(error)
    if "full" in text or "No space left" in text or "quota exceeded" in text:
        return StoreError(Code.STO_FULL, str(path), "the disk is full", "Free space; it resumes")
    if _failed(error):
        return StoreError(
            Code.STO_FAILED,
            str(path),
            f"the disk failed ({text})",
            "Look after the disk, then start again: what is on it is read anew",
        )
    if "locked" in text:
        return StoreError(
            Code.STO_LOCKED,
            str(path),
            "another process holds the database",
            "Stop the other gridpatrol that uses this state_dir",
        )
    if isinstance(error, OSError):
        return StoreError(Code.STO_OPEN, str(path), text, "Check that the folder can be written")
    return StoreError(
        Code.STO_WRITE, str(path), text, "Check the disk; restore the file if it is damaged"
    )


def _failed(error: Exception) -> bool:
    """Whether a read, write or sync came back with an input/output error."""
    if isinstance(error, OSError):
        return error.errno == errno.EIO
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
