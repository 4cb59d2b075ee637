"""Whatever is killed, and whenever: every committed revision takes effect exactly once.

The verdict compares two ledgers that know nothing of each other: what the box's own database
says it committed, and what the consumer printed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.evidence.checkpoint import load_checkpoints
from edge.evidence.verify import Verifier
from tests.brokers import Broker, start_broker
from tests.cameras import RtspServer
from tests.e2e.edge import ZONES, Edge, Platform, make_story, until, write_config

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    story = make_story(tmp_path_factory.mktemp("story") / "story.mp4")
    server = RtspServer({"story": story.with_suffix(".h264")})
    yield server
    server.stop()


@contextmanager
def chain(folder: Path, urls: list[str]) -> Iterator[tuple[Edge, Platform, Broker]]:
    """Broker, consumer and edge, all ended afterwards."""
    broker = start_broker(folder)
    platform = Platform(folder / "platform", broker.port)
    edge = Edge(write_config(folder, urls, broker.port))
    try:
        yield edge, platform, broker
    finally:
        edge.kill()
        platform.stop()
        broker.stop()


def settle(edge: Edge, platform: Platform) -> None:
    """Let the box run until everything committed has arrived, then stop it and check."""
    assert until(lambda: len(set(edge.committed()) - set(platform.received())) <= 1, 60)
    edge.stop()
    time.sleep(1.5)
    edge.start()  # once more, so that what the stop left behind is delivered
    assert until(lambda: set(edge.committed()) <= set(platform.received()), 60)
    edge.stop()
    assert until(lambda: set(edge.committed()) == set(platform.received()), 10)


def assert_each_once(edge: Edge, platform: Platform, cameras: int) -> None:
    committed, received = edge.committed(), platform.received()
    assert len(committed) == len(set(committed))
    assert set(received) == set(committed), "lost, or never committed"
    assert set(received.values()) == {1}, "a revision took effect twice"
    cases = {case_id for case_id, _ in committed}
    assert len(cases) == cameras * len(ZONES), "a place was given a second case"
    for case_id in cases:
        revisions = sorted(revision for c, revision in committed if c == case_id)
        assert revisions == list(range(1, len(revisions) + 1))
    points = [p for path in platform.folder.glob("checkpoints/*") for p in load_checkpoints(path)]
    assert points, "the platform was told of no checkpoint"
    assert not Verifier(checkpoints=points).check(edge.state).findings
    assert not Verifier(checkpoints=points).check(platform.folder / "cases").findings
    for event in platform.events:
        assert len(event["pictures"]) == len(event["event"]["data"]["evidence"])
        assert all(Path(picture).stat().st_size > 0 for picture in event["pictures"])


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [50, pytest.param(300, marks=pytest.mark.slow)])
def test_edge_killed(street: RtspServer, tmp_path: Path, kills: int) -> None:
    """SIGKILL at random moments: start-up, learning, committing, sending."""
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    moments = random.Random(seed)
    with chain(tmp_path, [street.url("story")] * 2) as (edge, platform, _):
        # The first life is long enough to learn the backgrounds and see every place once.
        assert until(lambda: len({c for c, _ in edge.committed()}) == 2 * len(ZONES), 60)
        longest = 5.0
        for life in range(kills):
            edge.kill()
            edge.start()
            time.sleep(moments.uniform(0.3, longest))
            if len(edge.committed()) < life / 2:  # a busy machine: it hardly gets to its work
                longest = min(longest * 1.1, 20.0)
        settle(edge, platform)
        assert len(edge.committed()) > kills / 2, "too little happened to prove anything"
        assert_each_once(edge, platform, cameras=2)
        print(f"{kills} kills, {len(edge.committed())} revisions, each once")


@pytest.mark.timeout(300)
def test_broker_away_for_a_minute(street: RtspServer, tmp_path: Path) -> None:
    """Cases go on being made; all of them arrive once when the broker is back."""
    with chain(tmp_path, [street.url("story")]) as (edge, platform, broker):
        assert until(lambda: len(platform.received()) >= len(ZONES), 60)
        broker.stop()
        before = len(edge.committed())
        time.sleep(60)
        assert len(edge.committed()) > before, "the box stopped working without its broker"
        broker.start()
        settle(edge, platform)
        assert_each_once(edge, platform, cameras=1)


@pytest.mark.timeout(200)
def test_stream_workers_killed_while_cases_are_made(street: RtspServer, tmp_path: Path) -> None:
    """SIGKILL every child of the edge a few times: no case is lost, none made twice."""
    with chain(tmp_path, [street.url("story")]) as (edge, platform, _):
        assert until(lambda: len(platform.received()) >= len(ZONES), 60)
        for _ in range(4):
            for child in children_of(edge.process.pid):
                os.kill(child, signal.SIGKILL)
            time.sleep(2.5)
        assert edge.process.poll() is None, "the core died with its worker"
        settle(edge, platform)
        assert_each_once(edge, platform, cameras=1)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    commands = {c: Path(f"/proc/{c}/cmdline").read_bytes() for c in listed}
    return [int(c) for c, command in commands.items() if b"spawn_main" in command]
