"""Who looked: merged, on the disk before it is shown, sealed when the day is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import StoreError
from edge.evidence.access import DATABASE, AccessLog, sealed_days
from edge.evidence.chain import open_chain
from edge.sqlite import transaction
from tests.evidence.box import make_sealer

MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return (self.now - MORNING).total_seconds()

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def log(tmp_path: Path, clock: Time) -> AccessLog:
    return AccessLog(tmp_path / DATABASE, clock=clock, ticks=clock.ticks)


def looks(log: AccessLog, camera: str = "cam-1", name: str = "wang") -> None:
    log.saw(name, "operator", "10.0.0.9", camera, "live")


def seal(log: AccessLog, links: dict[str, str], keep_days: int = 190) -> int:
    def append(body: Mapping[str, Any]) -> None:
        assert body["day"] not in links, "a day is sealed once"
        links[body["day"]] = body["sha256"]

    return log.seal_days(append, keep_days=keep_days)


def test_a_page_that_is_refreshed_is_one_entry(log: AccessLog, clock: Time) -> None:
    for _ in range(120):
        looks(log)
        clock.passes(1)
    (entry,) = log.entries("cam-1")
    assert (entry.times, entry.first_at) == (120, "2026-11-24T08:00:00.000Z")
    assert entry.last_at == "2026-11-24T08:01:59.000Z"
    clock.passes(601)
    looks(log)
    assert [e.times for e in log.entries("cam-1")] == [1, 120]
    looks(log, name="li")
    looks(log, camera="cam-2")
    assert len(log.entries("cam-1")) == 3
    assert len(log.entries()) == 4


def test_an_entry_is_on_the_disk_before_anything_is_shown(tmp_path: Path, log: AccessLog) -> None:
    """Another process reads it at once; nothing was flushed or closed."""
    log.saw("wang", "operator", "", "cam-1", "case", "c-1")
    looks(log)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        assert db.execute("SELECT count(*) FROM looked").fetchone() == (2,)


def test_a_day_is_sealed_when_it_is_over_and_what_was_changed_after_that_is_found(
    tmp_path: Path, log: AccessLog, clock: Time
) -> None:
    links: dict[str, str] = {}
    looks(log)
    assert seal(log, links) == 0
    clock.passes(86400)
    looks(log)
    assert seal(log, links) == 1
    assert seal(log, links) == 0
    assert log.altered(links, keep_days=190) == []
    for change in (
        "UPDATE looked SET name = 'nobody' WHERE id = 1",
        "DELETE FROM looked WHERE id = 1",
    ):
        with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
            db.execute(change)
            db.commit()
        assert log.altered(links, keep_days=190) == ["2026-11-24"]


def test_midnight_ends_an_entry(log: AccessLog, clock: Time) -> None:
    """A sealed day is never written to again, whoever goes on looking."""
    links: dict[str, str] = {}
    clock.now = datetime(2026, 11, 24, 23, 59, 50, tzinfo=UTC)
    for _ in range(1500):
        looks(log)
        clock.passes(1)
    seal(log, links)
    looks(log)
    assert log.altered(links, keep_days=190) == []
    assert [e.first_at[:10] for e in log.entries()] == ["2026-11-25", "2026-11-24"]


def test_old_days_go_and_are_not_missed(log: AccessLog, clock: Time) -> None:
    links: dict[str, str] = {}
    looks(log)
    clock.passes(40 * 86400)
    looks(log)
    seal(log, links, keep_days=30)
    assert len(log.entries()) == 1
    assert log.altered(links, keep_days=30) == []


def test_a_disk_that_refuses_is_told_and_nothing_told_before_is_lost(
    log: AccessLog, clock: Time
) -> None:
    looks(log)
    log._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        looks(log, camera="cam-2")
    log._db.execute("PRAGMA query_only = OFF")
    clock.passes(5)
    looks(log)
    assert {(e.camera_id, e.times) for e in log.entries()} == {("cam-1", 2), ("cam-2", 1)}


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["cam-1", "cam-2"]),
            st.sampled_from(["wang", "li"]),
            st.integers(0, 4000),
        ),
        max_size=60,
    )
)
def test_every_look_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    """And lies within its entry; entries of one person and camera do not overlap."""
    clock, links = Time(), {}
    log = AccessLog(tmp_path_factory.mktemp("a") / DATABASE, clock=clock, ticks=clock.ticks)
    for camera, name, pause in steps:
        looks(log, camera, name)
        clock.passes(pause)
        seal(log, links)
    entries = log.entries()
    assert sum(entry.times for entry in entries) == len(steps)
    assert log.altered(links, keep_days=190) == []
    log.close()


def test_a_day_sealed_again_does_not_cover_what_was_changed(
    tmp_path: Path, log: AccessLog, clock: Time
) -> None:
    """Who may change the file could make the box forget that a day was sealed: the first counts."""
    _, chain, _ = make_sealer(tmp_path)
    database = tmp_path / "gridpatrol.db"

    def append(body: Mapping[str, Any]) -> None:
        with closing(open_chain(database)) as db, transaction(db, database) as tx:
            chain.append(tx, "access", body)

    looks(log)
    clock.passes(2 * 86400)
    assert log.seal_days(append, keep_days=190) == 1
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        db.execute("UPDATE looked SET name = 'nobody'")
        db.execute("DELETE FROM sealed")
        db.commit()
    assert log.seal_days(append, keep_days=190) == 1
    with closing(open_chain(database)) as db:
        assert log.altered(sealed_days(db), keep_days=190) == ["2026-11-24"]
