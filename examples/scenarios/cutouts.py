"""Cut photographed things out of pictures annotated in COCO's format, for the desk's scenarios.

    python examples/scenarios/cutouts.py --out DIR/cutouts ANNOTATIONS.json=PICTURES ...

Only annotations named in ``KEPT`` are cut: each was looked at and is whole, cleanly outlined and
as a street shows it. The pictures belong to their photographers and are never committed.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _cutouts import COLUMNS

# Annotation of COCO 2017: name of the cut-out, height in metres.
KEPT: dict[int, tuple[str, float]] = {
    135748: ("car-white", 1.55), 1191953: ("car-black", 1.45), 139476: ("taxi", 1.55),
    139801: ("car-silver", 1.5), 345637: ("car-red", 1.4), 1370310: ("van-dark", 1.95),
    164268: ("bus-green", 3.0),
    162851: ("bus-red", 2.9), 168542: ("bus-long", 3.0), 148632: ("motorcycle", 1.1),
    2047515: ("scooter", 1.05), 125973: ("bicycle-loaded", 1.1),
    1607055: ("pot-fern", 0.75), 19209: ("pot-rubber", 0.85),
    571702: ("bench", 0.85), 576412: ("bench-table", 0.75),
    99893: ("sofa", 0.95), 116865: ("armchair", 0.85), 107227: ("chair-white", 0.95),
    378187: ("chair-slats", 0.95), 107078: ("chair-wood", 1.0),
    1182773: ("case-orange", 0.75), 1184502: ("case-grey", 0.72), 1185290: ("case-blue", 0.74),
    1187303: ("case-old", 0.45), 285879: ("parasol-shut", 2.3), 10608: ("dog", 0.65),
    1952361: ("flowers-wide", 0.3), 1954615: ("flowers-tray", 0.3),
}  # fmt: skip
# COCO's own table: some subsets leave it out and keep only the numbers.
LICENCES = {
    1: "Attribution-NonCommercial-ShareAlike License", 2: "Attribution-NonCommercial License",
    3: "Attribution-NonCommercial-NoDerivs License", 4: "Attribution License",
    5: "Attribution-ShareAlike License", 6: "Attribution-NoDerivs License",
    7: "No known copyright restrictions", 8: "United States Government Work",
}  # fmt: skip


def part(image: dict[str, Any]) -> str:
    """COCO's own part, train2017 or val2017: subsets deal the pictures anew, the address stays."""
    found = re.search(r"(train|val)2017", image.get("coco_url", ""))
    return found[0] if found else "not stated"


def cut(picture: np.ndarray, polygons: list[list[float]]) -> np.ndarray:
    """The part of a BGR picture inside the polygons (pixels), as BGRA, edges a little soft."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    for points in polygons:
        cv2.fillPoly(mask, [np.array(points).reshape(-1, 2).round().astype(np.int32)], 255)
    mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
    ys, xs = np.nonzero(mask)
    window = (slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1))
    alpha = cv2.GaussianBlur(mask, (0, 0), 0.7)
    return np.dstack((picture, np.minimum(alpha, mask)))[window]


def rows(annotations: Path, pictures: Path, out: Path) -> list[dict[str, Any]]:
    """Cut what is kept of one set of annotations; gives its lines of the list."""
    labels = json.loads(annotations.read_text(encoding="utf-8"))
    classes = {entry["id"]: entry["name"] for entry in labels["categories"]}
    images = {entry["id"]: entry for entry in labels["images"]}
    found = []
    for mark in labels["annotations"]:
        image = images.get(mark["image_id"])
        if mark["id"] not in KEPT or image is None:
            continue
        picture = cv2.imread(str(pictures / image["file_name"]))
        if picture is None:
            raise SystemExit(f"{pictures / image['file_name']}: not there")
        name, high = KEPT[mark["id"]]
        cv2.imwrite(str(out / f"{name}.png"), cut(picture, mark["segmentation"]))
        found.append({
            "file": f"{name}.png", "class": classes[mark["category_id"]],
            "source": f"COCO 2017 picture {image['id']}", "height_m": high,
            "licence": LICENCES.get(image.get("license"), "not stated"),
            "annotation": mark["id"], "part": part(image),
        })  # fmt: skip
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="the folder DIR/cutouts")
    parser.add_argument("sets", nargs="+", metavar="ANNOTATIONS.json=PICTURES")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for pair in options.sets:
        annotations, _, pictures = pair.partition("=")
        for row in rows(Path(annotations), Path(pictures), options.out):
            found[row["file"]] = row
    with (options.out / "cutouts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(found[name] for name in sorted(found))
    missing = sorted(name for name, _ in KEPT.values() if f"{name}.png" not in found)
    print(f"{len(found)} cut-outs in {options.out}; not found: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main()
