"""Fixtures: a real broker, a box, a platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import utc_now
from tests.brokers import Broker, start_broker
from tests.servers.postgres import Postgres, find_server
from tests.uploader.helpers import Box, MakeStore, Platform
from uploader.intake.postgres import PostgresStore
from uploader.intake.sqlite import SqliteStore


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A fresh broker on a free loopback port."""
    running = start_broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def box(tmp_path: Path, broker: Broker) -> Iterator[Box]:
    """A box that is not started yet."""
    made = Box(tmp_path / "box", broker)
    yield made
    made.close()


@pytest.fixture
def platform(tmp_path: Path, broker: Broker) -> Iterator[Platform]:
    """A platform that is not started yet."""
    made = Platform(tmp_path / "platform", broker)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    pytest.importorskip("psycopg")
    binaries = find_server()
    if binaries is None:
        pytest.skip("PostgreSQL's server is not installed")
    running = Postgres(binaries)
    yield running
    running.end()


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Opens the platform's store; every call opens the same one, with a clock of its own."""
    if request.param == "sqlite":
        return lambda clock=utc_now, **more: SqliteStore(tmp_path / "platform", clock, **more)
    dsn = request.getfixturevalue("postgres").fresh()
    return lambda clock=utc_now, **more: PostgresStore(dsn, clock, **more)
