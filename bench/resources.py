"""What a camera costs in memory, descriptors and threads, and whether any of it grows.

    .venv/bin/python -m bench.resources                          # short form
    .venv/bin/python -m bench.resources --runs 5 --patrolled 20 220 --held 4 20 --every 30
    .venv/bin/python -m bench.resources --soak 120 --only soak   # minutes

Per camera: ``gridpatrol run`` on 1080p RTSP streams with few cameras and with many; the difference
divided by the difference in cameras, once every camera has been seen. PSS and USS summed over the
core and its stream workers.

``--soak``: cameras before which stalls, bags and small ads come and go, held and patrolled, looked
at far more often than in a street, with mosquitto and the reference consumer; the slope of PSS by
least squares over one-minute medians after a fifth of the time, with its 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.box import Box, Used, busy_cores, camera, consuming, family, running, used
from bench.delivery import broker
from bench.footage import FPS, make_clips, serve
from bench.latency import SCENE_FPS, SCENES, scenes
from edge.demo.children import Child

_MOUNTS = 8
_SETTLE_S = 20.0
_LEARNED = 10
"""Looks a camera: a background is learned from eight, which are kept meanwhile."""
_SAMPLES, _SAMPLE_S = 5, 2.0
_T95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 7: 2.36, 10: 2.23, 15: 2.13, 30: 2.04}
"""Student's t, two-sided 95 %, by degrees of freedom."""


def per_camera(
    folder: Path, mode: str, counts: Sequence[int], runs: int, every_s: float
) -> dict[str, float]:
    """Of one more camera: MiB, descriptors, threads, processes."""
    clips, found = make_clips(folder), {}
    few, many = counts
    with serve({f"m{n}": clips["h264"] for n in range(_MOUNTS)}, fps=FPS) as urls:
        ways: dict[int, list[Used]] = {few: [], many: []}
        for run in range(runs):
            for count, seen in ways.items():
                chosen = [
                    camera(f"cam-{n}", url, mode=mode, every_s=every_s)
                    for n, url in enumerate((list(urls.values()) * count)[:count])
                ]
                more = {
                    "detectors": {"object": {"provider": "cpu"}},  # all that ships, as shipped
                    "streams": {"patrol": {"looks_per_s": max(count / every_s, 1.0)}},
                }
                with running(folder / f"{mode}-{run}-{count}", chosen, more=more) as box:
                    seen.append(_settled(box, count, every_s))
    for name in ("pss_mb", "uss_mb", "rss_mb", "descriptors", "threads", "processes"):
        low, high = (statistics.median(getattr(u, name) for u in ways[n]) for n in counts)
        found[name] = round((high - low) / (many - few), 3)
        print(
            f"{mode:>10} {name:<12} {few}: {low:.6g}, {many}: {high:.6g},"
            f" each more: {found[name]:.3f}",
            flush=True,
        )
    return found


def _settled(box: Box, count: int, every_s: float) -> Used:
    """Medians over a few moments, after every camera's background has been learned."""
    if not box.wait_for_looks(_LEARNED * count, 120 + 2 * _LEARNED * every_s):
        print(f"  only {box.looks():.0f} looks of {count} cameras", flush=True)
    time.sleep(_SETTLE_S + every_s)
    samples = []
    for _ in range(_SAMPLES):
        samples.append(box.used())
        time.sleep(_SAMPLE_S)
    fields = Used.__dataclass_fields__
    return Used(**{name: statistics.median(getattr(s, name) for s in samples) for name in fields})


