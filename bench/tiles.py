"""What tiling finds on wide and 4K pictures, and what it costs.

    python bench/tiles.py [--looks 10] [--video FILE]

The picture is composed of frames of one video side by side and on top of each other (Debian's
opencv-doc carries vtest.avi, 768x576); what the model finds on the single frames is the truth.
Recall: truths that have a detection of their class with IoU ≥ 0.5. Extra: detections without one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.base import Detection, Look
from edge.detectors.objects import ObjectDetector
from edge.detectors.tiles import TiledDetector
from edge.geometry import Box
from edge.shipped import shipped
from edge.streams.frame import Frame, Image

VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
LAYOUTS = {"1536x1152": (2, 2), "2304x1152": (3, 2), "3840x2304": (5, 4), "5376x4032": (7, 7)}


def main() -> None:
    """One row for each layout and mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, default=VTEST)
    parser.add_argument("--looks", type=int, default=3)
    parser.add_argument("--modes", nargs="+", default=["off", "2x2", "3x3", "auto"])
    options = parser.parse_args()
    model = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu")
    frames = read(options.video)
    for name, (columns, rows) in LAYOUTS.items():
        scenes = [composed(model, frames, columns, rows, seed) for seed in range(options.looks)]
        for mode in options.modes:
            detector = TiledDetector(model, default=mode)
            seen = total = extra = people = all_people = 0
            spent = []
            for image, truth in scenes:
                look = Look(Frame("cam", datetime.now(UTC), image, "key_frame", 1))
                began = time.process_time()
                (found,) = detector.detect([look])
                spent.append(time.process_time() - began)
                hit = [any(same(t, d) for d in found) for t in truth]
                seen, total = seen + sum(hit), total + len(truth)
                person = [h for h, t in zip(hit, truth, strict=True) if t.label == "person"]
                people, all_people = people + sum(person), all_people + len(person)
                extra += sum(not any(same(t, d) for t in truth) for d in found)
            print(
                f"{name:10} {mode:5} recall {seen}/{total} = {seen / total:.2f}, people "
                f"{people}/{all_people} = {people / all_people:.2f}, extra {extra}, "
                f"{statistics.median(spent) * 1e3:.0f} ms of CPU a look"
            )


def read(path: Path) -> list[Image]:
    """Every 20th frame."""
    video, frames = cv2.VideoCapture(str(path)), []
    while True:
        fine, frame = video.read()
        if not fine:
            return frames[::20]
        frames.append(frame)


def composed(
    model: ObjectDetector, frames: list[Image], columns: int, rows: int, seed: int
) -> tuple[Image, list[Detection]]:
    """A wide picture and what is on it."""
    order = np.random.default_rng(seed).choice(len(frames), columns * rows)
    chosen = [frames[n] for n in order]
    truth = []
    for n, found in enumerate(model.find(chosen)):
        x, y = n % columns, n // columns
        for d in found:
            box = Box(
                (x + d.box.x0) / columns,
                (y + d.box.y0) / rows,
                (x + d.box.x1) / columns,
                (y + d.box.y1) / rows,
            )
            truth.append(Detection(d.label, d.meaning, box, d.score, d.model))
    lines = [np.hstack(chosen[row * columns : (row + 1) * columns]) for row in range(rows)]
    return np.vstack(lines), truth


def same(left: Detection, right: Detection) -> bool:
    """One thing."""
    return left.label == right.label and left.box.iou(right.box) >= 0.5


if __name__ == "__main__":
    main()
