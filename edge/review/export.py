"""A training set of the mistakes: near views of judged cases as a YOLO folder.

``images/``, ``labels/``, ``data.yaml`` and ``cases.csv``. A right case has its box as label, a
wrong one an empty label file: nothing of its class is on that picture. The bar with the caption is
cut off; heads and plates stay covered as in the evidence.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.cases.caption import near_window, uncaptioned
from edge.errors import PictureError
from edge.evidence.copies import MANIFEST
from edge.geometry import Box
from edge.pictures import read_picture
from edge.review.verdicts import Judged, Verdict
from edge.scenes.finding import EventKind
from edge.sqlite import as_store_error

CLASSES = tuple(kind.value for kind in EventKind)
_COLUMNS = (
    "image", "case_id", "verdict", "camera", "zone", "kind", "category", "score", "by", "at",
    "note", "reasons_zh", "reasons_en",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        right, wrong: pictures with a box, and pictures without.
        left_out: one line for each case whose pictures are no longer there, or do not fit.
    """

    right: int
    wrong: int
    left_out: tuple[str, ...]


def export(judged: Iterable[Judged], evidence: Path, out: Path) -> Exported:
    """Write the right and the wrong cases as a training set; duplicates and the like are left.

    Args:
        judged: cases with verdicts.
        evidence: the box's evidence folder.
        out: folder; made when missing, files of the same case are replaced.

    Raises:
        StoreError: the folder cannot be written.
    """
    count = {Verdict.RIGHT: 0, Verdict.WRONG: 0}
    left_out = []
    try:
        for folder in ("images", "labels"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        names = json.dumps(CLASSES)
        (out / "data.yaml").write_text(
            f"path: .\ntrain: images\nval: images\nnames: {names}\n", encoding="utf-8"
        )
        with (out / "cases.csv").open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for case in judged:
                if case.verdict not in count:
                    continue
                problem = _write(case, evidence / case.case_id / "r1", out)
                if problem:
                    left_out.append(f"{case.case_id}: {problem}")
                    continue
                count[case.verdict] += 1
                table.writerow(_row(case))
    except OSError as error:
        raise as_store_error(out, error) from error
    return Exported(count[Verdict.RIGHT], count[Verdict.WRONG], tuple(left_out))


def _write(case: Judged, folder: Path, out: Path) -> str:
    """Picture and label of a case; returns why not, or nothing."""
    names = [folder / f"{role}.jpg" for role in ("near", "far")]
    if not all(name.is_file() for name in names):
        return "no pictures any more"
    try:
        near, far = (read_picture(name) for name in names)
    except PictureError as error:
        return str(error)
    box = _shown(folder) or case.box
    window = near_window(box)
    height, width = uncaptioned(far).shape[:2]
    x0, y0, x1, y1 = window.pixels(width, height)
    clean = uncaptioned(near)
    scale = clean.shape[1] / max(x1 - x0, 1)
    if abs(clean.shape[0] - (y1 - y0) * scale) > 2 + scale:
        return "the case has moved since its first picture"
    cv2.imwrite(str(out / _name(case)), clean, [cv2.IMWRITE_JPEG_QUALITY, 95])
    label = ""
    if case.verdict is Verdict.RIGHT:
        box = _inside(box, window)
        x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        label = f"{CLASSES.index(case.kind)} {x:.6f} {y:.6f} {box.width:.6f} {box.height:.6f}\n"
    (out / "labels" / f"{case.case_id}.txt").write_text(label, encoding="utf-8")
    return ""


def _shown(folder: Path) -> Box | None:
    """What the near view was cut out around: its picture may be of an earlier look."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return next(Box(*file["box"]) for file in manifest["files"] if file["role"] == "near")
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None  # of before it was written down


def _inside(box: Box, window: Box) -> Box:
    """The box as 0–1 of the window."""
    width, height = max(window.width, 1e-9), max(window.height, 1e-9)
    return Box.clipped(
        (box.x0 - window.x0) / width,
        (box.y0 - window.y0) / height,
        (box.x1 - window.x0) / width,
        (box.y1 - window.y0) / height,
    )


def _name(case: Judged) -> str:
    return f"images/{case.case_id}.jpg"


def _row(case: Judged) -> tuple[str, ...]:
    return (
        _name(case),
        case.case_id,
        case.verdict.value,
        case.camera_id,
        case.zone_id,
        case.kind,
        case.category,
        f"{case.score:.4f}",
        case.reviewer,
        case.given_at.isoformat(),
        case.note,
        "；".join(words.zh for words in case.reasons),
        "; ".join(words.en for words in case.reasons),
    )
