"""Where the CPU of a patrol visit goes, by how the stream is opened.

.venv/bin/python -m bench.visits --visits 6
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import av

from bench.footage import make_clips, served
from edge.streams.source import Source, pictures

_SMALL = {"rtsp_transport": "tcp", "probesize": "32768", "analyzeduration": "0"}
OPTIONS = {
    "small probe": _SMALL,
    "no fps probe": _SMALL | {"fpsprobesize": "0"},
    "no reordering": _SMALL | {"reorder_queue_size": "0", "max_delay": "0"},
    "key frames only": _SMALL | {"skip_frame": "nokey"},
    "the same, 2 KB": _SMALL | {"skip_frame": "nokey", "probesize": "2048"},
}
"""FFmpeg's own defaults take 5 s an open over loopback and are left out."""
STAGES = ("open", "wait", "decode", "to BGR", "close", "whole", "wall")


def visit(url: str, options: dict[str, str]) -> list[float]:
    """CPU ms of each stage, then wall ms."""
    began, marks = time.perf_counter(), [_cpu_s()]
    with av.open(url, options=options, timeout=(10, 10)) as container:
        marks.append(_cpu_s())
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        stream.codec_context.thread_count = 1
        frames: list[av.VideoFrame] = []
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.size:
                marks.append(_cpu_s())
                frames = list(packet.decode()) or list(stream.codec_context.decode(None))
                break
        marks.append(_cpu_s())
        frames[0].to_ndarray(format="bgr24")
        marks.append(_cpu_s())
    marks.append(_cpu_s())
    stages = [after - before for before, after in pairwise(marks)]
    whole = [marks[-1] - marks[0], time.perf_counter() - began]
    return [seconds * 1000 for seconds in (*stages, *whole)]


def by_product(url: str) -> list[float]:
    """CPU and wall ms of a visit as the product makes it: losses told, only whole pictures."""
    began, spent = time.perf_counter(), _cpu_s()
    taken = pictures(Source("bench", url, 30.0, True, 10.0, 10.0))
    next(taken)
    taken.close()  # type: ignore[attr-defined]  # a generator
    return [(_cpu_s() - spent) * 1000, (time.perf_counter() - began) * 1000]


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=6)
    count = parser.parse_args().visits
    av.logging.set_level(av.logging.PANIC)
    with tempfile.TemporaryDirectory() as place, served(make_clips(Path(place))) as urls:
        for codec, url in urls.items():
            found: dict[str, list[list[float]]] = {name: [] for name in OPTIONS}
            whole: list[list[float]] = []
            for _ in range(count):
                for name, options in OPTIONS.items():
                    found[name].append(visit(url, options))
                    time.sleep(0.37)  # arrive at other places between two key frames
                whole.append(by_product(url))
                time.sleep(0.37)
            print(f"{codec:<18}" + "".join(f"{stage:>8}" for stage in STAGES) + "   ms")
            for name, visits in found.items():
                medians = [statistics.median(stage) for stage in zip(*visits, strict=True)]
                print(f"{name:<18}" + "".join(f"{value:>8.1f}" for value in medians), flush=True)
            cpu, wall = (statistics.median(values) for values in zip(*whole, strict=True))
            print(f"{'the product':<18}{cpu:>{8 * (len(STAGES) - 1)}.1f}{wall:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
