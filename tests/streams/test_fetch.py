"""One picture of a main stream beside a held sub-stream, over a real RTSP server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.streams.probe import probe_all
from tests.cameras import RtspServer, make_clip
from tests.streams.test_pool import collect_until, running, seen, source


@pytest.fixture(scope="module")
def two_mounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    folder = tmp_path_factory.mktemp("two")
    server = RtspServer(
        {
            "sub": make_clip(folder / "sub.mp4").with_suffix(".h264"),
            "main": make_clip(folder / "main.mp4", size=(1280, 720)).with_suffix(".h264"),
        }
    )
    yield server
    server.stop()


def test_one_large_picture_comes_between_small_looks(two_mounts: RtspServer) -> None:
    camera = source("cam-1", two_mounts.url("sub"), evidence_url=two_mounts.url("main"))
    with running(camera) as pool:
        before = collect_until(pool, seen("cam-1", 2))
        assert {(f.reason, f.image.shape) for f in before.frames} == {("key_frame", (240, 320, 3))}
        pool.fetch("cam-1")
        pool.fetch("cam-1")  # the one under way is enough
        after = collect_until(pool, lambda t: "evidence" in {f.reason for f in t.frames})
        after.frames += collect_until(pool, seen("cam-1", 3)).frames
        fetched = [f for f in after.frames if f.reason == "evidence"]
        assert [f.image.shape for f in fetched] == [(720, 1280, 3)]
        assert {f.image.shape for f in after.frames if f not in fetched} == {(240, 320, 3)}
        assert not after.missed
        assert not any(change.state == "down" for change in after.changes)
        pool.fetch("cam-1")
        again = collect_until(pool, lambda t: "evidence" in {f.reason for f in t.frames})
        assert again.frames[-1].reason == "evidence"


def test_a_dead_main_stream_costs_no_look(two_mounts: RtspServer) -> None:
    camera = source("cam-1", two_mounts.url("sub"), evidence_url="rtsp://u:pw@127.0.0.1:9/main")
    with running(camera) as pool:
        collect_until(pool, seen("cam-1"))
        pool.fetch("cam-1")
        total = collect_until(pool, lambda t: bool(t.missed))
        (missed,) = total.missed
        assert (missed.camera_id, missed.code) == ("cam-1", "CAM-001")
        assert "pw" not in missed.detail
        more = collect_until(pool, seen("cam-1", 2))
        assert seen("cam-1", 2)(more)
        assert not any(change.state == "down" for change in (*total.changes, *more.changes))


def test_a_camera_with_one_stream_is_asked_in_vain(two_mounts: RtspServer) -> None:
    with running(source("cam-1", two_mounts.url("sub"))) as pool:
        collect_until(pool, seen("cam-1"))
        pool.fetch("cam-1")
        pool.fetch("no-such-camera")
        total = collect_until(pool, seen("cam-1", 3))
        assert {f.reason for f in total.frames} == {"key_frame"}


def test_both_streams_are_probed(two_mounts: RtspServer) -> None:
    dead = two_mounts.url("main").replace("main", "none")
    probes = probe_all(
        [
            source("both", two_mounts.url("sub"), evidence_url=two_mounts.url("main")),
            source("one", two_mounts.url("sub"), evidence_url=dead),
            source("single", two_mounts.url("sub")),
        ]
    )
    told = [(p.camera_id, p.stream, p.width, p.works) for p in probes]
    assert told == [
        ("both", "sub", 320, True),
        ("both", "main", 1280, True),
        ("one", "sub", 320, True),
        ("one", "main", 0, False),
        ("single", "", 320, True),
    ]
