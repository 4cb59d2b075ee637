"""Make a YOLO folder from the hand-made boxes of the Amsterdam street photos.

    python models/train/amsterdam.py --photos DIR --out DIR [--half learn|report]

DIR holds the photos of dfayzur/garbage-object-detection (see labels/amsterdam/README.md); they are
not part of this project. A photo that is missing or whose SHA-256 differs from the one that was
labelled stops the run before anything is written. ``--out`` gets ``images/``, ``labels/`` and
``data.yaml``; a photo without rubbish gets an empty label file.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

LABELS = Path(__file__).resolve().parent / "labels" / "amsterdam"
CLASSES = ("rubbish_bag", "exposed_rubbish")
GROUP = "bag_heap"  # a second box around bags that have their own: written only when asked for
STATES = ("rubbish", "clean", "litter", "unclear")


@dataclass(frozen=True, slots=True)
class Box:
    """One box: class name and corners, 0-1 of the upright picture."""

    name: str
    x0: float
    y0: float
    x1: float
    y1: float

    def yolo(self, index: int) -> str:
        """Return the YOLO line: class, centre x and y, width, height."""
        middle = ((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)
        size = (self.x1 - self.x0, self.y1 - self.y0)
        return " ".join([str(index), *(f"{v:.5f}" for v in (*middle, *size))])


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photo: the SHA-256 of its file, whether it shows rubbish, and a remark."""

    file: str
    sha256: str
    state: str
    note: str


def read_boxes(path: Path) -> dict[str, list[Box]]:
    """Return the boxes of ``labels.csv`` by file name."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            corners = (float(row[key]) for key in ("x0", "y0", "x1", "y1"))
            boxes[row["file"]].append(Box(row["class"], *corners))
    return dict(boxes)


def read_photos(path: Path) -> list[Photo]:
    """Return the photos of ``photos.csv`` in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Photo(**row) for row in csv.DictReader(file)]


def refused(photos: list[Photo], folder: Path) -> list[str]:
    """Return one line for each photo that is missing or is not the one that was labelled."""
    lines = []
    for photo in photos:
        path = folder / photo.file
        if not path.is_file():
            lines.append(f"{path}: missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != photo.sha256:
            lines.append(f"{path}: not the labelled photo (SHA-256 differs)")
    return lines


def half(photo: Photo) -> str:
    """Which half a photo is in, by its hash: learned from, or reported on."""
    return "learn" if int(photo.sha256[-1], 16) % 2 else "report"


def write(
    photos: list[Photo], boxes: dict[str, list[Box]], source: Path, out: Path, *, groups: bool
) -> None:
    """Write ``images/``, ``labels/`` and ``data.yaml`` below ``out``, which must not exist."""
    names = [*CLASSES, GROUP] if groups else [*CLASSES]
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True)
    for photo in photos:
        shutil.copyfile(source / photo.file, out / "images" / photo.file)
        lines = [b.yolo(names.index(b.name)) for b in boxes.get(photo.file, []) if b.name in names]
        text = "".join(f"{line}\n" for line in lines)
        (out / "labels" / photo.file).with_suffix(".txt").write_text(text, encoding="utf-8")
    listed = ", ".join(names)
    (out / "data.yaml").write_text(
        f"path: .\ntrain: images\nval: images\nnc: {len(names)}\nnames: [{listed}]\n",
        encoding="utf-8",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 when written, 1 when a photo was refused or ``--out`` exists already."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder with the photos")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--labels", type=Path, default=LABELS, help="labels.csv and photos.csv")
    parser.add_argument("--groups", action="store_true", help="bag heaps too, as a third class")
    parser.add_argument("--unclear", action="store_true", help="unclear photos too, without boxes")
    parser.add_argument("--half", choices=("learn", "report"), help="only this half, see half()")
    chosen = parser.parse_args(arguments)
    photos = [
        photo
        for photo in read_photos(chosen.labels / "photos.csv")
        if (chosen.unclear or photo.state != "unclear") and chosen.half in (None, half(photo))
    ]
    problems = refused(photos, chosen.photos)
    if chosen.out.exists():
        problems.append(f"{chosen.out}: exists already; name a folder to make")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    boxes = read_boxes(chosen.labels / "labels.csv")
    write(photos, boxes, chosen.photos, chosen.out, groups=chosen.groups)
    print(f"{len(photos)} photos written to {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
