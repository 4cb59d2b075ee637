"""Workers, restarts and failing cameras, over a real RTSP server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.streams.backoff import Backoff
from edge.streams.messages import Collected
from edge.streams.pool import StreamPool
from edge.streams.source import Source
from tests.cameras import RtspServer

HALF = b"the first half of the good clip"


def source(camera_id: str, url: str | Path, **changes: object) -> Source:
    defaults = {
        "look_every_s": 0.5,
        "visit": False,
        "open_timeout_s": 3.0,
        "read_timeout_s": 2.0,
    }
    return Source(camera_id, str(url), **(defaults | changes))  # type: ignore[arg-type]


@contextmanager
def running(*sources: Source, per_worker: int = 4) -> Iterator[StreamPool]:
    pool = StreamPool(
        sources, cameras_per_worker=per_worker, backoff=Backoff(0.2, 1.0), hang_after_s=10.0
    )
    pool.start()
    try:
        yield pool
    finally:
        pool.stop()


def collect_until(
    pool: StreamPool, done: Callable[[Collected], bool], timeout_s: float = 20.0
) -> Collected:
    """Everything collected until the condition holds for the sum of it."""
    total = Collected()
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and not done(total):
        got = pool.collect(0.2)
        total.frames += got.frames
        total.changes += got.changes
        total.restarts += got.restarts
        total.missed += got.missed
        total.clips += got.clips
        for camera, count in got.dropped.items():
            total.dropped[camera] = total.dropped.get(camera, 0) + count
    return total


def seen(camera: str, at_least: int = 1) -> Callable[[Collected], bool]:
    return lambda total: sum(f.camera_id == camera for f in total.frames) >= at_least


def went_down(camera: str, code: str) -> Callable[[Collected], bool]:
    return lambda total: any(
        c.camera_id == camera and c.state == "down" and c.code == code for c in total.changes
    )


def test_key_frames_arrive_from_rtsp(rtsp: RtspServer) -> None:
    """Only key frames, one a second here, with the picture's real size."""
    with running(source("cam-1", rtsp.url("clip"))) as pool:
        total = collect_until(pool, seen("cam-1", 3))
    assert [f.image.shape for f in total.frames[:3]] == [(240, 320, 3)] * 3
    assert total.frames[0].reason == "key_frame"
    gaps = [
        (b.captured_at - a.captured_at).total_seconds()
        for a, b in zip(total.frames[:-1], total.frames[1:], strict=True)
    ]
    assert all(gap > 0.5 for gap in gaps), gaps


def test_a_crashed_worker_costs_only_its_own_cameras(rtsp: RtspServer) -> None:
    """SIGSEGV one worker: its camera comes back, the other never notices."""
    cameras = [source("cam-1", rtsp.url("clip")), source("cam-2", rtsp.url("clip"))]
    with running(*cameras, per_worker=1) as pool:
        collect_until(pool, lambda t: seen("cam-1")(t) and seen("cam-2")(t))
        victim, bystander = pool.pids["cam-1"], pool.pids["cam-2"]
        os.kill(victim, signal.SIGSEGV)
        after = collect_until(pool, lambda t: bool(t.restarts) and seen("cam-1", 2)(t))
        assert went_down("cam-1", "CAM-008")(after)
        assert not any(c.camera_id == "cam-2" and c.state == "down" for c in after.changes)
        assert seen("cam-1", 2)(after)
        assert pool.pids["cam-1"] != victim
        assert pool.pids["cam-2"] == bystander


def test_a_group_that_keeps_crashing_is_taken_apart(rtsp: RtspServer) -> None:
    """After the second crash each camera has a process of its own."""
    cameras = [source("cam-1", rtsp.url("clip")), source("cam-2", rtsp.url("clip"))]
    with running(*cameras, per_worker=2) as pool:
        for _ in range(2):
            collect_until(pool, lambda t: seen("cam-1")(t) and seen("cam-2")(t))
            assert pool.pids["cam-1"] == pool.pids["cam-2"]
            os.kill(pool.pids["cam-1"], signal.SIGSEGV)
            collect_until(pool, lambda t: bool(t.restarts))
        back = collect_until(pool, lambda t: seen("cam-1")(t) and seen("cam-2")(t))
        assert seen("cam-1")(back)
        assert seen("cam-2")(back)
        assert pool.pids["cam-1"] != pool.pids["cam-2"]


def test_a_hung_worker_is_killed_and_restarted(rtsp: RtspServer) -> None:
    """A stopped process sends no beat: it is replaced."""
    pool = StreamPool(
        [source("cam-1", rtsp.url("clip"))],
        cameras_per_worker=1,
        backoff=Backoff(0.2, 1.0),
        hang_after_s=3.0,
    )
    pool.start()
    try:
        collect_until(pool, seen("cam-1"))
        os.kill(pool.pids["cam-1"], signal.SIGSTOP)
        total = collect_until(pool, lambda t: bool(t.restarts) and seen("cam-1", 2)(t), 30)
        assert went_down("cam-1", "CAM-009")(total)
        assert seen("cam-1", 2)(total)
    finally:
        pool.stop()


