"""Labelled pictures, and what is done to them before a network sees them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
_CACHED_SIDE = 640
_PAD = 114


@dataclass(frozen=True)
class Sample:
    """A picture (long side at most 640), its boxes ``(n, 4)`` in its pixels, and their classes."""

    picture: Picture
    boxes: Boxes
    kinds: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cutout:
    """A thing cut from its picture: BGR and its mask, 0-255."""

    picture: Picture
    mask: Picture


def read_picture(path: Path, side: int = _CACHED_SIDE) -> Picture:
    """The picture as BGR, made smaller if its long side is over ``side``."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path} is no picture that OpenCV can read")
    scale = side / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture


def load_yolo(
    folder: Path,
    kinds: Mapping[int, int],
    leave_out: frozenset[str] = frozenset(),
    part: tuple[int, frozenset[int]] = (1, frozenset((0,))),
) -> list[Sample]:
    """Pictures under ``images/`` with YOLO boxes or polygons under ``labels/``.

    Args:
        folder: holds both folders.
        kinds: class of the labels to class of the model; others are background.
        leave_out: beginnings of file names, up to ``.rf.``, that are left out.
        part: of every so many pictures, in order of their names, which ones are taken.
    """
    samples = []
    for number, path in enumerate(sorted((folder / "images").iterdir())):
        if path.name.split(".rf.")[0] in leave_out or number % part[0] not in part[1]:
            continue
        picture = read_picture(path)
        height, width = picture.shape[:2]
        boxes, classes = [], []
        for kind, points in _label_lines(folder / "labels" / f"{path.stem}.txt"):
            if kind in kinds:
                boxes.append(
                    [*(points.min(0) * (width, height)), *(points.max(0) * (width, height))]
                )
                classes.append(kinds[kind])
        samples.append(
            Sample(picture, np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int64))
        )
    return samples


