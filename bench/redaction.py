"""What redaction covers of faces and plates labelled by hand, and what a picture costs.

    .venv/bin/python bench/redaction.py --set amsterdam=FOLDER --set ordinary=FOLDER

``models/train/labels/private.csv`` names the pictures and holds the boxes (``--labels`` takes
another name of that folder, or a path); a label counts as covered when nine tenths of its box are
inside the parts that are made unreadable. ``--scale 0.5``
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.detectors.objects import ObjectDetector
from edge.evaluation.stats import wilson
from edge.geometry import Box
from edge.redaction.cover import covered
from edge.redaction.finder import Finder
from edge.redaction.parts import private_parts
from edge.shipped import shipped
from edge.streams.frame import Image

LABELS = Path(__file__).resolve().parents[1] / "models/train/labels"
MUCH = 0.4
"""Share of a picture; with so much covered it may no longer show the case."""
SIZES = ((640, 360), (1280, 720), (1920, 1080), (3840, 2160))


@dataclass(frozen=True)
class Label:
    """A face or plate seen by a person."""

    kind: str
    grade: str
    box: Box


@dataclass
class Tally:
    """What was counted on one set of pictures."""

    labels: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    areas: list[float] = field(default_factory=list)
    clean: int = 0

    def say(self, name: str, scale: float) -> None:
        """Prints the set's figures."""
        pictures = f"{len(self.areas)} pictures at scale {scale:g}"
        print(f"{name}: {pictures}; {self.clean} with no label left")
        for kind, done in sorted(self.labels.items()):
            print(said(kind, sum(done), len(done)))
        shares = f"mean {np.mean(self.areas):.1%}, median {np.median(self.areas):.1%}"
        much = sum(area > MUCH for area in self.areas)
        print(f"area covered: {shares}, more than {MUCH:.0%} of {much} pictures")


def labels_file(name: str) -> Path:
    """The file of a name in the folder of labels; a path with an ending is left as it is."""
    return Path(name) if name.endswith(".csv") else LABELS / f"{name}.csv"


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


def left(photo: str, labels: Sequence[Label], shares: Sequence[float], enough: float) -> int:
    """Prints every label that is not covered; how many."""
    missed = 0
    for label, share in zip(labels, shares, strict=True):
        if share < enough:
            missed += 1
            at = f"{label.box.x0:.3f} {label.box.y0:.3f}"
            print(f"missed: {photo} {label.kind} {label.grade} at {at}, {share:.0%} covered")
    return missed


def asked(options: argparse.Namespace) -> Iterator[tuple[str, str, Image, list[Label]]]:
    """The labelled pictures of the folders given, resized as asked: set, file, picture, labels."""
    folders = dict(entry.split("=", 1) for entry in options.set)
    for (name, photo), labels in sorted(read_labels(labels_file(options.labels)).items()):
        picture = cv2.imread(str(Path(folders[name]) / photo)) if name in folders else None
        if picture is None:
            continue
        if options.scale != 1.0:
            how = {"fx": options.scale, "fy": options.scale, "interpolation": cv2.INTER_AREA}
            picture = cv2.resize(picture, None, **how)
        wanted = [label for label in labels if label.kind == "face" or not options.faces]
        yield name, photo, np.asarray(picture, np.uint8), wanted


def measure(options: argparse.Namespace, finder: Finder) -> None:
    """Every labelled picture once; prints every miss, and by set what was covered."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for name, photo, image, labels in asked(options):
        height, width = image.shape[:2]
        found: Sequence[Detection] = finder.find(image)
        if options.faces:
            found = [d for d in found if d.meaning == "face"]
        parts = private_parts(found, options.policy, width, height)
        boxes = [part.box for part in parts]
        shares = [share_covered(label.box, boxes, width, height) for label in labels]
        missed = left(photo, labels, shares, options.enough)
        for tally in (tallies[name], tallies["all"]):
            tally.areas.append(share_covered(Box(0, 0, 1, 1), boxes, width, height))
            tally.clean += missed == 0
            for label, share in zip(labels, shares, strict=True):
                for grade in (label.grade, "all"):
                    tally.labels[f"{label.kind}, {grade}"].append(share >= options.enough)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            stem = f"{name}-{Path(photo).stem}".replace("/", "-")
            cv2.imwrite(str(options.out / f"{stem}.png"), covered(image, parts))
    for name in sorted(tallies, key=lambda name: (name == "all", name)):
        tallies[name].say(name, options.scale)


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
    parser.add_argument("--labels", default="private", help="name beside private.csv, or a path")
    parser.add_argument("--enough", type=float, default=0.9, help="of a label's box, to count")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--policy", choices=("face+plate", "person"), default="face+plate")
    parser.add_argument("--closer", default="coco-nanodet-int8", help="model of the larger scale")
    parser.add_argument("--faces", action="store_true", help="the face model alone")
    parser.add_argument("--out", type=Path, help="folder for the redacted pictures, PNG")
    parser.add_argument("--cost", type=Path, help="a picture to take the time with")
    options = parser.parse_args()
    names = ("coco-nanodet", options.closer, "yunet")
    finder = Finder(*(ObjectDetector(shipped("models") / n, provider="cpu") for n in names))
    if options.cost is not None:
        picture = cv2.imread(str(options.cost))
        assert picture is not None, f"{options.cost} is no picture"
        cost(finder, np.asarray(picture, np.uint8))
    if options.set:
        measure(options, finder)


if __name__ == "__main__":
    main()
