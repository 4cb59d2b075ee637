"""Cost of watching a camera: gridpatrol's way against the loops most people would write.

    make bench            # or: .venv/bin/python bench/looks.py --runs 5

Same footage (1080p, 25 frames a second, a key frame every 2 s, H.264), same model, same machine,
one after the other in one run, each run in turn so that a noisy neighbour hits all alike:

* ``every frame``: OpenCV's VideoCapture, every frame decoded, the model on each;
* ``one a second``: the same loop with the model on one frame a second;
* ``gridpatrol``: key frames only through ``edge.streams``, the model on each.

CPU seconds are of the whole process, all threads (getrusage): they say how many cameras a core
carries, whatever the number of cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np

from edge.detectors.base import Look
from edge.detectors.objects import ObjectDetector
from edge.shipped import shipped
from edge.streams.frame import Frame, Image
from edge.streams.source import Source, key_frames, open_container

FPS, GOP_S, SECONDS = 25, 2, 20
SIZE = (1920, 1080)


@dataclass(frozen=True)
class Cost:
    """What one pass over the clip took."""

    cpu_s: float
    wall_s: float
    looks: int
    people: int


def make_clip(path: Path) -> None:
    """The demo's footage as a street camera would send it."""
    rng = np.random.default_rng(1)
    with av.open(str(shipped("demo") / "footage/clear.mp4")) as source:
        frames = [f.to_ndarray(format="bgr24") for f in source.decode(video=0)][: SECONDS * 10]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {
            "g": str(FPS * GOP_S), "bf": "0", "sc_threshold": "0", "preset": "veryfast", "b": "4M",
        }  # fmt: skip
        for number in range(SECONDS * FPS):
            image = cv2.resize(frames[number * 10 // FPS], SIZE, interpolation=cv2.INTER_CUBIC)
            image = cv2.add(image, rng.integers(0, 6, image.shape, np.uint8))
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def analyse(detector: ObjectDetector, image: Image) -> int:
    """One look; returns the people seen, so that no way may skip the work."""
    frame = Frame("bench", datetime.now(UTC), image, "key_frame", 0)
    return sum(d.meaning == "person" for d in detector.detect([Look(frame)])[0])


def with_opencv(clip: Path, detector: ObjectDetector, every: int) -> tuple[int, int]:
    """Decode every frame, analyse each ``every``-th."""
    capture = cv2.VideoCapture(str(clip))
    number = looks = people = 0
    while True:
        there, image = capture.read()
        if not there:
            return looks, people
        if number % every == 0:
            looks += 1
            people += analyse(detector, image)
        number += 1


def with_gridpatrol(clip: Path, detector: ObjectDetector) -> tuple[int, int]:
    """Key frames as a stream worker decodes them, without the replay's pacing."""
    source = Source("bench", str(clip), 0.5, visit=False, open_timeout_s=10, read_timeout_s=10)
    looks = people = 0
    with open_container(source) as container:
        for image, _ in key_frames(source, container, live=False):
            looks += 1
            people += analyse(detector, image)
    return looks, people


def measure(way: Callable[[], tuple[int, int]]) -> Cost:
    """CPU and wall time of one pass."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    looks, people = way()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(cpu, time.perf_counter() - began, looks, people)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    detector = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "street.mp4"
        make_clip(clip)
        ways: dict[str, Callable[[], tuple[int, int]]] = {
            "every frame": lambda: with_opencv(clip, detector, 1),
            "one a second": lambda: with_opencv(clip, detector, FPS),
            "gridpatrol": lambda: with_gridpatrol(clip, detector),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                costs[name].append(measure(way))
    report(costs)


def report(costs: dict[str, list[Cost]]) -> None:
    """Medians, ratios against the first way, and one JSON object."""
    cpu = {name: statistics.median(c.cpu_s for c in runs) for name, runs in costs.items()}
    print(f"{'way':<14}{'CPU ms/stream-s':>17}{'cameras/core':>14}{'looks/s/core':>14}{'ratio':>8}")
    table = {}
    for name, runs in costs.items():
        looks = runs[0].looks
        table[name] = {
            "cpu_ms_per_stream_s": round(cpu[name] / SECONDS * 1000, 1),
            "cameras_per_core": round(SECONDS / cpu[name], 1),
            "looks_per_s_per_core": round(looks / cpu[name], 1),
            "cameras_ratio": round(cpu["every frame"] / cpu[name], 1),
            "looks": looks,
        }
        row = table[name]
        print(
            f"{name:<14}{row['cpu_ms_per_stream_s']:>17}{row['cameras_per_core']:>14}"
            f"{row['looks_per_s_per_core']:>14}{row['cameras_ratio']:>8}"
        )
    print(json.dumps(table))


if __name__ == "__main__":
    main()
