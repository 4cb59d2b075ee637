"""How the product scales: from one core to two, and from few cameras to many.

    .venv/bin/python -m bench.scaling                     # all of it, short form
    .venv/bin/python -m bench.scaling --only cores --runs 7 --seconds 20
    .venv/bin/python -m bench.scaling --only cameras --counts 10 100 1000
    .venv/bin/python -m bench.scaling --only held --counts 8 16 32 64
    .venv/bin/python -m bench.scaling --only patrolled --counts 8 16 32 64

``cores``: key frames of 1080p replayed to ``gridpatrol run`` by about as many cameras as it can
serve, bound to one core and to two in turn. Beside it, what the machine itself gives: two bare
loops of inference on two cores against one on one. ``cameras`` and ``patrolled``: visits over RTSP,
equally many looks a second whatever the number of cameras, so that the number alone differs.
``held``: streams kept open, CPU of a camera-second. CPU time of all processes of the product.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.box import Span, busy_cores, camera, middle, running, span
from bench.footage import CODECS, FPS, make_clips, serve
from bench.overhead import make_key_frames
from edge.detectors.objects import ObjectDetector
from edge.shipped import shipped

_MOUNTS = 8
_KNOWN = 2.2
"""Looks a camera before it counts."""
_PATIENCE_S = 400.0
_PER_CORE = 8
"""Cameras of five looks a second each: about what a core can look at. With more, held cameras
decode what nobody looks at, and that is what would be measured."""


def cores(folder: Path, runs: int, seconds: float) -> dict[str, float]:
    """Looks a second on one core and on two, at saturation, and what the machine itself gives."""
    clip = folder / "keys.mp4"
    make_key_frames(clip)
    cameras = [
        camera(f"cam-{n}", str(clip), mode="held", every_s=0.2) for n in range(2 * _PER_CORE)
    ]
    found: dict[int, list[Span]] = {1: [], 2: []}
    bare: list[float] = []
    for run in range(runs):
        bare.append(_machine(seconds / 4))
        for number, spans in found.items():
            place = folder / f"cores-{run}-{number}"
            chosen = cameras[: number * _PER_CORE]
            with running(place, chosen, cores=range(number)) as box:
                box.wait_for_looks(3 * len(chosen), 60)
                spans.append(span(box, seconds))
    for number, spans in found.items():
        print(
            f"{number} core(s): looks/s {middle([s.looks_per_s for s in spans])},"
            f" CPU ms a look {middle([s.ms_per_look for s in spans])},"
            f" of these the core's main thread {middle([s.main_s / s.looks * 1e3 for s in spans])},"
            f" cores used {middle([s.cpu_s / s.seconds for s in spans])},"
            f" by others {middle([s.others_s / s.seconds for s in spans])}"
        )
    pairs = zip(found[2], found[1], strict=True)
    ratios = [two.looks_per_s / one.looks_per_s for two, one in pairs]
    print(f"ratio {middle(ratios)}; the machine's own, bare inference {middle(bare)}", flush=True)
    return {
        "cores_ratio": round(statistics.median(ratios), 3),
        "machine_ratio": round(statistics.median(bare), 3),
    }


def _machine(seconds: float) -> float:
    """Bare inferences a second of two processes on two cores, against one on one."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_infer, [(0, 0.2), (1, 0.2)], chunksize=1)
        one = pool.starmap(_infer, [(0, seconds)])
        two = pool.starmap(_infer, [(0, seconds), (1, seconds)], chunksize=1)
    return sum(two) / sum(one)


def _infer(core: int, seconds: float) -> float:
    os.sched_setaffinity(0, {core})
    model = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu", threads=1)
    blank = np.zeros((1, 3, 416, 416), np.float32)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        model.session.run(None, {model.card.input.name: blank})
        count += 1
    return count / (time.perf_counter() - began)


