"""``gridpatrol eval detector``: a model with a card against labelled pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.detectors.base import Detection
from edge.detectors.card import ModelCard, model_folder
from edge.detectors.objects import ObjectDetector
from edge.evaluation.average import Measured, Scored, average_precision
from edge.evaluation.classes import Classes, meet
from edge.evaluation.dataset import DataSet
from edge.evaluation.labels import LabelledPicture
from edge.evaluation.operating import calibration, counts, fire_rate
from edge.evaluation.photo import read_photo
from edge.evaluation.stats import wilson

_MIN_SCORE = 0.001
_MERGED_IOU = 0.5


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """A model measured on a data set.

    Attributes:
        card: of the model.
        data: what it was measured on.
        classes: how labels and model met.
        measured: one for each picture of the data set, in its order.
    """

    card: ModelCard
    data: DataSet
    classes: Classes
    measured: tuple[Measured, ...]


def run_detector(
    name: str,
    data: DataSet,
    mapping: Mapping[str, str],
    *,
    models_dir: Path | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> DetectorResult:
    """Run a model over every picture, keeping detections down to a score of 0.001.

    Args:
        name: a model's folder by name, or a path to one.
        data: labelled pictures; without class names they are ordinary ones, showing nothing.
        mapping: old class name to new, see :func:`edge.evaluation.classes.read_map`.
        models_dir: the site's own folder of models.
        tell: gets a line now and then.

    Raises:
        GridpatrolError: no such model, classes that do not meet, a picture that is none.
    """
    folder = Path(name) if (Path(name) / "model.toml").is_file() else model_folder(name, models_dir)
    detector = ObjectDetector(folder)
    known = [n for n in detector.card.output.classes if n in detector.card.meanings or data.names]
    classes = meet(data.names or known, known, mapping)
    measured = []
    for number, picture in enumerate(data.pictures, start=1):
        measured.append(_measure(detector, picture, classes))
        if number % 100 == 0:
            tell(f"{number} of {len(data.pictures)} pictures")
    return DetectorResult(detector.card, data, classes, tuple(measured))


def _measure(detector: ObjectDetector, picture: LabelledPicture, classes: Classes) -> Measured:
    image = read_photo(picture.path)
    (found,) = detector.find([image], least=_MIN_SCORE, every_class=True)
    limits = detector.card.thresholds
    scored = [
        Scored(
            classes.of_model[d.label],
            d.box,
            d.score,
            d.score >= limits.per_class.get(d.label, limits.score),
        )
        for d in found
        if _counts(d, classes)
    ]
    labels = [
        replace(label, name=classes.of_label[label.name])
        for label in picture.labels
        if classes.of_label.get(label.name) in classes.names
    ]
    return Measured(tuple(labels), _merged(scored, classes))


def _counts(detection: Detection, classes: Classes) -> bool:
    return classes.of_model.get(detection.label) in classes.names


def _merged(scored: list[Scored], classes: Classes) -> tuple[Scored, ...]:
    """Where several of the model's classes were made one, one thing must not be found twice."""
    merged = list(classes.of_model.values())
    kept: list[Scored] = []
    for candidate in sorted(scored, key=lambda s: -s.score):
        if merged.count(candidate.name) < 2 or all(
            candidate.name != other.name or candidate.box.iou(other.box) < _MERGED_IOU
            for other in kept
        ):
            kept.append(candidate)
    return tuple(kept)


def detector_figures(result: DetectorResult) -> dict[str, Any]:
    """The JSON document: ``classes`` first; ``None`` where there was nothing to divide by."""
    names = result.classes.names
    average = average_precision(result.measured, names)
    classes, intervals = {}, {}
    for name in names:
        right, wrong, missed = counts(result.measured, name)
        ap50, ap50_95 = average[name]
        classes[name] = {
            "ap50": ap50,
            "ap50_95": ap50_95,
            "precision": _share(right, right + wrong),
            "recall": _share(right, right + missed),
            "n": right + missed,
        }
        intervals[name] = {
            "precision_ci95": wilson(right, right + wrong),
            "recall_ci95": wilson(right, right + missed),
            "right": right,
            "wrong": wrong,
            "missed": missed,
        }
    limits = result.card.thresholds
    return {
        "classes": classes,
        "details": intervals,
        "calibration": calibration(result.measured, names),
        "fire_rate": fire_rate(result.measured),
        "model": result.card.title,
        "sha256": result.card.sha256,
        "threshold": {"score": limits.score, "per_class": limits.per_class},
        "pictures": len(result.measured),
        "pictures_from": result.data.folder.name,
        "pictures_without_label_file": result.data.unlabelled,
        "classes_only_in_labels": list(result.classes.only_labels),
        "classes_only_in_model": list(result.classes.only_model),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None
