"""Average precision as everybody computes it: by pycocotools, on boxes in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edge.evaluation.labels import Label
from edge.geometry import Box

_SIDE = 1000.0
"""Boxes are shares of the picture; overlap does not change when both axes are scaled."""
_MOST_DETECTIONS = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """A detection under the name of the class measured.

    Attributes:
        name: class measured.
        box: 0–1.
        score: 0–1.
        acts: whether it reaches the operating threshold.
    """

    name: str
    box: Box
    score: float
    acts: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What is there on a picture, and what the model says is there; names already mapped."""

    labels: tuple[Label, ...]
    found: tuple[Scored, ...]


def average_precision(
    pictures: Sequence[Measured], names: Sequence[str]
) -> dict[str, tuple[float | None, float | None]]:
    """For each class AP at IoU 0.5 and the mean over 0.5 to 0.95; None without any label.

    At most 100 detections a picture and class count, the strongest, as COCO has it.
    """
    numbers = {name: number for number, name in enumerate(names, start=1)}
    annotations = [
        {
            "image_id": picture,
            "category_id": numbers[label.name],
            "bbox": _pixels(label.box),
            "area": label.box.area * _SIDE * _SIDE,
            "iscrowd": int(label.crowd),
        }
        for picture, measured in enumerate(pictures, start=1)
        for label in measured.labels
    ]
    found = [
        {
            "image_id": picture,
            "category_id": numbers[scored.name],
            "bbox": _pixels(scored.box),
            "score": scored.score,
        }
        for picture, measured in enumerate(pictures, start=1)
        for scored in measured.found
    ]
    if not annotations or not found:
        labelled = {label.name for measured in pictures for label in measured.labels}
        return {n: (0.0, 0.0) if n in labelled else (None, None) for n in names}
    precision = _evaluate(len(pictures), numbers, annotations, found)
    return {
        name: (_mean(precision[0, :, number]), _mean(precision[:, :, number]))
        for number, name in enumerate(names)
    }


def _evaluate(
    pictures: int,
    numbers: dict[str, int],
    annotations: list[dict[str, object]],
    found: list[dict[str, object]],
) -> np.ndarray:
    """Precision by IoU threshold, recall step and class."""
    with redirect_stdout(io.StringIO()):  # it prints as it goes
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": n} for n in range(1, pictures + 1)],
            "categories": [{"id": n, "name": name} for name, n in numbers.items()],
            "annotations": [a | {"id": n} for n, a in enumerate(annotations, start=1)],
        }
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluator.params.areaRng = [[0.0, 1e10]]
        evaluator.params.areaRngLbl = ["all"]
        evaluator.params.maxDets = [_MOST_DETECTIONS]
        evaluator.evaluate()
        evaluator.accumulate()
    return np.asarray(evaluator.eval["precision"], float)[:, :, :, 0, 0]


def _mean(values: np.ndarray) -> float | None:
    known = values[values > -1]
    return round(float(known.mean()), 5) if known.size else None


def _pixels(box: Box) -> list[float]:
    return [box.x0 * _SIDE, box.y0 * _SIDE, box.width * _SIDE, box.height * _SIDE]