def _label_lines(path: Path) -> list[tuple[int, Boxes]]:
    lines = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        kind, *numbers = line.split()
        values = np.array(numbers, np.float32)
        if len(values) == 4:
            half = values[2:] / 2
            points = np.stack((values[:2] - half, values[:2] + half))
        else:
            points = values[: len(values) // 2 * 2].reshape(-1, 2)
        lines.append((int(kind), points.clip(0, 1)))
    return lines


def cut_out(folder: Path, limit: int, rng: random.Random) -> list[Cutout]:
    """Things cut along their polygon labels, the larger ones of each picture."""
    found = []
    paths = sorted((folder / "images").iterdir())
    rng.shuffle(paths)
    for path in paths:
        picture = read_picture(path)
        size = np.array((picture.shape[1], picture.shape[0]))
        for _, points in _label_lines(folder / "labels" / f"{path.stem}.txt"):
            corners = (points * size).astype(np.int32)
            x, y, w, h = cv2.boundingRect(corners)
            if len(points) < 8 or min(w, h) < 70:
                continue
            mask = np.zeros(picture.shape[:2], np.uint8)
            cv2.fillPoly(mask, [corners], 255)
            mask = cv2.erode(mask, np.ones((5, 5), np.uint8))
            crop = picture[y : y + h, x : x + w].copy()
            found.append(Cutout(crop, mask[y : y + h, x : x + w].copy()))
        if len(found) >= limit:
            break
    return found


def pasted(sample: Sample, cutouts: list[Cutout], rng: random.Random) -> Sample:
    """A heap of one to six things set down on a picture, small as a street camera sees them."""
    picture = sample.picture.copy()
    height, width = picture.shape[:2]
    boxes = [tuple(b) for b in sample.boxes]
    tint = rng.choice(("as it is", "black", "white", "grey", "hue"))
    side = np.exp(rng.uniform(np.log(0.05), np.log(0.3))) * max(height, width)
    x, y = rng.uniform(0.05, 0.85) * width, rng.uniform(0.35, 0.95) * height
    for _ in range(rng.choice((1, 1, 2, 3, 4, 6))):
        thing = _tinted(rng.choice(cutouts), tint, picture, rng)
        scale = side * rng.uniform(0.7, 1.3) / max(thing.mask.shape)
        crop = cv2.resize(thing.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(thing.mask, (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            crop, mask = crop[:, ::-1], mask[:, ::-1]
        left, top = int(x), int(y - crop.shape[0])
        box = _laid(picture, crop, cv2.GaussianBlur(mask, (3, 3), 0), left, top)
        if box is not None:
            boxes.append(box)
        x += rng.uniform(0.4, 1.0) * crop.shape[1]
        y += rng.uniform(-0.25, 0.25) * crop.shape[0]
    kinds = np.zeros(len(boxes), np.int64)
    kinds[: len(sample.kinds)] = sample.kinds
    return Sample(picture, np.array(boxes, np.float32).reshape(-1, 4), kinds)


def _tinted(thing: Cutout, tint: str, ground: Picture, rng: random.Random) -> Cutout:
    """Another colour of bag, in the light of the ground it is set on."""
    crop = thing.picture.astype(np.float32)
    if tint in ("black", "white", "grey"):
        grey = crop.mean(2, keepdims=True)
        grey = (grey - grey.mean()) / (grey.std() + 1e-3)
        level, spread = {"black": (38, 22), "white": (195, 32), "grey": (115, 30)}[tint]
        crop = np.repeat(grey * spread + level, 3, 2) + [rng.uniform(-9, 9) for _ in range(3)]
    crop = crop.clip(0, 255).astype(np.uint8)
    if tint == "hue":
        hsv = cv2.cvtColor(crop, cv2.COLOR_BGR2HSV).astype(np.int16)
        hsv[..., 0] = (hsv[..., 0] + rng.randrange(180)) % 180
        hsv[..., 1] = (hsv[..., 1] * rng.uniform(0.2, 1.0)).astype(np.int16)
        crop = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)
    light = float(np.clip(ground.mean() / 120 * rng.uniform(0.8, 1.2), 0.3, 1.4))
    return Cutout(cv2.convertScaleAbs(crop, alpha=light), thing.mask)


def _laid(
    picture: Picture, crop: Picture, mask: Picture, left: int, top: int
) -> tuple[float, float, float, float] | None:
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + crop.shape[1], width), min(top + crop.shape[0], height)
    if x1 - x0 < 6 or y1 - y0 < 6:
        return None
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    alpha = mask[part][..., None].astype(np.float32) / 255
    under = picture[y0:y1, x0:x1]
    picture[y0:y1, x0:x1] = (crop[part] * alpha + under * (1 - alpha)).astype(np.uint8)
    return float(x0), float(y0), float(x1), float(y1)


def fitted(sample: Sample, side: int) -> Sample:
    """As the detector sees it: letterboxed at the top left, padded with 114."""
    height, width = sample.picture.shape[:2]
    scale = side / max(height, width)
    inner = cv2.resize(sample.picture, (round(width * scale), round(height * scale)))
    canvas = np.full((side, side, 3), _PAD, np.uint8)
    canvas[: inner.shape[0], : inner.shape[1]] = inner
    return Sample(canvas, sample.boxes * scale, sample.kinds)


def augmented(
    draw: Callable[[], Sample],
    side: int,
    rng: random.Random,
    *,
    mosaic: float,
    scales: tuple[float, float],
    lean_deg: float,
) -> Sample:
    """One training picture: one sample or a mosaic of four, turned, scaled, relit, compressed."""
    four = rng.random() < mosaic
    sample = _mosaic([draw() for _ in range(4)], side, rng) if four else draw()
    sample = _warped(sample, side, rng, scales, lean_deg)
    return Sample(_relit(sample.picture, rng), sample.boxes, sample.kinds)


def _mosaic(samples: list[Sample], side: int, rng: random.Random) -> Sample:
    size = side * 2
    middle_x, middle_y = (int(rng.uniform(0.35, 0.65) * size) for _ in range(2))
    canvas = np.full((size, size, 3), _PAD, np.uint8)
    boxes, kinds = [], []
    for i, sample in enumerate(samples):
        scale = side / max(sample.picture.shape[:2]) * rng.uniform(0.8, 1.2)
        part = cv2.resize(sample.picture, None, fx=scale, fy=scale)
        h, w = part.shape[:2]
        left = middle_x - w if i % 2 == 0 else middle_x
        top = middle_y - h if i < 2 else middle_y
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + w, size), min(top + h, size)
        canvas[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]
        moved = sample.boxes * scale + (left, top, left, top)
        boxes.append(moved.clip((x0, y0, x0, y0), (x1, y1, x1, y1)))
        kinds.append(sample.kinds)
    return Sample(canvas, np.concatenate(boxes).astype(np.float32), np.concatenate(kinds))


def _warped(
    sample: Sample, side: int, rng: random.Random, scales: tuple[float, float], lean_deg: float
) -> Sample:
    """Turned, sheared, scaled and moved, by one affine map.

    The box of a turned box is wider than the thing: by half its height for a sign ten times as long
    as high, leaning 6 degrees. Long thin things must not lean.
    """
    height, width = sample.picture.shape[:2]
    scale = side / max(height, width) * float(np.exp(rng.uniform(*np.log(scales))))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-lean_deg, lean_deg), scale)
    turn[0, 1] += np.tan(np.radians(rng.uniform(-lean_deg, lean_deg))) * scale
    slack = side / 2 if scale * max(height, width) > side else side * 0.35
    turn[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    turn[:, 2] += rng.uniform(-slack, slack) * 0.5, rng.uniform(-slack, slack) * 0.5
    if rng.random() < 0.5:
        turn[0] = -turn[0]
        turn[0, 2] += side
    picture = cv2.warpAffine(sample.picture, turn, (side, side), borderValue=(_PAD, _PAD, _PAD))
    if not len(sample.boxes):
        return Sample(picture, sample.boxes, sample.kinds)
    x0, y0, x1, y1 = sample.boxes.T
    corners = np.stack(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))  # (4, 2, n)
    moved = np.einsum("ab,cbn->can", turn[:, :2], corners) + turn[:, 2][None, :, None]
    box = np.concatenate((moved.min(0), moved.max(0))).T
    clipped = box.clip(0, side)
    area = (box[:, 2:] - box[:, :2]).prod(1)
    left = (clipped[:, 2:] - clipped[:, :2]).prod(1)
    kept = (left > 0.3 * area) & ((clipped[:, 2:] - clipped[:, :2]).min(1) > 4)
    return Sample(picture, clipped[kept].astype(np.float32), sample.kinds[kept])


