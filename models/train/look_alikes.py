"""Train the look-alike classifier: what is it that stands there, if it is no rubbish and no wares?

    python models/train/look_alikes.py --data DIR [--out models/look-alikes]

Features are those of coco-nanodet's first three stages (weights kept), pooled over the thing and
over its surroundings; one small hidden layer on top is learned here, from the boxes of
``labels/look_alikes.csv`` and the labelled bags and heaps. Every box is seen as a fixed camera
would: jittered, blurred, coarse, dark, compressed. Prints what the half ``report`` says.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from data import read_picture
from head import finished, learn, stage

from edge.detectors.naming import Namer, blob, centred
from edge.geometry import Box

SIDE = 160
CLASSES = ("thing", "bin", "planter", "vehicle", "two_wheeler", "person", "shop", "flat")
MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
_MODELS = Path(__file__).resolve().parents[1]
_AUGMENTED, _SEED = 5, 7
# Rare classes are seen more often.
_TIMES = {"bin": 2, "planter": 3, "two_wheeler": 2}


@dataclass(frozen=True)
class Crop:
    """A box, 0-1 of its picture, and what it shows."""

    path: Path
    box: tuple[float, float, float, float]
    label: str


@lru_cache(maxsize=32)
def _picture(path: Path) -> np.ndarray:
    return read_picture(path, side=2048)


def crops(data: Path, half: str, rng: random.Random) -> list[Crop]:
    """Everything there is to learn from, or to report on.

    Args:
        data: holds the folders that ``README.md`` names.
        half: ``learn`` or ``report``.
        rng: draws as many as are wanted of what there is plenty of.
    """
    found = []
    # The facades' test split lies in its training set too, and Woosong's valid split in part.
    reported = {path.name for path in (data / "facade_ads/test/images").iterdir()}
    learned = (data / "trashbag_woosong/valid_stems_also_in_train.txt").read_text("utf-8").split()
    with (_MODELS / "train/labels/look_alikes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["half"] == half:
                folder = data / row["set"]
                folder = folder / half if row["set"] == "amsterdam" else folder
                folder = folder / "images" if (folder / "images").is_dir() else folder
                corners = tuple(float(row[key]) for key in ("x0", "y0", "x1", "y1"))
                crop = Crop(folder / row["photo"], corners, row["label"])
                if half == "learn" and crop.path.name in reported:
                    continue
                found += [crop] * (_TIMES.get(crop.label, 1) if half == "learn" else 1)
    many = half == "learn"
    found += _labelled(data / "amsterdam" / half, (0, 1), "thing") * (2 if many else 1)
    bags = _labelled(
        data / "trashbag_woosong" / ("train_one_per_source" if many else "valid"), (0, 1), "thing"
    )
    if not many:
        bags = [c for c in bags if c.path.name.split(".rf.")[0] not in learned]
    found += rng.sample(bags, min(350 if many else 150, len(bags)))
    shops = _labelled(data / "facade_ads" / ("train" if many else "test"), (0, 5), "shop")
    shops = [
        c
        for c in shops
        if max(c.box[2] - c.box[0], c.box[3] - c.box[1]) > 0.05
        and not (many and c.path.name in reported)
    ]
    found += rng.sample(shops, 350 if many else 80)
    return found + _bare_ground(found, 750 if many else 180, rng)


def _labelled(folder: Path, kinds: tuple[int, ...], label: str) -> list[Crop]:
    paths = {path.stem: path for path in sorted((folder / "images").iterdir())}
    found = []
    for stem, path in paths.items():
        text = (folder / "labels" / f"{stem}.txt").read_text(encoding="utf-8")
        for line in text.splitlines():
            kind, *values = (float(value) for value in line.split())
            if int(kind) not in kinds:
                continue
            if len(values) == 4:
                x, y, w, h = values
                box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            else:
                xs, ys = values[0::2], values[1::2]
                box = (min(xs), min(ys), max(xs), max(ys))
            if min(box[2] - box[0], box[3] - box[1]) > 0.01:
                found.append(Crop(path, box, label))
    return found


def _bare_ground(taken: list[Crop], count: int, rng: random.Random) -> list[Crop]:
    """Places in the lower half of street pictures where nothing is labelled.

    A third stays bare, a third gets a shadow, and on a third cartons are drawn: closed boxes are
    rare among the labelled heaps, and street containers look like them.
    """
    pictures = sorted({c.path for c in taken if {"amsterdam", "facade_ads"} & set(c.path.parts)})
    found: list[Crop] = []
    while len(found) < count:
        path = rng.choice(pictures)
        side = rng.uniform(0.1, 0.3)
        x, y = rng.uniform(0, 1 - side), rng.uniform(0.55, 1 - side * 0.8)
        box = (x, y, x + side, min(1.0, y + side * 0.8))
        free = not any(c.path == path and _touch(box, c.box) for c in taken)
        if free and _picture(path).mean() > 45:  # darker ones show nothing
            found.append(Crop(path, box, ("flat", "shadow", "cartons")[len(found) % 3]))
    return found


def _touch(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def shaded(view: np.ndarray, nr: np.random.Generator) -> np.ndarray:
    """The view with one soft-edged shadow or patch of light on it."""
    points = nr.integers(4, 9)
    angles = np.sort(nr.uniform(0, 2 * np.pi, points))
    radii = nr.uniform(0.18, 0.45, points) * SIDE
    middle = nr.uniform(0.35, 0.65, 2) * SIDE
    corners = middle + np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None]
    mask = cv2.fillPoly(np.zeros((SIDE, SIDE), np.float32), [corners.astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), float(nr.uniform(0.7, 5)))
    light = nr.uniform(0.35, 0.72) if nr.random() < 0.75 else nr.uniform(1.25, 1.9)
    return np.clip(view * (1 + mask[..., None] * (light - 1)), 0, 255).astype(np.uint8)


def with_cartons(view: np.ndarray, nr: np.random.Generator) -> np.ndarray:
    """The view with one to six closed boxes on the ground, front and one side each."""
    view = view.copy()
    light = max(float(view.mean()), 40) / 128
    for _ in range(nr.integers(1, 7)):
        w, h = nr.uniform(0.16, 0.42, 2) * SIDE
        x, y = nr.uniform(0.2, 0.8) * SIDE - w / 2, nr.uniform(0.45, 0.85) * SIDE - h
        deep, rise = nr.uniform(-0.5, 0.5) * w, nr.uniform(0.03, 0.2) * h
        hue = (
            nr.uniform((60, 90, 120), (160, 180, 210))
            if nr.random() < 0.8
            else nr.uniform(0, 230, 3)
        )
        front = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
        edge = x + w if deep > 0 else x
        side = [(edge, y), (edge + deep, y - rise), (edge + deep, y + h - rise), (edge, y + h)]
        top = [(x, y), (x + deep, y - rise), (x + w + deep, y - rise), (x + w, y)]
        for face, shade in (
            (front, 1.0),
            (np.array(side), nr.uniform(0.55, 0.85)),
            (np.array(top), 1.15),
        ):
            colour = np.clip(hue * light * shade, 0, 255).tolist()
            cv2.fillPoly(view, [face.astype(np.int32)], colour, cv2.LINE_AA)
        tape = np.clip(hue * light * nr.uniform(0.5, 1.3), 0, 255).tolist()
        middle = (int(x), int(y + h * nr.uniform(0.05, 0.6)))
        cv2.line(view, middle, (int(x + w), middle[1]), tape, int(nr.integers(1, 4)), cv2.LINE_AA)
    return view


_DRAWN = {"shadow": shaded, "cartons": with_cartons}
_AS = {"shadow": "flat", "cartons": "thing"}


def as_seen(view: np.ndarray, nr: np.random.Generator) -> np.ndarray:
    """The view as a street camera gives it: mirrored, coarse, dark, tinted, noisy, compressed."""
    if nr.random() < 0.5:
        view = cv2.flip(view, 1)
    if nr.random() < 0.6:
        side = int(nr.uniform(36, 120))
        small = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
        view = cv2.resize(small, (SIDE, SIDE))
    lit = 255 * (view / 255.0) ** nr.uniform(0.6, 1.7) * nr.uniform(0.5, 1.15)
    if nr.random() < 0.25:  # at night
        lit = lit * nr.uniform(0.15, 0.5)
    lit = lit * nr.uniform(0.9, 1.1, 3) + nr.normal(0, nr.uniform(0, 7), view.shape)
    view = np.clip(lit, 0, 255).astype(np.uint8)
    if nr.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(nr.uniform(40, 90))]
        view = cv2.imdecode(cv2.imencode(".jpg", view, quality)[1], cv2.IMREAD_COLOR)
    return view


def views_of(crop: Crop, nr: np.random.Generator, *, augmented: bool) -> np.ndarray:
    """One view of a crop, ``(160, 160, 3)`` BGR."""
    picture = _picture(crop.path)
    x0, y0, x1, y1 = crop.box
    context = 1.5
    if augmented:
        w, h = x1 - x0, y1 - y0
        moved = nr.uniform(-0.15, 0.15, 4) * (w, h, w, h)
        x0, y0, x1, y1 = np.array(crop.box) + moved
        context = nr.uniform(1.25, 2.6)
    view = centred(picture, (x0, y0, x1, y1), context, SIDE)
    if crop.label in _DRAWN:
        view = _DRAWN[crop.label](view, nr)
    return as_seen(view, nr) if augmented else view


def main() -> None:
    """Learn, write the model folder, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=_MODELS / "look-alikes")
    options = parser.parse_args()
    rng, nr = random.Random(_SEED), np.random.default_rng(_SEED)
    known = sorted(crops(options.data, "learn", rng), key=lambda crop: str(crop.path))
    asked = crops(options.data, "report", rng)
    print("learn", Counter(c.label for c in known), "report", Counter(c.label for c in asked))

    part = stage(_MODELS / "coco-nanodet/model.onnx", SIDE)
    features, labels = [], []
    session = ort.InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    for augmented in [False, *[True] * _AUGMENTED]:
        views = [views_of(crop, nr, augmented=augmented) for crop in known]
        for at in range(0, len(views), 32):
            images = blob(views[at : at + 32], MEAN, STD)
            features.append(session.run(None, {"images": images})[0])
        labels += [CLASSES.index(_AS.get(c.label, c.label)) for c in known]
    head = learn(np.concatenate(features), np.array(labels), len(CLASSES))
    weights = finished(part, head, len(CLASSES)).SerializeToString()
    (options.out / "model.onnx").write_bytes(weights)
    card = options.out / "model.toml"
    digest = f'sha256 = "{hashlib.sha256(weights).hexdigest()}"'
    card.write_text(re.sub('sha256 = ".*"', digest, card.read_text("utf-8")), encoding="utf-8")
    report(Namer(options.out), asked, nr)


def report(namer: Namer, asked: list[Crop], nr: np.random.Generator) -> None:
    """What each class is taken for, and how much of it is held back, by the least share."""
    shares = np.zeros((len(asked), len(CLASSES)))
    for n, crop in enumerate(asked):
        picture, box = _picture(crop.path), crop.box
        if crop.label in _DRAWN:
            picture = _DRAWN[crop.label](centred(picture, box, 1.5, SIDE), nr)
            box = (1 / 6, 1 / 6, 5 / 6, 5 / 6)
        views = namer.name(picture, Box.clipped(*box))
        shares[n] = np.mean([list(view.values()) for view in views], axis=0)
    labels = [crop.label for crop in asked]
    print("named:")
    for label in sorted(set(labels)):
        mine = shares[np.array(labels) == label]
        said = Counter(CLASSES[k] for k in mine.argmax(axis=1))
        held = [f"{np.mean(mine[:, 1:].max(axis=1) >= t):.3f} from {t}" for t in (0.6, 0.7, 0.8)]
        print(f"  {label:12} {len(mine):4}", dict(said.most_common()), "held back", *held)


if __name__ == "__main__":
    main()
