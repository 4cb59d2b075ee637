"""A vending case of a held camera ends with a clip: cut, made safe, sealed, delivered, kept."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.brokers import start_broker
from tests.cameras import RtspServer, has_gstreamer, to_annex_b
from tests.e2e.edge import ROOT, Edge, Platform, until

pytestmark = pytest.mark.e2e

FOOTAGE = ROOT / "examples/demo/footage/vending.mp4"
ZONE = {
    "id": "east-side",
    "watch": "street_vending",
    "polygon": [[0.61, 0.52], [1.0, 0.52], [1.0, 0.85], [0.573, 0.63]],
    "dwell_s": 8,
    "gone_after_s": 600,
    "anchor": [114.41285, 30.34055],
}


def as_h265(path: Path) -> Path:
    """The footage as a newer camera would code it."""
    with av.open(str(FOOTAGE)) as source, av.open(str(path), "w", format="hevc") as out:
        video = source.streams.video[0]
        stream = out.add_stream("libx265", rate=10)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        params = "keyint=10:bframes=0:scenecut=0:slices=1:repeat-headers=1:log-level=none:pools=1"
        stream.options = {"preset": "ultrafast", "x265-params": params}
        for frame in source.decode(video):
            frame.pts = None
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def configured(folder: Path, url: str, port: int, redaction: str) -> Path:
    document = {
        "box": {"id": "box-01", "city": "420111", "state_dir": str(folder / "state")},
        "mqtt": {"host": "127.0.0.1", "port": port, "receipt_timeout_s": 5},
        "grid": {"cells": str(ROOT / "configs/grid.geojson")},
        "detectors": {"static": {"learn_s": 8, "stay_s": 6}, "text": {"enabled": False}},
        "evidence": {"redaction": redaction, "clip": {"seconds": 8}},
        "console": {"enabled": False},
        "cameras": [
            {
                "id": "cam-1",
                "url": url,
                "position": {"lon": 114.4128, "lat": 30.3405},
                "look_every_s": 1,
                "zones": [ZONE],
            }
        ],
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return path


def clips_at(platform: Platform) -> list[dict[str, Any]]:
    """What the platform was told of clips."""
    data = [event["event"]["data"] for event in list(platform.events)]
    return [item for case in data for item in case["evidence"] if item["role"] == "clip"]


def shown(data: bytes) -> tuple[list[np.ndarray[Any, Any]], float]:
    """Every picture of a clip, and how many seconds it lasts."""
    with av.open(io.BytesIO(data)) as clip:
        pictures = [frame.to_ndarray(format="bgr24") for frame in clip.decode(video=0)]
        assert clip.duration is not None
        return pictures, clip.duration / av.time_base


@pytest.mark.timeout(400)
@pytest.mark.skipif(not has_gstreamer(), reason="a raw H.265 stream is served by GStreamer only")
@pytest.mark.parametrize(
    ("codec", "redaction", "media_type"),
    [
        ("h264", "face+plate", "video/webm"),
        ("h265", "face+plate", "video/webm"),
        ("h265", "none", "video/mp4"),
        ("h264", "none", "video/mp4"),
    ],
)
def test_a_vending_case_ends_with_a_clip(
    tmp_path: Path, codec: str, redaction: str, media_type: str
) -> None:
    raw = tmp_path / f"vending.{codec}"
    if codec == "h264":
        to_annex_b(FOOTAGE, raw)
    else:
        as_h265(raw)
    camera, broker = RtspServer({"street": raw}), start_broker(tmp_path)
    platform = Platform(tmp_path / "platform", broker.port)
    edge = Edge(configured(tmp_path, camera.url("street"), broker.port, redaction))
    try:
        assert until(lambda: bool(clips_at(platform)), 240), edge.log.read_text()[-4000:]
    finally:
        edge.stop()
        platform.stop()
        broker.stop()
        camera.stop()
    (told,) = clips_at(platform)
    assert told["media_type"] == media_type
    (path,) = (edge.state / "evidence").glob("*/r*/clip.*")
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == told["sha256"]
    manifest = json.loads((path.parent / "manifest.json").read_text())
    assert told["sha256"] in json.dumps(manifest)
    received = [p for p in (tmp_path / "platform").rglob("*") if p.is_file()]
    assert any(p.read_bytes() == data for p in received), "the platform has it, byte for byte"
    pictures, seconds = shown(data)
    assert 5 <= seconds <= 15
    assert len(pictures) >= 25
    assert pictures[0].shape[1] == 768
    if media_type == "video/mp4":
        with av.open(io.BytesIO(data)) as clip:
            name = clip.streams.video[0].codec_context.name
        assert name == {"h264": "h264", "h265": "hevc"}[codec], "not coded anew"
    verify = [sys.executable, "-m", "edge.cli", "verify", str(path.parent)]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    broken = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert path.name in broken.stdout + broken.stderr
    cv2.imwrite(str(tmp_path / "middle.png"), pictures[len(pictures) // 2])
