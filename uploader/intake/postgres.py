"""PostgreSQL as the platform's store: any number of workers, on any number of machines."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edge.clock import Clock, utc_now
from edge.errors import Code, ConfigError, StoreError
from uploader.intake.blobs import another_file, check_numbers, cover, not_there
from uploader.intake.database import Row, Sql
from uploader.intake.store import IntakeStore
from uploader.intake.tables import POSTGRES_SCHEMA

if TYPE_CHECKING:
    import psycopg

_CONNECT_TIMEOUT_S = 5
_PATIENCE_MS = 15_000
_FORGET_PIECES = "1 day"


class PostgresDatabase:
    """One connection, opened when needed and again after it was lost.

    Args:
        dsn: ``postgresql://user@host/name`` or ``host=… dbname=…``; a password is better kept in
            ``~/.pgpass`` or ``PGPASSWORD``. Tables are made in its search path.
        schema: run when the database is opened.

    Raises:
        ConfigError: the extra ``postgres`` is not installed (RUN-002).
        StoreError: the server cannot be reached, or refuses (STO-005).
    """

    skip_locked = " FOR UPDATE SKIP LOCKED"

    def __init__(self, dsn: str, schema: str = POSTGRES_SCHEMA) -> None:
        self._psycopg = _psycopg()
        self._dsn = dsn
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._ahead_s = 0.0
        self.where = _without_password(self._psycopg, dsn)
        with self.transaction() as sql:
            sql.lock("schema")  # two workers that start at once would make the tables twice
            for statement in schema.split(";\n"):
                if statement.strip():
                    sql.run(statement)

    @contextmanager
    def transaction(self) -> Iterator[Sql]:
        """See :class:`~uploader.intake.database.Database`."""
        with self._errors():
            connection = self._open()
            with connection.transaction():
                yield _PostgresSql(connection)

    @contextmanager
    def together(self) -> Iterator[None]:
        """See :class:`Database`: each by itself. Locks of several boxes held at once could meet
        those of another worker, and the server gathers commits of all its clients anyway."""
        yield

    @contextmanager
    def reading(self) -> Iterator[Sql]:
        """See :class:`~uploader.intake.database.Database`."""
        with self._errors():
            yield _PostgresSql(self._open())

    def now(self) -> float:
        """The server's clock: workers on several machines agree on it."""
        with self._errors():
            self._open()
        return time.monotonic() + self._ahead_s

    def close(self) -> None:
        """See :class:`~uploader.intake.database.Database`."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is None:
            made = self._psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                row_factory=self._psycopg.rows.dict_row,
                application_name="gridpatrol-intake",
            )
            made.execute(f"SET statement_timeout = {_PATIENCE_MS}".encode())
            said = made.execute("SELECT extract(epoch FROM clock_timestamp())::float AS t")
            self._ahead_s = float((said.fetchone() or {"t": 0.0})["t"]) - time.monotonic()
            self._connection = made
        return self._connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            if self._connection is not None and self._connection.closed:
                self._connection = None
            raise self._store_error(error) from error

    def _store_error(self, error: psycopg.Error) -> StoreError:
        text = " ".join(str(error).split()) or type(error).__name__
        lost = isinstance(error, self._psycopg.OperationalError)
        if lost and error.sqlstate == "53100":
            return StoreError(Code.STO_FULL, self.where, text, "Free space; it resumes")
        if lost:
            return StoreError(
                Code.STO_SERVER,
                self.where,
                text,
                "Start PostgreSQL or check the address; it resumes",
            )
        return StoreError(Code.STO_WRITE, self.where, text, "Check the rights of this user")


class _PostgresSql:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def all(self, statement: str, *values: object) -> list[Row]:
        return list(self._execute(statement, values))

    def one(self, statement: str, *values: object) -> Row | None:
        return self._execute(statement, values).fetchone()

    def run(self, statement: str, *values: object) -> int:
        return self._execute(statement, values).rowcount

    def lock(self, name: str) -> None:
        self._execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (name,))

    def _execute(
        self, statement: str, values: tuple[object, ...]
    ) -> psycopg.Cursor[dict[str, Any]]:
        # Bytes are sent as bytes: PostgreSQL is told by the column what they are.
        text = statement.replace("?", "%s").encode()
        return self._connection.execute(text, values or None)


class TableRoom:
    """Evidence in tables, so that any worker completes what others began."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        with database.transaction() as sql:
            sql.run(
                f"DELETE FROM evidence_pieces WHERE at < now() - interval '{_FORGET_PIECES}'"  # noqa: S608 - a constant
            )

    @contextmanager
    def together(self) -> Iterator[None]:
        """See :class:`BlobRoom`."""
        yield

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """See :class:`~uploader.intake.blobs.BlobRoom`."""
        asked = list(dict.fromkeys(wanted))
        with self._database.reading() as sql:
            rows = sql.all("SELECT sha256 FROM evidence_files WHERE sha256 = ANY(?)", asked)
        there = {row["sha256"] for row in rows}
        return tuple(sha256 for sha256 in asked if sha256 not in there)

    def read(self, sha256: str) -> bytes:
        """See :class:`~uploader.intake.blobs.BlobRoom`."""
        with self._database.reading() as sql:
            row = sql.one("SELECT content FROM evidence_files WHERE sha256 = ?", sha256)
        if row is None:
            raise not_there(sha256, self._database.where)
        return bytes(row["content"])

    def add(self, sha256: str, offset: int, total: int, chunk: bytes) -> bool:
        """See :class:`~uploader.intake.blobs.BlobRoom`."""
        check_numbers(sha256, offset, total, chunk)
        if not self.missing([sha256]):
            return True
        if len(chunk) == total:
            content: bytes | None = chunk
        else:
            content = self._join(sha256, offset, total, chunk)
        if content is None:
            return False
        whole = hashlib.sha256(content).hexdigest() == sha256
        with self._database.transaction() as sql:
            if whole:
                sql.run(
                    "INSERT INTO evidence_files (sha256, content) VALUES (?, ?)"
                    " ON CONFLICT DO NOTHING",
                    sha256,
                    content,
                )
            sql.run("DELETE FROM evidence_pieces WHERE sha256 = ?", sha256)
        if not whole:
            raise another_file(sha256)
        return True

    def _join(self, sha256: str, offset: int, total: int, chunk: bytes) -> bytes | None:
        with self._database.transaction() as sql:
            # A piece is covered by no receipt: a power cut may take it. The file is synced.
            sql.run("SET LOCAL synchronous_commit = off")
            # Two workers with the last two pieces must not both find the other's missing.
            sql.lock(f"blob {sha256}")
            sql.run(
                "INSERT INTO evidence_pieces (sha256, start, size, content) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                sha256,
                offset,
                len(chunk),
                chunk,
            )
            rows = sql.all("SELECT start, size FROM evidence_pieces WHERE sha256 = ?", sha256)
            parts = cover([(int(row["start"]), int(row["size"])) for row in rows], total)
            if parts is None:
                return None
            joined = bytearray()
            for start, size, skip in parts:
                row = sql.one(
                    "SELECT content FROM evidence_pieces WHERE sha256 = ? AND start = ?"
                    " AND size = ?",
                    sha256,
                    start,
                    size,
                )
                joined += bytes(row["content"] if row else b"")[skip:]
        return bytes(joined)


class PostgresStore(IntakeStore):
    """Everything in one PostgreSQL database, evidence included.

    Args:
        dsn: how to reach it; see :class:`PostgresDatabase`.
        clock: what time it is.
        reconsider_s: see :class:`~uploader.intake.store.IntakeStore`.

    Raises:
        ConfigError: the extra ``postgres`` is not installed (RUN-002).
        StoreError: the server cannot be reached, or refuses.
    """

    def __init__(self, dsn: str, clock: Clock = utc_now, *, reconsider_s: float = 10.0) -> None:
        database = PostgresDatabase(dsn)
        super().__init__(database, TableRoom(database), clock, reconsider_s)


def _psycopg() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - the extra may be absent
        import psycopg.rows  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            Code.RUN_EXTRA,
            "PostgreSQL store",
            f"psycopg cannot be loaded ({error})",
            "pip install 'gridpatrol[postgres]'",
        ) from error
    return psycopg


def _without_password(psycopg: Any, dsn: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    parts.pop("password", None)
    return str(psycopg.conninfo.make_conninfo(**parts))
