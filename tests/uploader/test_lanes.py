"""Live before backlog, one category after the other, at a bounded pace and a bounded cost."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from edge.sqlite import transaction
from tests.uploader.helpers import CITY, NODE, NOON
from uploader.lanes import Boundary, Lane, Pace
from uploader.outbox import Letter, Outbox, OutboxRow


class Desk:
    """An outbox at noon and a connection that commits letters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outbox = Outbox(path, city=CITY, node=NODE, clock=lambda: NOON)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row

    def put(self, subject: str, kind: str, revision: int = 1) -> int:
        """Commit one letter."""
        letter = Letter(
            "case", subject, revision, "new", kind, lambda seq: f"{subject} {seq}".encode()
        )
        with transaction(self.db, self.path) as tx:
            return self.outbox.put(tx, letter)

    def due(self, limit: int, lane: Lane, boundary: int, skip: tuple[int, ...] = ()) -> list[int]:
        """Numbers of the rows that may go."""
        rows = self.outbox.due(NOON, limit, skip, lane=lane, boundary=boundary)
        return [row.seq for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty one."""
    return Desk(tmp_path / "state.db")


def test_lanes_part_at_the_boundary(desk: Desk) -> None:
    """Each row is in one lane."""
    for number in range(6):
        desk.put(f"case-{number}", "street_vending")
    assert desk.due(10, Lane.LIVE, 4) == [5, 6]
    assert desk.due(10, Lane.BACKLOG, 4) == [1, 2, 3, 4]
    assert desk.due(10, Lane.LIVE, 6) == []


@pytest.mark.parametrize("lane", list(Lane))
def test_categories_in_turn(desk: Desk, lane: Lane) -> None:
    """A flood of one category does not hold up the others, asked one by one or in one go."""
    for number in range(20):
        desk.put(f"ad-{number}", "illegal_ads")
    desk.put("pile", "piled_materials")
    desk.put("reply", "reply")
    boundary = 0 if lane is Lane.LIVE else 99
    assert desk.due(4, lane, boundary) == [1, 21, 22, 2]
    taken: list[int] = []
    for _ in range(4):
        taken += desk.due(1, lane, boundary, tuple(taken))
    assert sorted(taken) == [1, 2, 21, 22]


def test_a_revision_rests_with_the_one_before_it(desk: Desk) -> None:
    """What must wait for a resting row is not looked at again and again, and not forgotten."""
    for revision in (1, 2, 3):
        desk.put("case-1", "street_vending", revision)
    desk.outbox.postpone(1, timedelta(minutes=5))
    times = desk.db.execute("SELECT DISTINCT next_at FROM outbox").fetchall()
    assert len(times) == 1
    assert desk.due(10, Lane.BACKLOG, 99) == []


def test_work_does_not_grow_with_the_backlog(desk: Desk) -> None:
    """Steps of SQLite's machine for a row, with little and with much behind it: the same."""

    def steps(lane: Lane, boundary: int) -> int:
        counted = Counter[str]()
        desk.outbox._db.set_progress_handler(lambda: counted.update(["step"]), 1)
        rows: list[OutboxRow] = desk.outbox.due(NOON, 1, [1, 2], lane=lane, boundary=boundary)
        desk.outbox._db.set_progress_handler(None, 1)
        assert (len(rows) == 1) == (lane is Lane.BACKLOG or boundary < last)
        return counted["step"]

    def fill(count: int) -> None:
        with transaction(desk.db, desk.path) as tx:
            for _ in range(count):
                letter = Letter(
                    "case", f"c{desk.db.total_changes}", 1, "new", "pile", lambda seq: b"%d" % seq
                )
                desk.outbox.put(tx, letter)

    fill(50)
    last = desk.outbox.last_seq()
    few = steps(Lane.BACKLOG, last), steps(Lane.LIVE, last), steps(Lane.LIVE, last - 5)
    fill(20_000)
    last = desk.outbox.last_seq()
    many = steps(Lane.BACKLOG, last), steps(Lane.LIVE, last), steps(Lane.LIVE, last - 5)
    assert all(m <= f * 1.2 for m, f in zip(many, few, strict=True)), (few, many)


def test_boundary_follows_after_a_minute() -> None:
    """What is there at the start is backlog; later rows become it when a minute has passed."""
    now = 1000.0
    boundary = Boundary(lambda: now)
    assert boundary.note(40) == 40
    now += 30
    assert boundary.note(45) == 40
    now += 31
    assert boundary.note(50) == 40
    now += 30
    assert boundary.note(50) == 45
    now += 3600
    assert boundary.note(50) == 50


def test_pace_is_kept() -> None:
    """Over a minute the bytes are those of a minute; a large message is paid off afterwards."""
    now = 0.0
    pace = Pace(1000, lambda: now)
    sent = 0
    while now < 60:
        if pace.wait_s() == 0:
            pace.spend(3500)
            sent += 3500
        now += max(pace.wait_s(), 0.001)
    assert 60_000 <= sent <= 60_000 + 1000 + 3500
    assert Pace(0, lambda: now).wait_s() == 0