def test_a_stalled_server_times_out_and_comes_back(rtsp: RtspServer) -> None:
    """SIGSTOP the server: a read time-out, then pictures again after SIGCONT."""
    with running(source("cam-1", rtsp.url("clip"))) as pool:
        collect_until(pool, seen("cam-1"))
        rtsp.freeze()
        stalled = collect_until(pool, went_down("cam-1", "CAM-004"), 15)
        assert went_down("cam-1", "CAM-004")(stalled)
        rtsp.thaw()
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))


def test_a_killed_server_is_reconnected(rtsp: RtspServer) -> None:
    """A killed server ends the stream without an exception: still a failure, still mended."""
    with running(source("cam-1", rtsp.url("clip"))) as pool:
        collect_until(pool, seen("cam-1"))
        rtsp.kill()
        gone = collect_until(pool, went_down("cam-1", "CAM-001"), 15)
        assert went_down("cam-1", "CAM-001")(gone)
        rtsp.start()
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "CAM-006"),
        (b"no video at all" * 50, "CAM-006"),
        (HALF, "CAM-006"),
        (None, "CAM-007"),
    ],
    ids=["zero-length", "garbage", "truncated", "missing"],
)
def test_bad_files_are_named_and_cost_nobody_else(
    tmp_path: Path, clip: Path, content: bytes | None, code: str
) -> None:
    """The bad camera is told by code; the good one in the same worker goes on."""
    bad = tmp_path / "bad.mp4"
    if content is not None:
        whole = clip.read_bytes()
        bad.write_bytes(whole[: len(whole) // 2] if content is HALF else content)
    with running(source("bad", bad), source("good", clip)) as pool:
        total = collect_until(pool, lambda t: went_down("bad", code)(t) and seen("good", 2)(t))
    assert went_down("bad", code)(total), total.changes
    assert seen("good", 2)(total)


def test_a_truncated_video_gives_what_it_has(tmp_path: Path, clip: Path) -> None:
    """Half a transport stream plays to its end and starts again; nothing crashes."""
    cut = tmp_path / "cut.h264"
    whole = clip.with_suffix(".h264").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    with running(source("cam-1", cut)) as pool:
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))


def test_a_folder_of_pictures_is_a_camera(tmp_path: Path) -> None:
    """Pictures replay in order and again; one that cannot be read is passed over."""
    for number in range(3):
        picture = np.full((90, 160, 3), 40 * (number + 1), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    (tmp_path / "1b.jpg").write_bytes(b"broken")
    with running(source("cam-1", tmp_path, look_every_s=0.1)) as pool:
        total = collect_until(pool, seen("cam-1", 5))
    levels = [int(frame.image[0, 0, 0]) for frame in total.frames[:5]]
    assert levels[:4] == [40, 80, 120, 40]


def test_newest_wins_and_drops_are_counted(tmp_path: Path) -> None:
    """A core that looks away finds the newest picture, not a queue."""
    for number in range(40):
        cv2.imwrite(
            str(tmp_path / f"{number:02d}.png"), np.full((90, 160, 3), number * 5, np.uint8)
        )
    with running(source("cam-1", tmp_path, look_every_s=0.1)) as pool:
        before = collect_until(pool, seen("cam-1", 2))
        time.sleep(1.5)
        after = collect_until(pool, seen("cam-1", 1))
    jump = after.frames[0].sequence - before.frames[-1].sequence
    assert jump > 5, "pictures were queued instead of dropped"
    assert after.dropped["cam-1"] == jump - 1


def test_workers_end_with_the_core(clip: Path) -> None:
    """Stopping leaves no process behind."""
    with running(source("cam-1", clip)) as pool:
        collect_until(pool, seen("cam-1"))
        pid = pool.pids["cam-1"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("visit", [True, False], ids=["patrolled", "held"])
def test_a_camera_is_looked_at_now_when_somebody_asks(rtsp: RtspServer, visit: bool) -> None:
    """Its next look would come in ten minutes: asked to hurry, it comes now, and more follow."""
    camera = source("cam-1", rtsp.url("clip"), look_every_s=600.0, visit=visit)
    with running(camera) as pool:
        assert seen("cam-1")(collect_until(pool, seen("cam-1")))
        assert not collect_until(pool, seen("cam-1"), 2.0).frames, "it is not its time yet"
        pool.hurry("cam-1", every_s=0.5, for_s=30.0)
        assert seen("cam-1", 3)(collect_until(pool, seen("cam-1", 3)))


def test_hurrying_an_unknown_camera_changes_nothing(rtsp: RtspServer) -> None:
    with running(source("cam-1", rtsp.url("clip"))) as pool:
        pool.hurry("cam-9", every_s=0.5, for_s=30.0)
        assert seen("cam-1", 2)(collect_until(pool, seen("cam-1", 2)))
