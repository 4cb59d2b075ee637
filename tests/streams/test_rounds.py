"""Patrolled cameras over a real RTSP server: visited, closed, and never in each other's way."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from edge.streams.backoff import Backoff
from edge.streams.beats import Budget, Patrolled
from edge.streams.pool import StreamPool
from edge.streams.rounds import Rounds
from edge.streams.source import Source
from tests.cameras import RtspServer
from tests.streams.test_pool import collect_until, seen, source, went_down


@contextmanager
def patrolling(
    *sources: Source,
    held: tuple[Source, ...] = (),
    looks_per_s: float = 50.0,
    streams: int = 4,
    visitors: tuple[int, ...] = (2, 2),
    looks: int = 1,
) -> Iterator[StreamPool]:
    rounds = Rounds(
        [Patrolled(s.camera_id, s.look_every_s, looks=looks) for s in sources],
        sources,
        Budget(looks_per_s, streams),
        time.monotonic(),
    )
    pool = StreamPool(
        held,
        cameras_per_worker=4,
        backoff=Backoff(0.2, 1.0),
        hang_after_s=6.0,
        rounds=rounds,
        visitors=visitors,
    )
    pool.start()
    try:
        yield pool
    finally:
        pool.stop()


def visited(name: str, url: str, every_s: float = 1.0) -> Source:
    return source(name, url, look_every_s=every_s, visit=True)


def test_cameras_take_turns_and_are_closed_in_between(rtsp: RtspServer) -> None:
    """Twelve cameras, four streams: each is seen again and again, never more than four are open."""
    cameras = [visited(f"cam-{i}", rtsp.url("clip"), every_s=3.0) for i in range(12)]
    most = 0
    looks: Counter[str] = Counter()
    with patrolling(*cameras) as pool:
        until = time.monotonic() + 40
        while time.monotonic() < until and (len(looks) < 12 or min(looks.values()) < 2):
            looks.update(frame.camera_id for frame in pool.collect(0.2).frames)
            assert pool.patrol is not None
            most = max(most, pool.patrol.open_streams)
    assert len(looks) == 12
    assert min(looks.values()) >= 2, looks
    assert 1 < most <= 4


def test_pictures_of_a_visit_say_so_and_are_counted(rtsp: RtspServer) -> None:
    """The sequence is the camera's own, over visits; up is told once."""
    with patrolling(visited("cam-1", rtsp.url("clip"), every_s=0.5)) as pool:
        total = collect_until(pool, seen("cam-1", 3))
    assert [frame.sequence for frame in total.frames[:3]] == [1, 2, 3]
    assert {frame.reason for frame in total.frames} == {"visit"}
    assert [change.state for change in total.changes if change.camera_id == "cam-1"] == ["up"]


def test_a_visit_may_take_several_looks(rtsp: RtspServer) -> None:
    """Three key frames, none replaced by the next, then nothing until the next visit."""
    with patrolling(visited("cam-1", rtsp.url("clip"), every_s=60.0), looks=3) as pool:
        total = collect_until(pool, seen("cam-1", 3))
        assert seen("cam-1", 3)(total)
        assert not collect_until(pool, seen("cam-1"), 3.0).frames


