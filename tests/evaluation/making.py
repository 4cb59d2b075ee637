"""Small scenarios, videos and pictures for these tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow
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


def always_finds(
    folder: Path, boxes: Iterable[tuple[int, float, float, float, float, float]]
) -> Path:
    """A model folder that finds the same boxes on any picture: class, x0, y0, x1, y1, score.

    Two classes, ``bag`` and ``heap``; ``heap`` has no meaning. Input 64 x 64, layout yolov8.
    """
    folder.mkdir(parents=True, exist_ok=True)
    output = np.zeros((1, 6, 84), np.float32)
    for row, (index, x0, y0, x1, y1, score) in enumerate(boxes):
        output[0, :4, row] = (32 * (x0 + x1), 32 * (y0 + y1), 64 * (x1 - x0), 64 * (y1 - y0))
        output[0, 4 + index, row] = score
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["fixed", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 6, 84])],
        [
            numpy_helper.from_array(output, "fixed"),
            numpy_helper.from_array(np.zeros((), np.float32), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    card = f"""
name = "made"
version = "1"
file = "model.onnx"
sha256 = "{digest}"
licence = "none"
source = "test"
[input]
name = "images"
width = 64
height = 64
colour = "rgb"
[output]
layout = "yolov8"
classes = ["bag", "heap"]
[thresholds]
score = 0.5
[meanings]
bag = "rubbish_bag"
"""
    (folder / "model.toml").write_text(card, encoding="utf-8")
    return folder


def write_photos(
    folder: Path, labels: dict[str, str], names: str = "[bag]", size: tuple[int, int] = (64, 64)
) -> Path:
    """``images/``, ``labels/`` and ``data.yaml``; one grey picture for each label text."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "labels").mkdir(exist_ok=True)
    for stem, text in labels.items():
        Pillow.new("RGB", size, (120, 130, 140)).save(folder / "images" / f"{stem}.jpg")
        (folder / "labels" / f"{stem}.txt").write_text(text, encoding="utf-8")
    (folder / "data.yaml").write_text(f"names: {names}\n", encoding="utf-8")
    return folder
