"""The quota over a real broker: what the platform sees of it, and that a kill costs nothing."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.uploader.helpers import NOON, Box, Platform, wait_until
from tests.uploader.test_waiting import draft_of
from tests.uploader.waiting_victim import QUOTA
from uploader.intake.events import GapFound
from uploader.letters import Letters
from uploader.quota import Quota

pytestmark = pytest.mark.e2e


def told(platform: Platform) -> list[str]:
    """Cases and revisions that the platform has accepted, in the order of their numbers."""
    events = sorted(platform.told, key=lambda event: event.seq)
    return [f"{event.data.case_id}-r{event.data.revision}" for event in events]


def test_the_platform_gets_its_share_day_by_day(tmp_path: Path, broker: Broker) -> None:
    """In order of priority; never a gap; gone ones not at all, unless somebody asks for them."""
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    quota = Quota(daily=2, time_zone="Asia/Shanghai")
    box = Box(tmp_path / "box", broker, clock=clock, quota=quota)
    platform = Platform(tmp_path / "platform", broker, gap_after_s=0.5)
    try:
        platform.start()
        uploader = box.start()
        wait_until(lambda: platform.states == ["online"])
        for number in range(6):
            box.commit(draft_of(number, box.pictures, score=0.3 + number / 10, pictures=1))
        box.commit(draft_of(6, box.pictures, urgency="urgent", pictures=1))
        box.commit(draft_of(3, box.pictures, revision=2, status="gone"))
        box.commit(draft_of(4, box.pictures, revision=2, status="update", pictures=1))
        wait_until(lambda: len(platform.told) == 3)
        assert sorted(told(platform)) == ["case-0-r1", "case-1-r1", "case-6-r1"]
        wait_until(lambda: uploader.status().waiting.unseen == 1)
        assert uploader.status().waiting.by_kind == {"street_vending": 3}
        assert uploader.status().waiting.sent_today == 3
        now[0] += timedelta(days=1)
        wait_until(lambda: len(platform.told) == 6)
        assert told(platform)[3:] == ["case-4-r1", "case-4-r2", "case-5-r1"]  # 4: surer by then
        shelf = Letters(box.path)
        assert shelf.release(["case-3"]) == ["case-3"]
        shelf.close()
        wait_until(lambda: len(platform.told) == 8)
        assert told(platform)[6:] == ["case-3-r1", "case-3-r2"]
        assert sorted(event.seq for event in platform.told) == list(range(1, 9))
        time.sleep(1)
        assert not [event for event in platform.events if isinstance(event, GapFound)]
        assert uploader.status().waiting.by_kind == {"street_vending": 1}
    finally:
        box.close()
        platform.stop()


def test_nothing_is_let_go_to_nobody(tmp_path: Path, broker: Broker) -> None:
    """While the platform is away the surplus keeps its order: no day's quota is spent on it."""
    now = [NOON]
    quota = Quota(daily=1, time_zone="Asia/Shanghai")
    box = Box(tmp_path / "box", broker, clock=lambda: now[0], quota=quota, receipt_timeout_s=0.2)
    platform = Platform(tmp_path / "platform", broker)
    try:
        uploader = box.start()
        for number in range(60):
            box.commit(draft_of(number, box.pictures, score=0.3))
        for _ in range(5):
            now[0] += timedelta(days=1)
            time.sleep(0.7)
        assert uploader.status().waiting.total >= 57
        box.commit(draft_of(99, box.pictures, score=0.9))
        now[0] += timedelta(days=1)
        platform.start()
        wait_until(lambda: "case-99-r1" in told(platform), 40)
        assert len(platform.told) <= 4
    finally:
        box.close()
        platform.stop()


def test_killed_while_cases_wait(tmp_path: Path, broker: Broker) -> None:
    """SIGKILL at random moments, a day between each: every commit is somewhere, once."""
    path = tmp_path / "box" / "state.db"
    path.parent.mkdir()
    platform = Platform(tmp_path / "platform", broker)
    platform.start()
    committed: list[str] = []
    try:
        for day in range(5):
            committed += life(path, broker, day, first=1000 * day)
        days = read(path, "SELECT COUNT(*) FROM turns GROUP BY day")
        assert max(count for (count,) in days) == QUOTA.daily
        box = Box(path.parent, broker)  # as the uploader of a box without quota: all goes
        box.outbox.close()
        final = read(path, "SELECT subject || '-r' || revision FROM waiting_letters")
        gone = read(
            path,
            "SELECT subject || '-r' || revision FROM waiting_letters"
            " JOIN waiting USING (subject) WHERE unseen_at IS NOT NULL",
        )
        assert 0 < len(gone) < len(final)
        box.start()
        everything = set(committed)
        wait_until(lambda: everything - {name for (name,) in gone} <= set(told(platform)), 40)
        box.close()
        assert sorted(told(platform)) == sorted(set(told(platform)))
        assert platform.doubled == []
        sequence = sorted(event.seq for event in platform.told)
        assert sequence == list(range(1, len(sequence) + 1))
    finally:
        platform.stop()


def life(path: Path, broker: Broker, day: int, *, first: int) -> list[str]:
    """One life of a box; what it said it had committed before it was killed."""
    victim = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.uploader.waiting_victim",
            str(path),
            str(broker.port),
            str(day),
            str(first),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    lines = [victim.stdout.readline()]
    time.sleep(random.uniform(0.4, 1.0))
    victim.send_signal(signal.SIGKILL)
    lines += victim.communicate()[0].splitlines()
    return [line.strip().replace(" ", "-r") for line in lines if line.count(" ") == 1]


def read(path: Path, query: str) -> list[tuple[int, ...]]:
    """Rows of the box's database."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()
