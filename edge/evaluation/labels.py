"""One label file: boxes or polygons, one a line, every fault with its line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import Code, EvaluationError, GridpatrolError
from edge.geometry import Box

_ROUNDING = 1e-3
"""Coordinates beyond the picture by so little were rounded; beyond that they are wrong."""


@dataclass(frozen=True, slots=True)
class Label:
    """A thing that is there.

    Attributes:
        name: class name as the data set has it.
        box: 0–1 of the upright picture.
        crowd: a region of many that are not told apart: neither found nor missed nor false.
    """

    name: str
    box: Box
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and everything labelled on it."""

    path: Path
    labels: tuple[Label, ...]


def read_label_file(
    file: Path, names: Sequence[str], problems: list[GridpatrolError]
) -> tuple[Label, ...]:
    """The labels of a YOLO file: ``class cx cy w h`` or ``class x1 y1 x2 y2 x3 y3 …``.

    Args:
        file: the file; an empty one means that nothing is there.
        names: class names in the order of their numbers.
        problems: gets one error for each line that is not in order.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        problems.append(_bad(str(file), "cannot be read as text"))
        return ()
    labels = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            labels.append(_label(line.split(), names))
        except ValueError as error:
            problems.append(_bad(f"{file}:{number}", str(error)))
    return tuple(labels)


def _label(words: Sequence[str], names: Sequence[str]) -> Label:
    try:
        index, *values = (float(word) for word in words)
    except ValueError:
        raise ValueError(f"not numbers: {' '.join(words)[:60]!r}") from None
    if index != int(index) or not 0 <= index < len(names):
        raise ValueError(f"class {words[0]} is not in data.yaml (it has 0 to {len(names) - 1})")
    outside = [v for v in values if not -_ROUNDING <= v <= 1 + _ROUNDING or math.isnan(v)]
    if outside:
        raise ValueError(f"coordinate {outside[0]:g} lies outside 0–1 (pixels instead of shares?)")
    name = names[int(index)]
    if len(values) == 4:
        x, y, width, height = values
        box = Box.clipped(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        box = Box.clipped(min(xs), min(ys), max(xs), max(ys))
    else:
        raise ValueError(f"{len(values)} numbers are neither a box (4) nor a polygon (6, 8, …)")
    if box.area <= 0:
        raise ValueError("the box has no area")
    return Label(name, box)


def _bad(where: str, what: str) -> EvaluationError:
    return EvaluationError(Code.EVL_LABEL, where, what, "Mend the label file")
