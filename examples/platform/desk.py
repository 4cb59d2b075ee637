"""The platform's own tables: cases by their newest revision, what people said, what boxes replied.

A platform that exists has its tables already; these show how little it takes. The effect of a
revision is an upsert by box and case id that only a newer revision changes, so it happens once,
however often it is offered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from edge.clock import iso, utc_now
from uploader.intake.database import Database, Row
from uploader.intake.postgres import PostgresDatabase
from uploader.intake.sqlite import SqliteDatabase
from uploader.receiver import Case, Reply

_SCHEMA = """
CREATE TABLE IF NOT EXISTS platform_cases (
    box TEXT NOT NULL, case_id TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL,
    signature TEXT NOT NULL, at TEXT NOT NULL, data TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT '', verdict_sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (box, case_id)
);
CREATE INDEX IF NOT EXISTS platform_cases_by_time ON platform_cases (at);
CREATE TABLE IF NOT EXISTS platform_requests (
    request_id TEXT PRIMARY KEY, box TEXT NOT NULL, case_id TEXT NOT NULL,
    purpose TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, reply TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS platform_requests_by_case ON platform_requests (box, case_id);
"""
_UPSERT = (
    "INSERT INTO platform_cases AS c (box, case_id, revision, kind, signature, at, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (box, case_id) DO UPDATE SET"
    " revision = excluded.revision, signature = excluded.signature, at = excluded.at,"
    " data = excluded.data WHERE excluded.revision > c.revision"
)
T = TypeVar("T")


class Desk:
    """Asynchronous over one connection, on a thread of its own.

    Args:
        where: a folder for SQLite, or how to reach PostgreSQL.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, where: Path | str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._db: Database = (
            PostgresDatabase(where, _SCHEMA)
            if isinstance(where, str)
            else SqliteDatabase(where / "platform.db", _SCHEMA)
        )

    async def file(self, case: Case) -> None:
        """Keep a revision, unless a newer one is here."""
        data = case.data
        values = (
            case.box,
            data.case_id,
            data.revision,
            data.category.kind,
            case.signature,
            iso(data.last_seen),
            data.model_dump_json(),
        )
        await self._write(_UPSERT, *values)

    async def cases(self, limit: int = 500) -> list[dict[str, Any]]:
        """The newest, for the list and the map."""
        rows = await self._read("SELECT * FROM platform_cases ORDER BY at DESC LIMIT ?", limit)
        return [_case(row) for row in rows]

    async def case(self, box: str, case_id: str) -> dict[str, Any] | None:
        """One case with everything that was asked about it."""
        found = await self._read(
            "SELECT * FROM platform_cases WHERE box = ? AND case_id = ?", box, case_id
        )
        if not found:
            return None
        asked = await self._read(
            "SELECT * FROM platform_requests WHERE box = ? AND case_id = ? ORDER BY at DESC",
            box,
            case_id,
        )
        return _case(found[0]) | {"requests": [_request(row) for row in asked]}

    async def unchecked(self) -> tuple[dict[str, Any] | None, int]:
        """The oldest case nobody has judged, and how many there are."""
        where = "FROM platform_cases WHERE verdict = ''"
        count = await self._read(f"SELECT COUNT(*) AS n {where}")
        rows = await self._read(f"SELECT * {where} ORDER BY at LIMIT 1")
        return (_case(rows[0]) if rows else None), int(count[0]["n"])

    async def judge(self, box: str, case_id: str, verdict: str) -> None:
        """What a person says of a case."""
        await self._write(
            "UPDATE platform_cases SET verdict = ?, verdict_sent = 0 WHERE box = ? AND case_id = ?",
            verdict,
            box,
            case_id,
        )

    async def told(self, box: str, case_id: str) -> None:
        """The box knows the verdict."""
        await self._write(
            "UPDATE platform_cases SET verdict_sent = 1 WHERE box = ? AND case_id = ?", box, case_id
        )

    async def asked(self, request_id: str, box: str, case_id: str, purpose: str) -> None:
        """A verify was begun."""
        await self._write(
            "INSERT INTO platform_requests VALUES (?, ?, ?, ?, ?, 'waiting', '')",
            request_id,
            box,
            case_id,
            purpose,
            iso(utc_now()),
        )

    async def replied(self, request_id: str, reply: Reply) -> None:
        """Its answer."""
        await self._write(
            "UPDATE platform_requests SET state = 'replied', reply = ? WHERE request_id = ?",
            reply.data.model_dump_json(),
            request_id,
        )

    async def unanswered(self, request_id: str) -> None:
        """The box did not answer in time."""
        await self._write(
            "UPDATE platform_requests SET state = 'unanswered' WHERE request_id = ?"
            " AND state = 'waiting'",
            request_id,
        )

    async def open_requests(self) -> list[dict[str, Any]]:
        """Requests begun before a restart, still without an answer."""
        rows = await self._read("SELECT * FROM platform_requests WHERE state = 'waiting'")
        return [_request(row) | {"box": row["box"], "case_id": row["case_id"]} for row in rows]

    async def untold(self) -> list[dict[str, Any]]:
        """Cases whose verdict the box does not know yet."""
        rows = await self._read(
            "SELECT * FROM platform_cases WHERE verdict != '' AND verdict_sent = 0 LIMIT 1000"
        )
        return [_case(row) for row in rows]

    async def close(self) -> None:
        """End the connection."""
        await self._run(self._db.close)
        self._thread.shutdown()

    async def _write(self, statement: str, *values: object) -> None:
        def work() -> None:
            with self._db.transaction() as sql:
                sql.run(statement, *values)

        await self._run(work)

    async def _read(self, statement: str, *values: object) -> list[Row]:
        def work() -> list[Row]:
            with self._db.reading() as sql:
                return sql.all(statement, *values)

        return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _case(row: Row) -> dict[str, Any]:
    names = ("box", "case_id", "revision", "kind", "signature", "at", "verdict")
    return {name: row[name] for name in names} | {"data": json.loads(row["data"])}


def _request(row: Row) -> dict[str, Any]:
    names = ("request_id", "purpose", "at", "state")
    reply = json.loads(row["reply"]) if row["reply"] else None
    return {name: row[name] for name in names} | {"reply": reply}
