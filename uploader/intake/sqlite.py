"""SQLite as the platform's store: one folder, any number of workers on one machine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.clock import Clock, utc_now
from edge.sqlite import as_store_error, open_database, savepoint, transaction
from uploader.intake.blobs import FolderRoom
from uploader.intake.database import Row, Sql
from uploader.intake.store import IntakeStore
from uploader.intake.tables import SQLITE_SCHEMA


class SqliteDatabase:
    """A file; several workers on one machine may share it.

    Args:
        path: the database file; made when missing.
        schema: run on every open.
        wall: seconds since 1970.

    Raises:
        StoreError: it cannot be opened.
    """

    skip_locked = ""  # a writing transaction is alone in the file anyway

    def __init__(self, path: Path, schema: str, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._connection = open_database(path, schema)

    @property
    def where(self) -> str:
        """The path."""
        return str(self._path)

    @contextmanager
    def transaction(self) -> Iterator[Sql]:
        """See :class:`Database`."""
        how = savepoint if self._connection.in_transaction else transaction
        with how(self._connection, self._path) as connection:
            yield _SqliteSql(connection)

    @contextmanager
    def together(self) -> Iterator[None]:
        """See :class:`Database`: a sync of the disk is paid once for all."""
        with transaction(self._connection, self._path):
            yield

    @contextmanager
    def reading(self) -> Iterator[Sql]:
        """See :class:`Database`."""
        try:
            yield _SqliteSql(self._connection)
        except sqlite3.Error as error:
            raise as_store_error(self._path, error) from error

    def now(self) -> float:
        """See :class:`Database`; one machine, one clock."""
        return self._wall()

    def close(self) -> None:
        """See :class:`Database`."""
        self._connection.close()


class _SqliteSql:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, statement: str, *values: object) -> list[Row]:
        return list(self._connection.execute(statement, values))

    def one(self, statement: str, *values: object) -> Row | None:
        # All rows are fetched: a statement left half-read keeps its transaction from ending.
        found = self.all(statement, *values)
        return found[0] if found else None

    def run(self, statement: str, *values: object) -> int:
        return self._connection.execute(statement, values).rowcount

    def lock(self, name: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE has locked the file."""


class SqliteStore(IntakeStore):
    """Everything in one folder: ``intake.db``, ``evidence/`` and ``partial/``.

    Args:
        folder: workers on this machine may share it.
        clock: what time it is.
        wall: seconds since 1970, for holds.
        reconsider_s: see :class:`~uploader.intake.store.IntakeStore`.

    Raises:
        StoreError: the folder or the database cannot be opened.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock = utc_now,
        wall: Callable[[], float] = time.time,
        *,
        reconsider_s: float = 10.0,
    ) -> None:
        rows = SqliteDatabase(folder / "intake.db", SQLITE_SCHEMA, wall)
        super().__init__(rows, FolderRoom(folder), clock, reconsider_s)
