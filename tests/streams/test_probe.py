"""``gridpatrol check``: which cameras work, and why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.streams.probe import probe_all
from tests.cameras import RtspServer, has_gstreamer
from tests.streams.test_pool import source


def test_a_good_camera_is_measured(rtsp: RtspServer) -> None:
    """Codec, size and key-frame interval are those of the clip."""
    (probe,) = probe_all([source("cam-1", rtsp.url("clip"))])
    assert probe.works, probe
    assert (probe.codec, probe.width, probe.height) == ("h264", 320, 240)
    assert probe.key_interval_s == pytest.approx(1.0, abs=0.4)


def test_every_fault_is_named(rtsp: RtspServer, tmp_path: Path, clip: Path) -> None:
    """One bad camera does not hide another; good ones stay good."""
    empty = tmp_path / "empty.mp4"
    empty.touch()
    probes = probe_all(
        [
            source("good", rtsp.url("clip")),
            source("file", clip),
            source("refused", "rtsp://127.0.0.1:9/x"),
            source("missing", tmp_path / "missing.mp4"),
            source("empty", empty),
        ]
    )
    assert [p.code for p in probes] == ["", "", "CAM-001", "CAM-007", "CAM-006"]


@pytest.mark.skipif(not has_gstreamer(), reason="the embedded server knows no log-ins")
def test_wrong_password_and_audio_only(clip: Path) -> None:
    """401 and a stream without video are told apart from a dead camera."""
    server = RtspServer(
        {"clip": clip.with_suffix(".h264"), "talk": Path("audio")}, user="edge", password="s3cret"
    )
    try:
        probes = probe_all(
            [
                source("right", server.url("clip", "edge:s3cret@")),
                source("wrong", server.url("clip", "edge:nonsense@")),
                source("audio", server.url("talk", "edge:s3cret@")),
                source("nowhere", server.url("clip", "edge:s3cret@").replace("clip", "other")),
            ]
        )
    finally:
        server.stop()
    assert [p.code for p in probes] == ["", "CAM-002", "CAM-003", "CAM-007"]
    assert all("s3cret" not in p.problem and "nonsense" not in p.problem for p in probes)