def _relit(picture: Picture, rng: random.Random) -> Picture:
    """Light, colour, blur, noise and compression as street cameras have them."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-6, 6)) % 180
    hsv[..., 1] *= rng.uniform(0.5, 1.3)
    hsv[..., 2] = 255 * (hsv[..., 2] / 255) ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.2)
    picture = cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)
    if rng.random() < 0.1:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.3:
        noise = np.random.default_rng(rng.randrange(2**32)).normal(
            0, rng.uniform(2, 9), picture.shape
        )
        picture = (picture + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randrange(35, 95)]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    return picture


def names_in(listed: Path) -> frozenset[str]:
    """Names of pictures: the words of a file, or what lies in a folder."""
    if listed.is_dir():
        return frozenset(path.name for path in listed.iterdir())
    return frozenset(listed.read_text().split())


def load_entries(entries: list[dict], data: Path) -> list[Sample]:
    """The labelled folders that a recipe lists, each as often as it says.

    ``of = 8, take = [1, 2]``: of every eight pictures the second and the third. ``leave_out``: a
    list of names, or a folder of pictures whose names are left out.
    """
    samples: list[Sample] = []
    for entry in entries:
        named = entry.get("leave_out")
        left = names_in(data / named) if named else frozenset()
        kinds = {int(key): value for key, value in entry["kinds"].items()}
        part = (entry.get("of", 1), frozenset(entry.get("take", [0])))
        samples += load_yolo(data / entry["folder"], kinds, left, part) * entry.get("times", 1)
    return samples
