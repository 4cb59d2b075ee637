"""Cameras a core can watch: gridpatrol's patrol against the ways others do it, over real RTSP.

    make bench                                          # the short form, under 10 minutes
    .venv/bin/python -m bench.looks --runs 5 --scenarios DIR      # the full form

1080p25, a key frame every 2 s, H.264 and H.265, from GStreamer's server; the same model everywhere,
one thread. Runs take turns, so that a busy machine hits all alike; CPU time of all threads, so that
the number of cores does not matter. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2

from bench.footage import CODECS, make_clips, served
from bench.overhead import overhead
from bench.ways import Cost, frigate, gridpatrol, naive, ultralytics, viseron
from edge.detectors.objects import ObjectDetector
from edge.evaluation.cases import Judged, run_cases
from edge.evaluation.load import load_scenarios
from edge.evaluation.variants import Variant
from edge.shipped import shipped
from edge.telemetry.logs import configure_logs

NAIVE, FRIGATE, VISERON = "OpenCV, every frame", "Frigate's way", "Viseron's way"
ULTRALYTICS = "ultralytics, every frame"
UNGATED, OFF_BEAT, OURS = "gridpatrol, gate off", "gridpatrol, off the beat", "gridpatrol"
_SHORT_SCENARIOS = 8


def as_published(folder: Path) -> ObjectDetector:
    """The same weights with the square input they were published with, for the rivals.

    ``--rivals-cut`` gives them the cut input that gridpatrol makes of a wide picture.
    """
    shutil.copytree(shipped("models") / "coco-nanodet", folder / "whole")
    card = folder / "whole/model.toml"
    card.write_text(re.sub(r"(?m)^step = \d+", "step = 0", card.read_text("utf-8")), "utf-8")
    return ObjectDetector(folder / "whole", provider="cpu", threads=1)


def ways(
    url: str, detector: ObjectDetector, rivals: ObjectDetector, *, long: bool
) -> dict[str, Callable[[], Cost]]:
    """What is compared, by name."""
    frames, visits = (250, 10) if long else (100, 5)
    return {
        NAIVE: lambda: naive(url, rivals, frames // 2),
        FRIGATE: lambda: frigate(url, rivals, frames),
        VISERON: lambda: viseron(url, rivals, frames),
        UNGATED: lambda: gridpatrol(url, detector, visits, gate=False),
        OFF_BEAT: lambda: gridpatrol(url, detector, visits, gate=True, beat=False),
        OURS: lambda: gridpatrol(url, detector, visits, gate=True),
    }


def watch(
    folder: Path, runs: int, *, quiet: bool, cut: bool, int8: bool = False, python: str = ""
) -> dict[str, dict[str, float]]:
    """Median CPU ms of a camera-second, by codec and way; printed as a table."""
    name = "coco-nanodet-int8" if int8 else "coco-nanodet"
    detector = ObjectDetector(shipped("models") / name, provider="cpu", threads=1)
    rivals = detector if cut else as_published(folder)
    table: dict[str, dict[str, float]] = {}
    with served(make_clips(folder, quiet=quiet)) as urls:
        for codec in CODECS:
            chosen = ways(urls[codec], detector, rivals, long=runs >= 5)
            if python:
                chosen[ULTRALYTICS] = partial(ultralytics, urls[codec], python, 100)
            costs: dict[str, list[Cost]] = {name: [] for name in chosen}
            for _ in range(runs):
                for name, way in chosen.items():
                    costs[name].append(way())
            table[codec] = {
                name: statistics.median(c.cpu_s for c in found) * 1000
                for name, found in costs.items()
            }
            show(codec, table[codec], costs)
    return table


def show(codec: str, cpu: dict[str, float], costs: dict[str, list[Cost]]) -> None:
    """One row a way."""
    print(
        f"{codec}: {'way':<26}{'CPU ms/camera-s':>17}{'cameras/core':>14}{'runs/s':>9}{'ratio':>8}"
    )
    for name, ms in cpu.items():
        runs = statistics.median(c.runs for c in costs[name])
        print(
            f"      {name:<26}{ms:>17.2f}{1000 / ms:>14.1f}{runs:>9.3f}{cpu[NAIVE] / ms:>8.1f}",
            flush=True,
        )


def recall(folder: Path, scenarios: Path | None, *, everything: bool) -> dict[str, float | None]:
    """Found and false cases of our rules and of a bare loop with the same models."""
    keys = ("recall_ours", "recall_naive", "precision_ours", "precision_naive")
    if scenarios is None or not scenarios.is_dir():
        return dict.fromkeys(keys)
    chosen = list(load_scenarios(scenarios, "report"))
    if not everything:
        step = max(len(chosen) // _SHORT_SCENARIOS, 1)
        chosen = chosen[::step][:_SHORT_SCENARIOS]
    memory = folder / "memory"
    ours = score(run_cases(chosen, Variant(), memory=memory))
    bare = Variant(frozenset({"bare", "gate"}))
    theirs = score(run_cases(chosen, bare, memory=memory))
    print(f"cases of {len(chosen)} scenarios, (recall, precision): ours {ours}, naive {theirs}")
    return dict(zip(keys, (ours[0], theirs[0], ours[1], theirs[1]), strict=True))


def score(judged: list[Judged]) -> tuple[float | None, float | None]:
    """Recall and precision over all scenarios; a case told twice counts as false."""
    found = sum(len(j.outcome.found) for j in judged)
    missed = sum(len(j.outcome.missed) for j in judged)
    false = sum(len(j.outcome.false) + len(j.outcome.duplicates) for j in judged)
    return (
        round(found / (found + missed), 3) if found + missed else None,
        round(found / (found + false), 3) if found + false else None,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scenarios", type=Path, default=Path(".scenarios"))
    parser.add_argument("--quiet", action="store_true", help="nothing moves; the table alone")
    parser.add_argument("--rivals-cut", action="store_true", help="they get our cut input too")
    parser.add_argument("--int8", action="store_true", help="ours with its twin in int8")
    parser.add_argument("--ultralytics", default="", metavar="PYTHON", help="that has it")
    parser.add_argument("--table", action="store_true", help="no overhead, no scenarios")
    parser.add_argument("--all-scenarios", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    configure_logs(json_lines=True, level="ERROR")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = watch(
            folder,
            options.runs,
            quiet=options.quiet,
            cut=options.rivals_cut,
            int8=options.int8,
            python=options.ultralytics,
        )
        if options.quiet or options.table:
            return
        parts = overhead(folder, options.runs)
        print(json.dumps(parts))
        accuracy = recall(folder, options.scenarios, everything=options.all_scenarios)
    mean = {name: statistics.mean(table[codec][name] for codec in CODECS) for name in table["h264"]}
    rivals = min(mean[FRIGATE], mean[VISERON])
    print(
        json.dumps(
            {
                "vs_naive": round(mean[NAIVE] / mean[OURS], 1),
                "vs_decode_all": round(rivals / mean[OURS], 1),
                "overhead": parts["overhead"],
                **accuracy,
            }
        )
    )


if __name__ == "__main__":
    main()
