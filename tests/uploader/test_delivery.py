"""Box to platform over a real broker: each case arrives once, whatever dies on the way."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from edge.scenes.finding import Words
from tests.brokers import Broker, start_broker
from tests.uploader.helpers import (
    NODE,
    Box,
    Platform,
    expected_ids,
    make_draft,
    wait_until,
)

pytestmark = pytest.mark.e2e


def assert_each_once(platform: Platform, numbers: range) -> None:
    """Every case told exactly once, every file whole."""
    assert sorted(platform.ids()) == sorted(expected_ids(numbers))
    for event in platform.told:
        for item in event.data.evidence:
            content = platform.contents[item.sha256]
            assert hashlib.sha256(content).hexdigest() == item.sha256


@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
def test_cases_and_pictures_arrive(tmp_path: Path, kind: str) -> None:
    """Cases with pictures of several chunks arrive whole and in order, on both brokers."""
    broker = start_broker(tmp_path, kind=kind)
    box, platform = Box(tmp_path / "box", broker), Platform(tmp_path / "platform", broker)
    try:
        platform.start()
        uploader = box.start()
        wait_until(lambda: platform.states == ["online"])  # it is subscribed by now
        box.commit_many(range(8), size_bytes=300_000)
        box.wait_done(8)
        assert_each_once(platform, range(8))
        assert [event.seq for event in platform.told] == list(range(1, 9))
        wait_until(lambda: uploader.status().done == 8)
        assert uploader.status().last_error is None
    finally:
        box.close()
        platform.stop()
        broker.stop()


def test_consumer_down_then_up(box: Box, platform: Platform) -> None:
    """Without a consumer nothing is done, whatever the broker acknowledges; later all arrives."""
    uploader = box.start()
    box.commit_many(range(5))
    wait_until(lambda: uploader.status().last_error is not None)
    assert "MQT-005" in str(uploader.status().last_error)
    assert box.counts().done == 0
    platform.start()
    box.wait_done(5)
    assert_each_once(platform, range(5))


def test_a_backlog_is_not_pushed_at_nobody(box: Box, platform: Platform) -> None:
    """Without a consumer a box probes with one row; with one, the whole backlog goes."""
    uploader = box.start()
    wait_until(lambda: uploader.status().connected)
    box.commit_many(range(60))
    time.sleep(2.5)
    with sqlite3.connect(box.path) as db:
        attempts = db.execute("SELECT SUM(attempts) FROM outbox").fetchone()[0]
    assert 1 <= attempts < 30
    platform.start()
    box.wait_done(60)
    assert_each_once(platform, range(60))


def test_consumer_restarted_between_revisions(box: Box, platform: Platform) -> None:
    """A restarted consumer tells only what is new."""
    platform.start()
    box.start()
    box.commit(make_draft(1, box.pictures))
    box.wait_done(1)
    platform.stop()
    box.commit(make_draft(1, box.pictures, revision=2, status="gone", pictures=0))
    platform.start()
    box.wait_done(2)
    assert platform.ids() == ["case-1-r1", "case-1-r2"]


def test_broker_killed_midway(box: Box, platform: Platform, broker: Broker) -> None:
    """A broker that loses all it held costs time, not cases."""
    platform.start()
    box.start()
    box.commit_many(range(40), size_bytes=200_000)
    wait_until(lambda: box.counts().done >= 5)
    broker.kill()
    assert box.counts().pending > 0, "too fast to be killed midway"
    time.sleep(0.3)
    broker.start()
    box.wait_done(40)
    assert_each_once(platform, range(40))


def test_publisher_killed_midway(box: Box, platform: Platform) -> None:
    """SIGKILL of the box's process, again and again, loses and doubles nothing."""
    platform.start()
    box.commit_many(range(60), size_bytes=150_000)
    victim = Path(__file__).with_name("victim.py")
    kills = 0
    while box.counts().pending and kills < 10:
        goal = min(box.counts().done + 12, 60)
        process = subprocess.Popen(
            [sys.executable, str(victim), str(box.path), str(box.settings.port)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        wait_until(lambda goal=goal: box.counts().done >= goal)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        kills += 1
    assert kills >= 2, "too fast to be killed midway"
    box.wait_done(60)
    assert_each_once(platform, range(60))
    wait_until(lambda: "lost" in platform.states)


def test_rejected_case_is_a_dead_letter(tmp_path: Path, box: Box, broker: Broker) -> None:
    """A rejected case leaves the queue with the platform's words; the others are not held up."""
    platform = Platform(
        tmp_path / "platform",
        broker,
        judge=lambda case: "unknown grid cell" if case.data.case_id == "case-2" else None,
    )
    platform.start()
    try:
        uploader = box.start()
        box.commit_many(range(5))
        box.wait_done(4)
        assert box.counts().dead == 1
        assert sorted(platform.ids()) == [f"case-{n}-r1" for n in (0, 1, 3, 4)]
        wait_until(lambda: uploader.status().dead == 1)
    finally:
        platform.stop()


def test_evidence_gone_or_altered(box: Box, platform: Platform) -> None:
    """The case goes without the file, others pass, and the row is done once the file is back."""
    platform.start()
    faulty = [make_draft(n, box.pictures) for n in (1, 2)]
    gone, altered = faulty[0].evidence[0].path, faulty[1].evidence[1].path
    contents = gone.read_bytes(), altered.read_bytes()
    gone.unlink()
    altered.write_bytes(b"something else")
    for draft in faulty:
        box.commit(draft)
    with structlog.testing.capture_logs() as logs:
        box.start()
        box.commit_many(range(3, 6))
        wait_until(lambda: box.counts().done == 3)
        wait_until(lambda: {"EVI-001", "EVI-002"} <= {line.get("code") for line in logs})
    assert sorted(platform.ids()) == expected_ids(range(3, 6))
    assert box.counts().pending == 2
    gone.write_bytes(contents[0])
    altered.write_bytes(contents[1])
    box.wait_done(5)
    assert_each_once(platform, range(1, 6))


def test_small_packets_and_a_case_too_large(tmp_path: Path) -> None:
    """The broker's packet limit shrinks the chunks; a case beyond it waits and blocks nobody."""
    broker = start_broker(tmp_path, max_packet_bytes=8_000)
    box, platform = Box(tmp_path / "box", broker), Platform(tmp_path / "platform", broker)
    try:
        with capture_logs() as logs:
            platform.start()
            uploader = box.start()
            large = Words("长" * 1000, "long " * 700)
            box.commit(replace(make_draft(0, box.pictures), reasons=(large,) * 3))
            box.commit_many(range(1, 4), size_bytes=60_000)
            wait_until(lambda: box.counts().done == 3)
            # Not last_error: that may already speak of a consumer that was late.
            wait_until(lambda: any(line.get("code") == "MQT-003" for line in list(logs)))
        assert_each_once(platform, range(1, 4))
        assert box.counts().pending == 1
        assert uploader.status().connected
    finally:
        box.close()
        platform.stop()
        broker.stop()


def test_shared_subscription(tmp_path: Path, broker: Broker, box: Box) -> None:
    """Two consumers of one group and one store share the work: each case is stored once."""
    twins = [Platform(tmp_path / "platform", broker, group="intake") for _ in range(2)]
    for twin in twins:
        twin.start()
    try:
        box.start()
        box.commit_many(range(20))
        box.wait_done(20)
        ids = twins[0].ids() + twins[1].ids()
        assert sorted(set(ids)) == sorted(expected_ids(range(20)))
    finally:
        for twin in twins:
            twin.stop()


def test_node_is_named_in_the_message(box: Box, platform: Platform) -> None:
    """The platform can tell which box a case came from."""
    platform.start()
    box.start()
    box.commit_many(range(1))
    box.wait_done(1)
    assert platform.told[0].source.endswith(f"/{NODE}")
