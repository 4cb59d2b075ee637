"""What redaction covers of faces and plates labelled by hand, and what a picture costs.

    .venv/bin/python bench/redaction.py --set amsterdam=FOLDER --set ordinary=FOLDER

``models/train/labels/private.csv`` names the pictures and holds the boxes; a label counts as
covered when nine tenths of its box are inside the parts that are made unreadable. ``--scale 0.5``
asks the same of pictures scaled down, as a street camera shows people farther away. ``--faces``
counts the face model alone, ``--out`` writes the redacted pictures to look at, ``--cost`` only
takes the time.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.evaluation.stats import wilson
from edge.geometry import Box
from edge.redaction.cover import covered
from edge.redaction.finder import Finder
from edge.redaction.parts import private_parts
from edge.shipped import shipped
from edge.streams.frame import Image

LABELS = Path(__file__).resolve().parents[1] / "models/train/labels/private.csv"
SIZES = ((640, 360), (1280, 720), (1920, 1080), (3840, 2160))


@dataclass(frozen=True)
class Label:
    """A face or plate seen by a person."""

    kind: str
    grade: str
    box: Box


def read_labels(path: Path) -> dict[tuple[str, str], list[Label]]:
    """Labels by set and file name; pictures without any have an empty list."""
    found: dict[tuple[str, str], list[Label]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            labels = found[row["set"], row["photo"]]
            if row["kind"] != "nothing":
                sides = (float(row[name]) for name in ("x0", "y0", "x1", "y1"))
                labels.append(Label(row["kind"], row["grade"], Box(*sides)))
    return dict(found)


def share_covered(box: Box, parts: Sequence[Box], width: int, height: int) -> float:
    """How much of a box lies inside any of the parts, in whole pixels."""
    mask = np.zeros((height, width), bool)
    for part in parts:
        x0, y0, x1, y1 = part.pixels(width, height)
        mask[y0:y1, x0:x1] = True
    x0, y0, x1, y1 = box.pixels(width, height)
    return float(mask[y0:y1, x0:x1].mean())


def said(kind: str, done: int, of: int) -> str:
    """One line with the share missed and Wilson's interval of it, 95 %."""
    interval = wilson(of - done, of)
    low, high = interval if interval else (0.0, 1.0)
    missed = (of - done) / of if of else 0.0
    return f"{kind:16} covered {done:3} of {of:3}  missed {missed:.1%} ({low:.1%} to {high:.1%})"


def measure(options: argparse.Namespace, finder: Finder) -> None:
    """Every labelled picture once; prints what was covered and every miss."""
    folders = dict(entry.split("=", 1) for entry in options.set)
    tally: dict[str, list[bool]] = defaultdict(list)
    areas, pictures, clean = [], 0, 0
    for (name, photo), labels in sorted(read_labels(options.labels).items()):
        image = cv2.imread(str(Path(folders[name]) / photo)) if name in folders else None
        if image is None:
            continue
        if options.scale != 1.0:
            how = {"fx": options.scale, "fy": options.scale, "interpolation": cv2.INTER_AREA}
            image = cv2.resize(image, None, **how)
        height, width = image.shape[:2]
        found: Sequence[Detection] = finder.find(np.asarray(image, np.uint8))
        if options.faces:
            found = [d for d in found if d.meaning == "face"]
        parts = private_parts(found, options.policy, width, height)
        boxes = [part.box for part in parts]
        areas.append(share_covered(Box(0, 0, 1, 1), boxes, width, height))
        pictures += 1
        left = 0
        for label in labels:
            if options.faces and label.kind != "face":
                continue
            share = share_covered(label.box, boxes, width, height)
            tally[f"{label.kind}, {label.grade}"].append(share >= options.enough)
            tally[f"{label.kind}, all"].append(share >= options.enough)
            if share < options.enough:
                left += 1
                at = f"{label.box.x0:.3f} {label.box.y0:.3f}"
                print(f"missed: {photo} {label.kind} {label.grade} at {at}, {share:.0%} covered")
        clean += left == 0
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(options.out / f"{name}-{Path(photo).stem}.png"), covered(image, parts))
    print(f"{pictures} pictures at scale {options.scale:g}; {clean} with no label left")
    for kind in sorted(tally):
        print(said(kind, sum(tally[kind]), len(tally[kind])))
    print(f"area covered: mean {np.mean(areas):.1%}, median {np.median(areas):.1%}")


def cost(finder: Finder, picture: Image) -> None:
    """Milliseconds of one core for one picture of common sizes, median of five."""
    for width, height in SIZES:
        image = np.asarray(cv2.resize(picture, (width, height)), np.uint8)
        for quick in (False, True):
            spent = []
            for _ in range(5):
                began = time.process_time()  # one thread: others on the machine do not count
                found = finder.find(image, quick=quick)
                covered(image, private_parts(found, "face+plate", width, height))
                spent.append((time.process_time() - began) * 1000)
            way = "page (no tiles)" if quick else "evidence"
            print(f"{width}x{height} {way}: {statistics.median(spent):.0f} ms")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", action="append", default=[], help="name=folder")
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--enough", type=float, default=0.9, help="of a label's box, to count")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--policy", choices=("face+plate", "person"), default="face+plate")
    parser.add_argument("--faces", action="store_true", help="the face model alone")
    parser.add_argument("--out", type=Path, help="folder for the redacted pictures, PNG")
    parser.add_argument("--cost", type=Path, help="a picture to take the time with")
    options = parser.parse_args()
    models = shipped("models")
    finder = Finder(models / "coco-nanodet", models / "faceboxes", provider="cpu", threads=1)
    if options.cost is not None:
        picture = cv2.imread(str(options.cost))
        assert picture is not None, f"{options.cost} is no picture"
        cost(finder, np.asarray(picture, np.uint8))
    if options.set:
        measure(options, finder)


if __name__ == "__main__":
    main()