def patrolled(
    folder: Path, counts: Sequence[int], runs: int, seconds: float, looks_per_s: float
) -> dict[str, float]:
    """CPU of a visit by how many cameras they are spread over; the rate of visits is the same."""

    def cameras(urls: Sequence[str], count: int) -> list[dict[str, object]]:
        every = count / looks_per_s
        return [
            camera(f"cam-{n}", urls[n % len(urls)], mode="patrolled", every_s=every)
            for n in range(count)
        ]

    def show(count: int, spans: Sequence[Span]) -> float:
        costs = [s.ms_per_look for s in spans]
        print(
            f"{count:>5} patrolled: CPU ms a visit {middle(costs)},"
            f" visits/s {middle([s.looks_per_s for s in spans])} of {looks_per_s:g} asked",
            flush=True,
        )
        return statistics.median(costs)

    budget = {"streams": {"patrol": {"looks_per_s": 1.2 * looks_per_s}}}
    return _by_count(folder, counts, runs, seconds, cameras=cameras, show=show, more=budget)


def held(folder: Path, counts: Sequence[int], runs: int, seconds: float) -> dict[str, float]:
    """CPU of a camera-second by how many streams are held, a look every ten seconds."""

    def cameras(urls: Sequence[str], count: int) -> list[dict[str, object]]:
        return [
            camera(f"cam-{n}", urls[n % len(urls)], mode="held", every_s=10.0) for n in range(count)
        ]

    def show(count: int, spans: Sequence[Span]) -> float:
        costs = [s.cpu_s / s.seconds / count * 1000 for s in spans]
        print(
            f"{count:>5} held: CPU ms a camera-second {middle(costs)},"
            f" looks/s {middle([s.looks_per_s for s in spans])} of {count / 10:g} asked",
            flush=True,
        )
        return statistics.median(costs)

    return _by_count(folder, counts, runs, seconds, cameras=cameras, show=show)


def _by_count(
    folder: Path,
    counts: Sequence[int],
    runs: int,
    seconds: float,
    *,
    cameras: Callable[[Sequence[str], int], list[dict[str, object]]],
    show: Callable[[int, Sequence[Span]], float],
    more: dict[str, object] | None = None,
) -> dict[str, float]:
    """Medians by count, of spans one after the other; first to last as a ratio."""
    clips = make_clips(folder)
    mounts = {f"m{n}": clips[CODECS[0]] for n in range(min(_MOUNTS, max(counts)))}
    spans: dict[int, list[Span]] = {count: [] for count in counts}
    with serve(mounts, fps=FPS) as urls:
        for count in counts:
            chosen = cameras(list(urls.values()), count)
            with running(folder / f"count-{count}", chosen, more=more) as box:
                # A first visit costs more: nothing is known of when the camera's key frames come.
                if not box.wait_for_looks(_KNOWN * count, _PATIENCE_S):
                    print(f"{count:>5}: only {box.looks():.0f} looks before", flush=True)
                spans[count] += [span(box, seconds) for _ in range(runs)]
    medians = {str(count): round(show(count, found), 3) for count, found in spans.items()}
    values = list(medians.values())
    print(f"last to first {values[-1] / values[0]:.3f}", flush=True)
    return medians | {"ratio": round(values[-1] / values[0], 3)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=("cores", "cameras", "held", "patrolled"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--counts", type=int, nargs="+", help="numbers of cameras")
    parser.add_argument("--looks", type=float, default=4.0, help="visits a second, all cameras")
    given = parser.parse_args()
    print(f"cores in use before: {busy_cores(2.0):.2f} of {os.cpu_count()}", flush=True)
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-") as place:
        for name in (given.only,) if given.only else ("cores", "cameras", "held", "patrolled"):
            folder = Path(place) / name
            folder.mkdir()
            few, many = given.counts or [10, 1000], given.counts or [8, 64]
            if name == "cores":
                result[name] = cores(folder, given.runs, given.seconds)
            elif name == "held":
                result[name] = held(folder, many, given.runs, given.seconds)
            else:
                counts = few if name == "cameras" else many
                result[name] = patrolled(folder, counts, given.runs, given.seconds, given.looks)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
