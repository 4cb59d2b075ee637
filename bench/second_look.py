"""What the second look keeps and holds back on photos, and what it costs.

    python bench/second_look.py --bags FOLDER --streets FOLDER [FOLDER …] --reference MODEL_FOLDER

``--bags`` holds ``images/`` and ``labels/`` (YOLO boxes or polygons) of things that are rubbish:
each label is judged as a static object and should hold. ``--streets`` are photos on which another
model (``--reference``, a model folder with COCO classes) sees vehicles, two-wheelers and people:
each is judged as if the static detector had taken it for something left, and should be held.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.detectors.objects import ObjectDetector
from edge.detectors.second_look import SecondLook
from edge.geometry import Box
from edge.shipped import shipped

_GROUPS = {
    "vehicle": ("car", "bus", "truck"),
    "two-wheeler": ("bicycle", "motorcycle"),
    "person": ("person",),
    "plant": ("potted plant",),
}
_AREA = (0.002, 0.25)


def main() -> None:
    """Judge every box of every folder and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=Path, required=True)
    parser.add_argument("--streets", type=Path, nargs="+", default=[])
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--most", type=int, default=200, help="boxes of a group")
    options = parser.parse_args()
    second = SecondLook(
        [ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu")], min_score=0.3
    )
    boxes = {"rubbish": labelled(options.bags)}
    if options.reference:
        boxes |= referred(options.streets, ObjectDetector(options.reference, provider="cpu"))
    spent = []
    for group, things in boxes.items():
        verdicts: Counter[str] = Counter()
        for n, (path, box) in enumerate(things):
            image = cv2.imread(str(path))
            if n >= options.most or image is None:
                continue
            thing = Detection("left_behind", "static_object", box, 0.8, "static-background")
            began = time.process_time()
            judgement = second.judge(image, "piled_materials", [thing])
            spent.append(time.process_time() - began)
            verdicts[judgement.look_alike or "holds"] += 1
        total = sum(verdicts.values())
        print(
            f"{group:12} {total:4} boxes, held back {total - verdicts['holds']:4}", dict(verdicts)
        )
    print(
        f"{np.median(spent) * 1e3:.0f} ms of CPU a judgement (median, one object model, one thread)"
    )


def labelled(folder: Path) -> Iterator[tuple[Path, Box]]:
    """Boxes of YOLO labels."""
    for path in sorted((folder / "images").iterdir()):
        label = folder / "labels" / f"{path.stem}.txt"
        for line in label.read_text().splitlines() if label.is_file() else ():
            values = [float(value) for value in line.split()[1:]]
            if len(values) == 4:
                x, y, w, h = values
                yield path, Box.clipped(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            else:
                xs, ys = values[0::2], values[1::2]
                yield path, Box.clipped(min(xs), min(ys), max(xs), max(ys))


def referred(folders: list[Path], model: ObjectDetector) -> dict[str, list[tuple[Path, Box]]]:
    """Boxes another model is sure of, by group."""
    found: dict[str, list[tuple[Path, Box]]] = defaultdict(list)
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        image = cv2.imread(str(path))
        if image is None:
            continue
        for seen in model.find([image], least=0.55, every_class=True)[0]:
            group = next((g for g, labels in _GROUPS.items() if seen.label in labels), None)
            if group and _AREA[0] < seen.box.area < _AREA[1]:
                found[group].append((path, seen.box))
    return found


if __name__ == "__main__":
    main()
