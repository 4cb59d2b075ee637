"""The hand-made labels are well formed, and the script makes of them what trainers read."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

TRAIN = Path(__file__).parents[2] / "models" / "train"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("amsterdam", TRAIN / "amsterdam.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


amsterdam = _script()


def test_photos_are_unique_and_their_hashes_well_formed() -> None:
    photos = amsterdam.read_photos(amsterdam.LABELS / "photos.csv")
    assert len(photos) == len({p.file for p in photos}) == len({p.sha256 for p in photos}) == 150
    assert all(re.fullmatch(r"[0-9a-f]{64}", p.sha256) for p in photos)
    assert {p.state for p in photos} == set(amsterdam.STATES)


def test_boxes_lie_in_the_picture_and_have_known_classes() -> None:
    boxes = amsterdam.read_boxes(amsterdam.LABELS / "labels.csv")
    for file, found in boxes.items():
        assert len(set(found)) == len(found), file
        for box in found:
            assert box.name in (*amsterdam.CLASSES, amsterdam.GROUP)
            assert 0 <= box.x0 < box.x1 <= 1, (file, box)
            assert 0 <= box.y0 < box.y1 <= 1, (file, box)


def test_exactly_the_photos_with_rubbish_have_boxes() -> None:
    photos = amsterdam.read_photos(amsterdam.LABELS / "photos.csv")
    boxes = amsterdam.read_boxes(amsterdam.LABELS / "labels.csv")
    assert set(boxes) == {p.file for p in photos if p.state == "rubbish"}


def test_every_bag_heap_holds_bags_of_its_own() -> None:
    for file, found in amsterdam.read_boxes(amsterdam.LABELS / "labels.csv").items():
        for heap in (b for b in found if b.name == amsterdam.GROUP):
            inside = [
                b
                for b in found
                if b.name == "rubbish_bag"
                and heap.x0 <= (b.x0 + b.x1) / 2 <= heap.x1
                and heap.y0 <= (b.y0 + b.y1) / 2 <= heap.y1
            ]
            assert inside, file


def _made_up(folder: Path) -> tuple[Path, Path]:
    """One rubbish photo, one clean, one unclear, with labels; returns photos and labels."""
    photos, labels = folder / "photos", folder / "labels"
    photos.mkdir()
    labels.mkdir()
    states = {"a.jpg": "rubbish", "b.jpg": "clean", "c.jpg": "unclear"}
    rows: list[Sequence[object]] = [("file", "sha256", "state", "note")]
    for number, (name, state) in enumerate(states.items()):
        cv2.imwrite(str(photos / name), np.full((6, 8, 3), 40 * number, np.uint8))
        rows.append((name, hashlib.sha256((photos / name).read_bytes()).hexdigest(), state, ""))
    _table(labels / "photos.csv", rows)
    _table(
        labels / "labels.csv",
        [
            ("file", "class", "x0", "y0", "x1", "y1"),
            ("a.jpg", "rubbish_bag", 0.25, 0.5, 0.75, 1.0),
            ("a.jpg", "exposed_rubbish", 0.0, 0.0, 0.5, 0.25),
            ("a.jpg", "bag_heap", 0.0, 0.5, 1.0, 1.0),
        ],
    )
    return photos, labels


def _table(path: Path, rows: list[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def _run(photos: Path, labels: Path, out: Path, *more: str) -> int:
    given = ["--photos", str(photos), "--labels", str(labels), "--out", str(out), *more]
    return int(amsterdam.main(given))


def test_a_yolo_folder_is_made_of_the_judged_photos(tmp_path: Path) -> None:
    photos, labels = _made_up(tmp_path)
    out = tmp_path / "out"
    assert _run(photos, labels, out) == 0
    assert sorted(p.name for p in (out / "images").iterdir()) == ["a.jpg", "b.jpg"]
    assert (out / "labels" / "a.txt").read_text().splitlines() == [
        "0 0.50000 0.75000 0.50000 0.50000",
        "1 0.25000 0.12500 0.50000 0.25000",
    ]
    assert (out / "labels" / "b.txt").read_text() == ""
    assert "names: [rubbish_bag, exposed_rubbish]" in (out / "data.yaml").read_text()


def test_bag_heaps_become_a_third_class_when_asked_for(tmp_path: Path) -> None:
    photos, labels = _made_up(tmp_path)
    out = tmp_path / "out"
    assert _run(photos, labels, out, "--groups", "--unclear") == 0
    assert "2 0.50000 0.75000 1.00000 0.50000" in (out / "labels" / "a.txt").read_text()
    assert (out / "images" / "c.jpg").is_file()


@pytest.mark.parametrize("harm", ["other", "missing"])
def test_a_photo_that_is_not_the_labelled_one_is_refused(
    tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, labels = _made_up(tmp_path)
    if harm == "other":
        (photos / "b.jpg").write_bytes((photos / "a.jpg").read_bytes())
    else:
        (photos / "b.jpg").unlink()
    assert _run(photos, labels, tmp_path / "out") == 1
    assert "b.jpg" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    photos, labels = _made_up(tmp_path)
    assert _run(photos, labels, photos) == 1
    assert sorted(p.name for p in photos.iterdir()) == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_ordinary_streets_have_one_known_judgement_each() -> None:
    with (TRAIN / "labels" / "ordinary_streets.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["stem"] for row in rows}) == 500
    known = {"none", "litter_small", "skip", "rubble", "heap", "bags"}
    assert {row["rubbish"] for row in rows} == known
    assert {row["ads"] for row in rows} == {"", "boards", "shop_signs"}