def test_failing_cameras_do_not_keep_others_waiting(rtsp: RtspServer) -> None:
    """A dead port, a server that accepts and says nothing: named, and the good one is on time."""
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        closed.bind(("127.0.0.1", 0))
        bad = [
            visited(f"mute-{i}", f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x") for i in range(8)
        ]
        bad += [
            visited(f"dead-{i}", f"rtsp://127.0.0.1:{closed.getsockname()[1]}/x") for i in range(8)
        ]
        good = visited("good", rtsp.url("clip"), every_s=2.0)
        with patrolling(good, *bad) as pool:
            total = collect_until(pool, lambda t: False, 25.0)
            assert pool.patrol is not None
            failing = pool.patrol.failing
    assert went_down("dead-0", "CAM-001")(total)
    assert failing["CAM-001"] == 8
    assert sum(failing.values()) == 16
    times = [frame.captured_at.timestamp() for frame in total.frames if frame.camera_id == "good"]
    late = [b - a for a, b in pairwise(times)]
    # The first round may be late: only then is it learned which cameras fail.
    assert max(late[3:]) < 4.0, late


def test_a_crash_costs_the_visits_under_way_and_no_held_camera(rtsp: RtspServer) -> None:
    held = source("held", rtsp.url("clip"))
    with patrolling(visited("cam-1", rtsp.url("clip")), held=(held,), visitors=(2,)) as pool:
        collect_until(pool, lambda t: seen("cam-1")(t) and seen("held")(t))
        (victim,) = set(pool.worker_pids) - set(pool.pids.values())
        os.kill(victim, signal.SIGSEGV)
        after = collect_until(
            pool, lambda t: seen("cam-1", 2)(t) and seen("held", 2)(t) and bool(t.restarts)
        )
    assert after.restarts == ["patrol"]
    assert seen("cam-1", 2)(after)
    assert not any(c.camera_id == "held" and c.state == "down" for c in after.changes)


def test_a_camera_over_which_workers_die_is_visited_by_a_worker_of_its_own(
    rtsp: RtspServer,
) -> None:
    """Two deaths during its visits make it a suspect; a good visit clears it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        bad = visited("bad", f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", every_s=0.5)
        with patrolling(bad, visitors=(1,)) as pool:
            for _ in range(2):
                collect_until(pool, lambda t: bool(_open(pool)))
                os.kill(pool.worker_pids[0], signal.SIGSEGV)
                total = collect_until(pool, lambda t: bool(t.restarts))
                assert went_down("bad", "CAM-008")(total)
            before = len(pool.worker_pids)
            collect_until(pool, lambda t: len(pool.worker_pids) > max(before, 1), 25.0)
            assert len(pool.worker_pids) == 2, "no worker of its own"


def _open(pool: StreamPool) -> int:
    return pool.patrol.open_streams if pool.patrol else 0


def test_a_hung_visit_is_killed_and_the_other_is_made_by_another_worker(rtsp: RtspServer) -> None:
    """A stopped worker says nothing: its visit fails, and the camera is seen again."""
    with patrolling(visited("cam-1", rtsp.url("clip"), every_s=0.5), visitors=(1,)) as pool:
        collect_until(pool, seen("cam-1"))
        os.kill(pool.worker_pids[0], signal.SIGSTOP)
        total = collect_until(pool, lambda t: bool(t.restarts) and seen("cam-1", 2)(t), 40)
    assert total.restarts == ["patrol"]
    assert seen("cam-1", 2)(total)


@pytest.mark.parametrize("visit", [True, False], ids=["patrolled", "held"])
def test_outside_its_hours_a_camera_is_closed_until_somebody_asks(
    rtsp: RtspServer, visit: bool
) -> None:
    camera = source("cam-1", rtsp.url("clip"), look_every_s=0.5, visit=visit)
    with (
        patrolling(camera) if visit else patrolling(visited("o", rtsp.url("clip")), held=(camera,))
    ) as pool:
        collect_until(pool, seen("cam-1"))
        pool.rest("cam-1", off=True)
        total = collect_until(pool, lambda t: False, 2.5)
        assert any(c.camera_id == "cam-1" and c.state == "resting" for c in total.changes)
        assert not [f for f in pool.collect(1.5).frames if f.camera_id == "cam-1"]
        pool.hurry("cam-1", every_s=0.5, for_s=3.0)
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))
        collect_until(pool, lambda t: False, 4.0)
        assert not [f for f in pool.collect(1.5).frames if f.camera_id == "cam-1"], "still on"
        pool.rest("cam-1", off=False)
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))


def test_a_box_that_cannot_keep_up_lengthens_every_revisit_alike(rtsp: RtspServer) -> None:
    """Nine looks a second are wanted, three there: thrice the revisit time, for every camera."""
    cameras = [visited(f"cam-{i}", rtsp.url("clip"), every_s=1.0) for i in range(9)]
    with patrolling(*cameras, looks_per_s=3.0, streams=9, visitors=(5, 4)) as pool:
        total = collect_until(pool, lambda t: len(t.frames) >= 54, 60.0)
        state = pool.patrol
    assert state is not None
    assert 2.5 < state.stretch < 6.0
    looks = Counter(frame.camera_id for frame in total.frames)
    assert max(looks.values()) - min(looks.values()) <= 3, looks


def test_a_budget_that_grows_shortens_the_revisits_again(rtsp: RtspServer) -> None:
    cameras = [visited(f"cam-{i}", rtsp.url("clip"), every_s=1.0) for i in range(3)]
    with patrolling(*cameras, looks_per_s=0.5) as pool:
        collect_until(pool, lambda t: len(t.frames) >= 2, 20.0)
        pool.budget(20.0)
        collect_until(pool, lambda t: len(t.frames) >= 12, 20.0)
        assert pool.patrol is not None
        assert pool.patrol.stretch < 1.5


@pytest.mark.slow
def test_two_hundred_failing_cameras_leave_the_others_their_revisit(rtsp: RtspServer) -> None:
    """Half refuse, half say nothing; twenty good ones are seen every 20 s all the while."""
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen(256)
        closed.bind(("127.0.0.1", 0))
        ports = silent.getsockname()[1], closed.getsockname()[1]
        bad = [
            visited(f"bad-{i}", f"rtsp://127.0.0.1:{ports[i % 2]}/x", every_s=20.0)
            for i in range(200)
        ]
        good = [visited(f"good-{i}", rtsp.url("clip"), every_s=20.0) for i in range(20)]
        with patrolling(*good, *bad, streams=16, visitors=(8, 8)) as pool:
            total = collect_until(pool, lambda t: False, 200.0)
            state = pool.patrol
    assert state is not None
    assert sum(state.failing.values()) == 200
    gaps = []
    for camera in good:
        times = [f.captured_at.timestamp() for f in total.frames if f.camera_id == camera.camera_id]
        gaps += [b - a for a, b in pairwise(times)][2:]
    assert len(gaps) >= 20 * 5
    assert max(gaps) <= 20.0 * max(state.stretch, 1.0) + 2.0, max(gaps)
    print(f"largest gap {max(gaps):.1f} s of 20, stretch {state.stretch:.2f}, {state.failing}")
