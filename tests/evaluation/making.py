"""Small scenarios, videos and pictures for these tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from ruamel.yaml import YAML

from edge.shipped import shipped
from edge.streams.frame import Image

FOOTAGE = shipped("demo") / "footage"
EAST_SIDE = [[0.61, 0.52], [1.0, 0.52], [1.0, 0.85], [0.573, 0.63]]


def key_frames(name: str) -> list[Image]:
    """The key frames of a demo clip, one a second."""
    with av.open(str(FOOTAGE / f"{name}.mp4")) as clip:
        stream = clip.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        return [frame.to_ndarray(format="bgr24") for frame in clip.decode(stream)]


def write_video(path: Path, images: Iterable[Image], *, fps: int = 25) -> Path:
    """An all-intra video whose own time means nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=fps)
        stream.pix_fmt = "yuvj420p"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            if number == 0:
                stream.width, stream.height = frame.width, frame.height
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def noise(count: int, seed: int = 0) -> list[Image]:
    """Pictures of one still, grainy place, 64 x 48."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(40, 200, (48, 64, 3), np.uint8)
    return [ground.copy() for _ in range(count)]


def scenario(**changed: Any) -> dict[str, Any]:
    """A scenario document that is in order; a value of ``...`` takes a field out."""
    zone = {"id": "kerb", "watch": "street_vending", "polygon": EAST_SIDE, "dwell_s": 12}
    document: dict[str, Any] = {
        "name": "made",
        "video": "made.avi",
        "split": "report",
        "kind": "street_vending",
        "starts_at": "2026-06-01T09:00:00+08:00",
        "cadence_s": 2.0,
        "camera": {"position": {"lon": 114.4128, "lat": 30.3405}, "zones": [zone]},
        "truth": [{"category": "street_vending", "zone": "kerb", "from": 4, "to": 16}],
    }
    document |= changed
    return {key: value for key, value in document.items() if value is not ...}


def write_scenario(folder: Path, document: dict[str, Any], name: str = "made.yaml") -> Path:
    """Write a scenario, and beside it a video of ten pictures when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "made.avi").exists():
        write_video(folder / "made.avi", noise(10))
    with (folder / name).open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(document, file)
    return folder / name
