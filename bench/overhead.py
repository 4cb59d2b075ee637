"""CPU of a look in the product against the sum of its bare parts.

    .venv/bin/python -m bench.overhead

Bare: PyAV decodes the key frame to BGR, OpenCV lays it into the model's input (as small as the
product's), ONNX Runtime runs, with the same threads. The product: a stream worker, the pipe, the
pipeline with its rules and cases, all in the processes they run in, gate off. Runs take turns.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import av
import cv2
import numpy as np

from bench.footage import SIZE
from edge.app.build import Rooms, build_rooms
from edge.config.model import Settings
from edge.detectors.objects import ObjectDetector
from edge.shipped import shipped

LOOKS, EVERY_S, WARM_UP = 40, 0.2, 5
_ZONE = [[0.0, 0.3], [1.0, 0.3], [1.0, 1.0], [0.0, 1.0]]
_CELL = [[114.3, 30.2], [114.5, 30.2], [114.5, 30.5], [114.3, 30.5], [114.3, 30.2]]


def make_key_frames(path: Path) -> None:
    """Key frames alone, at the rate of a camera's: five a second of 2 Mbit each second's worth."""
    with av.open(str(shipped("demo") / "footage/clear.mp4")) as source:
        frames = [f.to_ndarray(format="bgr24") for f in source.decode(video=0)][: LOOKS + WARM_UP]
    noise = np.random.default_rng(1).integers(0, 6, (SIZE[1], SIZE[0], 3), np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=round(1 / EVERY_S))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"g": "1", "bf": "0", "preset": "veryfast", "crf": "26"}
        for frame in frames:
            image = cv2.add(cv2.resize(frame, SIZE, interpolation=cv2.INTER_LINEAR), noise)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        out.mux(stream.encode())


def bare(clip: Path, model: ObjectDetector) -> float:
    """CPU seconds a look of decoding, letterbox and inference alone."""
    wanted, session = model.card.input, model.session
    mean, std = np.array(wanted.mean, np.float32), np.array(wanted.std, np.float32)
    looks, began = 0, time.process_time()
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            wanted = model.card_for(image).input
            scale = min(wanted.width / image.shape[1], wanted.height / image.shape[0])
            inner = cv2.resize(image, None, fx=scale, fy=scale)
            canvas = np.full((wanted.height, wanted.width, 3), wanted.pad, np.uint8)
            canvas[: inner.shape[0], : inner.shape[1]] = inner
            blob = np.ascontiguousarray(((canvas - mean) / std).transpose(2, 0, 1)[None])
            session.run(None, {wanted.name: blob})
            looks += 1
    return (time.process_time() - began) / looks


def product(clip: Path, *, static: bool) -> float:
    """CPU seconds a look of the worker and the core together."""
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-") as folder:
        rooms = build_rooms(_settings(clip, Path(folder), static=static))
        rooms.pool.start()
        try:
            return _looks(rooms)
        finally:
            rooms.close()


def _looks(rooms: Rooms) -> float:
    pipeline = rooms.pipeline(lambda _stage, _seconds: None)
    seen, before = 0, 0.0
    while seen < LOOKS:
        frames = rooms.pool.collect(0.25).frames
        pipeline.analyse(frames)
        seen += len(frames)
        if not before and seen >= WARM_UP:
            before, seen = _cpu_s(rooms), 0
    return (_cpu_s(rooms) - before) / seen


def _cpu_s(rooms: Rooms) -> float:
    total = time.process_time()
    for pid in set(rooms.pool.pids.values()):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _settings(clip: Path, folder: Path, *, static: bool) -> Settings:
    cells = folder / "grid.geojson"
    feature = {
        "type": "Feature",
        "properties": {"code": "420111001001001"},
        "geometry": {"type": "Polygon", "coordinates": [_CELL]},
    }
    cells.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    return Settings.model_validate(
        {
            "box": {"id": "bench", "city": "420111", "state_dir": folder / "state"},
            "mqtt": {"host": "127.0.0.1"},
            "grid": {"cells": cells},
            "detectors": {
                "gate": {"enabled": False},
                "static": {"enabled": static},
                "object": {"models": ["coco-nanodet"], "provider": "cpu", "threads": 1},
            },
            "cameras": [
                {
                    "id": "bench",
                    "url": str(clip),
                    "look_every_s": EVERY_S,
                    "position": {"lon": 114.41, "lat": 30.34},
                    "zones": [
                        {"id": "road", "watch": "street_vending", "polygon": _ZONE, "dwell_s": 3600}
                    ],
                }
            ],
        }
    )


def overhead(folder: Path, runs: int) -> dict[str, float]:
    """Medians of both sides in ms a look, and their ratio."""
    clip = folder / "keys.mp4"
    make_key_frames(clip)
    model = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu", threads=1)
    sides: dict[str, list[float]] = {"bare": [], "product": [], "with_static": []}
    for _ in range(runs):
        sides["bare"].append(bare(clip, model))
        sides["product"].append(product(clip, static=False))
        sides["with_static"].append(product(clip, static=True))
    ms = {f"{side}_ms": statistics.median(found) * 1000 for side, found in sides.items()}
    ratios = [ours / theirs for ours, theirs in zip(sides["product"], sides["bare"], strict=True)]
    return {name: round(value, 1) for name, value in ms.items()} | {
        "overhead": round(statistics.median(ratios), 3)
    }


if __name__ == "__main__":
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(overhead(Path(place), 5)))