def soak(folder: Path, minutes: float) -> dict[str, object]:
    """Slopes of memory, descriptors and threads while much happens."""
    made = scenes(folder)
    mounts = {name: made[name] for name in SCENES}
    cameras = []
    folder = folder / "soak"
    folder.mkdir()
    with broker(folder) as port, serve(mounts, fps=SCENE_FPS) as urls:
        for number in range(12):
            name = list(SCENES)[number % len(SCENES)]
            watch, polygon = SCENES[name]
            zone = {"id": "zone", "watch": watch, "polygon": polygon}
            zone |= {"dwell_s": 6, "gone_after_s": 8}
            mode = "held" if number < len(SCENES) * 2 else "patrolled"
            cameras.append(
                camera(f"cam-{number}", urls[name], mode=mode, every_s=1.5, zones=[zone])
            )
        more = {
            "mqtt": {"host": "127.0.0.1", "port": port, "receipt_timeout_s": 5},
            "detectors": {
                "static": {"learn_s": 6, "stay_s": 4},
                "text": {"every_s": 3, "learn_s": 4},
            },
        }
        with (
            consuming(folder, port) as consumer,
            running(folder / "box", cameras, more=more) as box,
        ):
            return _watch(box, consumer, minutes)


def _watch(box: Box, consumer: Child, minutes: float) -> dict[str, object]:
    box.wait_for_looks(12, 60)
    began, rows = time.monotonic(), []
    looks = box.looks()
    while (passed := time.monotonic() - began) < minutes * 60:
        core, *workers = box.pids
        sides = used([core]), used(workers), used(family(consumer.process.pid))
        rows.append((passed, *sides))
        time.sleep(5)
    result: dict[str, object] = {
        "minutes": minutes,
        "looks": box.looks() - looks,
        "revisions": _revisions(box),
    }
    for side, name in enumerate(("core", "workers", "consumer"), start=1):
        for what in ("pss_mb", "uss_mb", "descriptors", "threads"):
            points = [(row[0] / 60, float(getattr(row[side], what))) for row in rows]
            result[f"{name}_{what}"] = _line(name, what, points, minutes)
    print(f"{result['looks']:.0f} looks, {result['revisions']} case revisions", flush=True)
    return result


def _revisions(box: Box) -> int:
    with sqlite3.connect(f"file:{box.state}/gridpatrol.db?mode=ro", uri=True, timeout=10) as db:
        count: int = db.execute("SELECT count(*) FROM revisions").fetchone()[0]
    return count


def _line(
    name: str, what: str, points: Sequence[tuple[float, float]], minutes: float
) -> dict[str, float]:
    """Least squares over one-minute medians: units an hour, with the half width of 95 %."""
    late = [(at, value) for at, value in points if at >= minutes / 5]
    by_minute: dict[int, list[float]] = {}
    for at, value in late:
        by_minute.setdefault(int(at), []).append(value)
    x = np.array([minute / 60 for minute in by_minute])
    y = np.array([statistics.median(values) for values in by_minute.values()])
    first, last = statistics.median(v for _, v in points[:3]), y[-1] if len(y) else 0.0
    found = {"first": round(float(first), 2), "last": round(float(last), 2)}
    if len(x) >= 4:
        slope, rest = np.polyfit(x, y, 1)
        error = np.sqrt(((y - slope * x - rest) ** 2).sum() / (len(x) - 2))
        error /= np.sqrt(((x - x.mean()) ** 2).sum())
        t = next((t for free, t in sorted(_T95.items(), reverse=True) if free <= len(x) - 2), 12.7)
        found |= {"per_hour": round(float(slope), 2), "plus_minus": round(float(t * error), 2)}
    print(f"{name:>10} {what:<12} {found}", flush=True)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=("patrolled", "held", "soak"))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--patrolled", type=int, nargs=2, default=[10, 60], metavar="N")
    parser.add_argument("--held", type=int, nargs=2, default=[4, 16], metavar="N")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between visits")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    given = parser.parse_args()
    print(f"cores in use before: {busy_cores(2.0):.2f} of {os.cpu_count()}", flush=True)
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-") as place:
        folder = Path(place)
        if given.only in {None, "patrolled"}:
            result["patrolled"] = per_camera(
                folder, "patrolled", given.patrolled, given.runs, given.every
            )
        if given.only in {None, "held"}:
            result["held"] = per_camera(folder, "held", given.held, given.runs, 5.0)
        if given.soak:
            result["soak"] = soak(folder, given.soak)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
