"""int8 against fp32 for each model that ships as both: speed, detections, and cases.

    .venv/bin/python -m bench.int8 --runs 200
    .venv/bin/python -m bench.int8 --scenarios DIR --cases 12 --footage DIR

Speed: CPU time of one inference on one thread, both in turn. Detections: those of fp32 that int8
finds too (same class, IoU above 0.5) on pictures of ``--footage`` (videos; the demo's by default,
which int8 was calibrated on). Cases: scenarios with the fp32 models and with one or all in int8.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from bench.box import busy_cores
from bench.looks import score
from edge.config.model import ObjectSettings
from edge.detectors.objects import ObjectDetector
from edge.evaluation.cases import run_cases
from edge.evaluation.load import load_scenarios
from edge.evaluation.variants import Variant
from edge.shipped import shipped
from edge.streams.frame import Image
from edge.telemetry.logs import configure_logs

FP32: tuple[str, ...] = ObjectSettings.model_fields["models"].default


def pairs() -> dict[str, str]:
    """int8 by fp32, of those that ship."""
    return {n: f"{n}-int8" for n in FP32 if (shipped("models") / f"{n}-int8").is_dir()}


def opened(name: str) -> ObjectDetector:
    """On the CPU, one thread."""
    return ObjectDetector(shipped("models") / name, provider="cpu", threads=1)


def speed(fp32: ObjectDetector, int8: ObjectDetector, image: Image, runs: int) -> dict[str, float]:
    """Median CPU ms of each, and how much quicker int8 is."""
    sides = {"fp32": fp32, "int8": int8}
    spent: dict[str, list[float]] = {side: [] for side in sides}
    card = fp32.card_for(image)
    blob = np.empty((1, 3, card.input.height, card.input.width), np.float32)
    fp32._lay(image, card, blob[0])
    for _ in range(runs + 5):
        for side, detector in sides.items():
            began = time.thread_time()
            detector.session.run(None, {detector.card.input.name: blob})
            spent[side].append((time.thread_time() - began) * 1000)
    found = {f"{side}_ms": statistics.median(ms[5:]) for side, ms in spent.items()}
    return found | {"times": found["fp32_ms"] / found["int8_ms"]}


def pictures(folder: Path, count: int) -> Iterator[Image]:
    """So many, spread over all videos of a folder."""
    videos = sorted(folder.glob("*.mp4"))
    each = max(count // len(videos), 1)
    for video in videos[:: max(len(videos) // count, 1)]:
        with av.open(str(video)) as clip:
            frames = list(clip.decode(video=0))
        for number in range(each):
            yield frames[(2 * number + 1) * len(frames) // (2 * each)].to_ndarray(format="bgr24")


def agreement(
    fp32: ObjectDetector, int8: ObjectDetector, images: Sequence[Image]
) -> dict[str, float]:
    """Detections of both, of one only, and how far scores are apart."""
    both, apart = 0, []
    only = {"fp32": 0, "int8": 0}
    for image in images:
        left = list(int8.find([image])[0])
        for wanted in fp32.find([image])[0]:
            near = [d for d in left if d.label == wanted.label and d.box.iou(wanted.box) > 0.5]
            if not near:
                only["fp32"] += 1
                continue
            best = max(near, key=lambda d: d.box.iou(wanted.box))
            left.remove(best)
            both += 1
            apart.append(abs(best.score - wanted.score))
        only["int8"] += len(left)
    off = round(statistics.mean(apart), 4) if apart else 0.0
    return {"both": both, "fp32_only": only["fp32"], "int8_only": only["int8"], "score_off": off}


def cases(folder: Path, only: str, memory: Path, count: int) -> dict[str, object]:
    """Recall and precision by the models used, on every n-th scenario whose name begins so."""
    chosen = [s for s in load_scenarios(folder) if s.name.startswith(only)]
    chosen = chosen[:: max(len(chosen) // count, 1)][:count] if count else chosen
    swaps = pairs()
    ways = {"fp32": FP32}
    ways |= {f"{n} in int8": tuple(swaps[n] if m == n else m for m in FP32) for n in swaps}
    ways["all int8"] = tuple(swaps.get(n, n) for n in FP32)
    result: dict[str, object] = {"scenarios": len(chosen)}
    for way, models in ways.items():
        judged = run_cases(chosen, Variant(frozenset(), models), memory=memory)
        outcomes = [j.outcome for j in judged]
        parts = {
            part: sum(len(getattr(o, part)) for o in outcomes)
            for part in ("found", "missed", "false", "duplicates")
        }
        result[way] = parts | dict(zip(("recall", "precision"), score(judged), strict=True))
        print(f"{way:<24} {result[way]}", flush=True)
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--footage", type=Path, default=shipped("demo") / "footage")
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--scenarios", type=Path)
    parser.add_argument("--only", default="", help="scenarios whose names begin so")
    parser.add_argument("--cases", type=int, default=12, help="scenarios to take; 0: all")
    parser.add_argument("--memory", type=Path, help="folder that keeps detections between runs")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    configure_logs(json_lines=True, level="ERROR")
    print(f"cores in use before: {busy_cores(2.0):.2f} of {os.cpu_count()}", flush=True)
    images = list(pictures(given.footage, given.pictures))
    result: dict[str, object] = {}
    for name, other in pairs().items():
        fp32, int8 = opened(name), opened(other)
        fast = speed(fp32, int8, images[0], given.runs)
        found = {k: round(v, 2) for k, v in fast.items()} | agreement(fp32, int8, images)
        result[name] = found
        print(f"{name:<14} {found}", flush=True)
    if given.scenarios is not None:
        with tempfile.TemporaryDirectory() as place:
            memory = given.memory or Path(place)
            result["cases"] = cases(given.scenarios, given.only, memory, given.cases)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
