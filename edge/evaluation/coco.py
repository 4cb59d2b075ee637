"""COCO annotations: one JSON file for all pictures, boxes in pixels."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import Code, EvaluationError, GridpatrolError
from edge.evaluation.faults import FaultsError
from edge.evaluation.labels import Label, LabelledPicture
from edge.geometry import Box


def read_coco(file: Path) -> tuple[tuple[str, ...], tuple[LabelledPicture, ...]]:
    """Class names and labelled pictures.

    Raises:
        FaultsError: one line for each annotation or picture that is not in order.
        EvaluationError: not COCO annotations.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        names = {entry["id"]: str(entry["name"]) for entry in document["categories"]}
        images = {entry["id"]: entry for entry in document["images"]}
        annotations = list(document["annotations"])
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise _bad(
            Code.EVL_DATA, str(file), f"no COCO annotations ({type(error).__name__}: {error})"
        ) from error
    problems: list[GridpatrolError] = []
    labels: dict[Any, list[Label]] = defaultdict(list)
    for number, entry in enumerate(annotations):
        try:
            labels[entry["image_id"]].append(_label(entry, names, images))
        except (KeyError, TypeError, ValueError) as error:
            where = f"{file} annotations[{number}]"
            problems.append(_bad(Code.EVL_LABEL, where, str(error).strip("'\"")))
    pictures = []
    for key, image in images.items():
        path = _find(file.parent, str(image.get("file_name", "")))
        if path is None:
            what = f"picture {image.get('file_name')!r} is not there"
            problems.append(_bad(Code.EVL_PICTURE, str(file), what))
        else:
            pictures.append(LabelledPicture(path, tuple(labels[key])))
    if problems:
        raise FaultsError(problems)
    return tuple(names.values()), tuple(sorted(pictures, key=lambda picture: picture.path))


def _label(
    entry: Mapping[str, Any], names: Mapping[Any, str], images: Mapping[Any, Mapping[str, Any]]
) -> Label:
    name, image = names.get(entry["category_id"]), images.get(entry["image_id"])
    if name is None:
        raise ValueError(f"category {entry['category_id']} is not in categories")
    if image is None:
        raise ValueError(f"image {entry['image_id']} is not in images")
    x, y, width, height = (float(value) for value in entry["bbox"])
    across, down = float(image["width"]), float(image["height"])
    if width <= 0 or height <= 0:
        raise ValueError("the box has no area")
    box = Box.clipped(x / across, y / down, (x + width) / across, (y + height) / down)
    if box.area <= 0 or x < -1 or y < -1 or x + width > across + 1 or y + height > down + 1:
        raise ValueError(f"the box lies outside the picture ({across:g} x {down:g})")
    return Label(name, box, bool(entry.get("iscrowd", 0)))


def _find(folder: Path, name: str) -> Path | None:
    inside = (folder / name, folder / "images" / name, folder.parent / "images" / name)
    places = (*inside, folder.parent / name)
    return next((place for place in places if name and place.is_file()), None)


def _bad(code: Code, where: str, what: str) -> EvaluationError:
    return EvaluationError(code, where, what, "Mend the annotation file")
