"""What a held camera costs on its main stream, and on its sub-stream with the main one for cases.

.venv/bin/python -m bench.two_streams --rounds 5 --seconds 8

CPU of the stream worker per camera-second, of one picture fetched from the main stream, and of the
core per look (the picture shrunk, one run of the object model). One worker for each stream, side by
side, over RTSP from GStreamer's server; medians of rounds, the least and the most behind.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from bench.footage import FPS, GOP_S, make_clips, serve
from edge.detectors.base import Look
from edge.detectors.card import model_folder
from edge.detectors.objects import ObjectDetector
from edge.streams.backoff import Backoff
from edge.streams.frame import Frame
from edge.streams.pool import StreamPool
from edge.streams.source import Source

SUB_SIZE, SUB_RATE = (640, 360), "512k"
_LOOK_S = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


def sub_clip(main: Path, path: Path) -> Path:
    """The same street as a sub-stream: 640 x 360, H.264, 512 kb/s, as many key frames."""
    with av.open(str(main)) as source, av.open(str(path), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SUB_SIZE, "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "bf": "0",
            "sc_threshold": "0",
            "x264-params": "slices=1:sliced-threads=0:aud=1",
            "b": SUB_RATE,
            "g": str(FPS * GOP_S),
        }
        for number, frame in enumerate(source.decode(video=0)):
            small = frame.reformat(width=SUB_SIZE[0], height=SUB_SIZE[1], format="yuv420p")
            small.pts, small.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(small))
        out.mux(stream.encode())
    return path


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _collect(pool: StreamPool, seconds: float) -> list[Frame]:
    frames, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        frames += pool.collect(0.2).frames
    return frames


def _shown(values: Sequence[float]) -> str:
    return f"{statistics.median(values):6.1f} ({min(values):.1f} to {max(values):.1f})"


def streams(pool: StreamPool, rounds: int, seconds: float) -> dict[str, Frame]:
    """Print the workers' cost; a picture of each camera."""
    spent: dict[str, list[float]] = {name: [] for name in pool.pids}
    shown: dict[str, Frame] = {}
    for _ in range(rounds):
        before = {name: _cpu_s(pid) for name, pid in pool.pids.items()}
        began = time.monotonic()
        shown |= {frame.camera_id: frame for frame in _collect(pool, seconds)}
        passed = time.monotonic() - began
        for name, pid in pool.pids.items():
            spent[name].append((_cpu_s(pid) - before[name]) / passed * 1000)
    for name, values in spent.items():
        frame = shown[name]
        print(f"held, {name:<16} {frame.width:>5}x{frame.height:<5} {_shown(values)} ms/s")
    return shown


def looks(shown: dict[str, Frame], rounds: int) -> None:
    """Print what the core spends on a picture."""
    model = ObjectDetector(model_folder("coco-nanodet", None), provider="cpu", threads=1, at_once=1)
    for name, frame in shown.items():
        spent = []
        for _ in range(rounds * 4):
            fresh = Frame(name, frame.captured_at, frame.picture, frame.reason, frame.sequence)
            began = resource.getrusage(resource.RUSAGE_SELF)
            _ = fresh.small
            model.detect([Look(fresh)])
            ended = resource.getrusage(resource.RUSAGE_SELF)
            spent.append((ended.ru_utime - began.ru_utime + ended.ru_stime - began.ru_stime) * 1000)
        print(f"look, {name:<29} {_shown(spent[1:])} ms")


def fetches(pool: StreamPool, name: str, rounds: int) -> None:
    """Print what one picture of the main stream costs and how long it takes to come."""
    cost, wait = [], []
    pid = pool.pids[name]
    for _ in range(rounds):
        held, began = _cpu_s(pid), time.monotonic()
        _collect(pool, 4.0)
        held_s = (_cpu_s(pid) - held) / (time.monotonic() - began)
        before, began = _cpu_s(pid), time.monotonic()
        pool.fetch(name)
        came = None
        while came is None or time.monotonic() - began < 4.0:
            frames = pool.collect(0.1).frames
            if came is None and any(frame.reason == "evidence" for frame in frames):
                came = time.monotonic() - began
        cost.append((_cpu_s(pid) - before - held_s * (time.monotonic() - began)) * 1000)
        wait.append(came)
    print(f"fetch for {name:<25} {_shown(cost)} ms, came after {_shown(wait)} s")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    chosen = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    with tempfile.TemporaryDirectory() as place:
        clips = make_clips(Path(place))
        sub = sub_clip(clips["h264"], Path(place) / "sub.h264")
        with serve({**clips, "sub": sub}, fps=FPS) as urls:
            ways = {
                "main h264": (urls["h264"], ""),
                "main h265": (urls["h265"], ""),
                "sub, main h264": (urls["sub"], urls["h264"]),
                "sub, main h265": (urls["sub"], urls["h265"]),
            }
            pool = StreamPool(
                [
                    Source(name, url, _LOOK_S, False, 10.0, 10.0, evidence_url=other)
                    for name, (url, other) in ways.items()
                ],
                cameras_per_worker=1,
                backoff=Backoff(1.0, 10.0),
                hang_after_s=30.0,
            )
            pool.start()
            try:
                _collect(pool, 10.0)
                shown = streams(pool, chosen.rounds, chosen.seconds)
                for name in ("sub, main h264", "sub, main h265"):
                    fetches(pool, name, chosen.rounds)
            finally:
                pool.stop()
            looks({name: shown[name] for name in ("main h264", "sub, main h264")}, chosen.rounds)


if __name__ == "__main__":
    main()
