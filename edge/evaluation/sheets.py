"""Pictures of a report: contact sheets of the worst mistakes and a reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.detectors.objects import ObjectDetector
from edge.evaluation.detector import DetectorResult
from edge.evaluation.operating import match
from edge.evaluation.photo import read_photo
from edge.evaluation.snapshots import draw_box
from edge.geometry import Box
from edge.redaction.parts import redacted
from edge.shipped import shipped
from edge.streams.frame import Image

_CELL = (320, 240)
_COLUMNS = 4
_QUALITY = 80
_WRONG = (64, 64, 240)  # BGR: red
_MISSED = (60, 200, 255)  # yellow
_RIGHT = (96, 190, 96)  # green


@dataclass(frozen=True, slots=True)
class _Mistake:
    picture: int
    box: Box
    words: str
    colour: tuple[int, int, int]
    weight: float


def worst_detections(result: DetectorResult, path: Path, *, most: int = 24) -> int:
    """A sheet of the surest wrong detections and the largest missed labels; returns how many.

    Heads and plates are blurred as far as the shipped object model finds people and vehicles.
    """
    wrong: list[_Mistake] = []
    missed: list[_Mistake] = []
    for number, measured in enumerate(result.measured):
        for name in result.classes.names:
            matched = match(
                [s for s in measured.found if s.name == name and s.acts],
                [label for label in measured.labels if label.name == name],
            )
            wrong += [
                _Mistake(number, s.box, f"{name} {s.score:.2f}", _WRONG, s.score)
                for s in matched.wrong
            ]
            missed += [
                _Mistake(number, label.box, f"missed {name}", _MISSED, label.box.area)
                for label in matched.free
            ]
    wrong.sort(key=lambda m: -m.weight)
    missed.sort(key=lambda m: -m.weight)
    half = most // 2
    chosen = wrong[: max(half, most - len(missed))] + missed[: max(half, most - len(wrong))]
    if chosen:
        private = ObjectDetector(shipped("models") / "coco-nanodet")
        cells = [_cell(result, mistake, private) for mistake in chosen[:most]]
        write_sheet(cells, path)
    return len(chosen[:most])


def _cell(result: DetectorResult, mistake: _Mistake, private: ObjectDetector) -> Image:
    image = read_photo(result.data.pictures[mistake.picture].path)
    (people,) = private.find([image], least=0.25)
    image = redacted(image, people)
    thick = max(image.shape[1] // 400, 1)
    for label in result.measured[mistake.picture].labels:
        draw_box(image, label.box, "", _RIGHT, thick)
    draw_box(image, mistake.box, "", mistake.colour, 2 * thick)
    around = mistake.box.grown(0.8)
    x0, y0, x1, y1 = around.pixels(image.shape[1], image.shape[0])
    cell = fitted(image[y0:y1, x0:x1], _CELL)
    cv2.putText(
        cell, mistake.words, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA
    )
    cv2.putText(
        cell, mistake.words, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, mistake.colour, 1, cv2.LINE_AA
    )
    return cell


def worst_cases(pictures: Sequence[Path], path: Path, *, most: int = 9) -> int:
    """A sheet of snapshots of mistakes, the false ones first; returns how many."""
    cells = []
    for picture in sorted(pictures, key=lambda p: (not p.name.startswith("false"), p.name))[:most]:
        image = cv2.imread(str(picture))
        if image is None:
            continue
        cell = fitted(np.asarray(image, np.uint8), (480, 360))
        at, colour = (6, 354), (255, 255, 255)
        cv2.putText(
            cell, picture.stem, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA
        )
        cv2.putText(cell, picture.stem, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
        cells.append(cell)
    if cells:
        write_sheet(cells, path, columns=3)
    return len(cells)


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """The picture inside a grey cell of that size, its shape kept."""
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    cell = np.full((size[1], size[0], 3), 40, np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    cell[top : top + inner[1], left : left + inner[0]] = small
    return cell


def write_sheet(cells: Sequence[Image], path: Path, *, columns: int = _COLUMNS) -> None:
    """Cells of one size side by side, as one JPEG."""
    columns = min(columns, len(cells))
    blank = np.full_like(cells[0], 40)
    rows = [list(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    rows[-1] += [blank] * (columns - len(rows[-1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def reliability_svg(figures: dict[str, Any], title: str) -> str:
    """Share of right detections over score, one dot a bin, its size after how many are in it."""
    side, pad = 300, 46
    most = max((b["n"] for b in figures["bins"]), default=0) or 1
    dots = [
        f'<circle cx="{pad + b["score"] * side:.1f}" cy="{pad + (1 - b["right"]) * side:.1f}" '
        f'r="{3 + 9 * (b["n"] / most) ** 0.5:.1f}" fill="#2f6fde" fill-opacity="0.75">'
        f"<title>{b['n']} detections, score {b['score']:.2f}, right {b['right']:.2f}</title>"
        "</circle>"
        for b in figures["bins"]
        if b["n"]
    ]
    ticks = "".join(
        f'<text x="{pad + t * side:.0f}" y="{pad + side + 16}" text-anchor="middle">{t:g}</text>'
        f'<text x="{pad - 6}" y="{pad + (1 - t) * side + 4:.0f}" text-anchor="end">{t:g}</text>'
        for t in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    whole = side + 2 * pad
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" width="{whole}" '
        'font-family="sans-serif" font-size="11" fill="#333">'
        f'<rect width="{whole}" height="{whole}" fill="#fff"/>'
        f'<rect x="{pad}" y="{pad}" width="{side}" height="{side}" fill="#f6f7f9" stroke="#bbb"/>'
        f'<path d="M{pad} {pad + side}L{pad + side} {pad}" stroke="#999" stroke-dasharray="4 4"/>'
        f"{ticks}{''.join(dots)}"
        f'<text x="{whole / 2:.0f}" y="20" text-anchor="middle" font-size="13">{title}</text>'
        f'<text x="{whole / 2:.0f}" y="{whole - 8}" text-anchor="middle">score</text>'
        f'<text x="12" y="{whole / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {whole / 2:.0f})">share that is right</text></svg>\n'
    )
