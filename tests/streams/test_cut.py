"""Clips of held streams, over a real RTSP server: there, broken off, or their worker dead."""

from __future__ import annotations

import io
import os
import signal
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.streams.messages import Collected, Cut
from tests.cameras import RtspServer, make_clip
from tests.streams.test_pool import collect_until, running, seen, source


def has_clip(total: Collected) -> bool:
    return bool(total.clips)


@pytest.fixture
def street(tmp_path: Path) -> RtspServer:
    clip = make_clip(tmp_path / "street.mp4", seconds=8)
    return RtspServer({"street": clip.with_suffix(".h264")})


@pytest.mark.timeout(120)
def test_cut_then_broken_off_then_dead(street: RtspServer) -> None:
    """Each wish has its answer, with a reason; only a dead worker gives none, and that is told."""
    camera = source("cam-1", street.url("street"), clip_s=6.0)
    try:
        with running(camera) as pool:
            pool.cut(Cut("no-such-camera", 6))
            collect_until(pool, seen("cam-1"))
            began = time.monotonic()
            pool.cut(Cut("cam-1", 6))
            (early,) = collect_until(pool, has_clip).clips
            assert early.began_at is None
            assert "are kept" in early.why
            collect_until(pool, lambda _t: time.monotonic() - began > 8)
            pool.cut(Cut("cam-1", 6))
            (clip,) = collect_until(pool, has_clip).clips
            assert 5 <= clip.seconds <= 6.5
            assert clip.began_at is not None
            shapes = {
                cv2.imdecode(np.frombuffer(data, np.uint8), 1).shape for data in clip.pictures
            }
            assert shapes == {(240, 320, 3)}
            pool.cut(Cut("cam-1", 6, as_it_came=True))
            (as_it_came,) = collect_until(pool, has_clip).clips
            with av.open(io.BytesIO(as_it_came.video)) as video:
                assert sum(1 for _ in video.decode(video=0)) >= 50
            street.kill()
            collect_until(pool, lambda t: any(c.state == "down" for c in t.changes))
            pool.cut(Cut("cam-1", 6))
            (broken,) = collect_until(pool, has_clip).clips
            assert broken.why == "only 0.0 s of its stream are kept"
            os.kill(pool.pids["cam-1"], signal.SIGKILL)
            pool.cut(Cut("cam-1", 6))
            died = collect_until(pool, lambda t: any(c.code == "CAM-008" for c in t.changes))
            assert not died.clips
    finally:
        street.stop()


@pytest.mark.timeout(60)
def test_nothing_is_kept_where_nobody_wants_clips(street: RtspServer) -> None:
    try:
        with running(source("cam-1", street.url("street"))) as pool:
            collect_until(pool, seen("cam-1"))
            pool.cut(Cut("cam-1", 6))
            (clip,) = collect_until(pool, has_clip).clips
            assert "switched off" in clip.why
    finally:
        street.stop()
