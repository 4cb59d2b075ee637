"""A model and its int8 twin: which may be used, and which is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.detectors.objects import ObjectDetector
from edge.detectors.precision import folders, quickest
from edge.detectors.session import run_s
from edge.errors import ModelError
from edge.shipped import shipped
from tests.detectors.test_objects import frames


@pytest.mark.parametrize(
    ("name", "precision", "expected"),
    [
        ("rubbish", "fp32", ["rubbish"]),
        ("rubbish", "int8", ["rubbish-int8"]),
        ("rubbish", "auto", ["rubbish", "rubbish-int8"]),
        ("rubbish-int8", "auto", ["rubbish-int8"]),
        ("rubbish-int8", "fp32", ["rubbish-int8"]),
        ("look-alikes", "int8", ["look-alikes"]),
    ],
)
def test_twins_are_found_by_name(name: str, precision: str, expected: list[str]) -> None:
    assert [folder.name for folder in folders(name, None, precision)] == expected


def test_the_sites_own_twin_comes_first(tmp_path: Path) -> None:
    (tmp_path / "rubbish-int8").mkdir()
    assert folders("rubbish", tmp_path, "int8") == [tmp_path / "rubbish-int8"]


def test_a_site_s_own_model_is_not_replaced_by_the_shipped_twin(tmp_path: Path) -> None:
    (tmp_path / "rubbish").mkdir()
    assert folders("rubbish", tmp_path, "auto") == [tmp_path / "rubbish"]
    (tmp_path / "rubbish-int8").mkdir()
    assert folders("rubbish", tmp_path, "int8") == [tmp_path / "rubbish-int8"]


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no such model"):
        folders("nothing", None, "auto")


@pytest.mark.parametrize("order", [("rubbish", "rubbish-int8"), ("rubbish-int8", "rubbish")])
def test_the_second_is_taken_only_when_it_is_clearly_quicker(order: tuple[str, str]) -> None:
    """Whichever that is here: one of the two orders keeps the first, or both are alike."""
    models = [ObjectDetector(shipped("models") / name, provider="cpu") for name in order]
    before = [run_s(model.session, model.card) for model in models]
    chosen = quickest(models)
    if before[1] > 1.5 * before[0]:
        assert chosen is models[0]
    elif before[1] < 0.6 * before[0]:
        assert chosen is models[1]
    else:  # too near for a machine that others use, too
        assert chosen in models


def test_the_twin_of_the_object_model_finds_what_the_model_finds() -> None:
    """On the demo's scenes: of ten detections at most one is found by one of them only."""
    pictures = [
        image for name in ("clear", "vending", "piles") for image in frames(name, 5, 25, 40)
    ]
    names = ("coco-nanodet", "coco-nanodet-int8")
    one, other = (ObjectDetector(shipped("models") / name, provider="cpu") for name in names)
    both, apart = 0, 0
    for found, twin in zip(one.find(pictures), other.find(pictures), strict=True):
        left = list(twin)
        for detection in found:
            same = [d for d in left if d.label == detection.label]
            best = max(same, key=lambda d: d.box.iou(detection.box), default=None)
            if best is None or best.box.iou(detection.box) < 0.5:
                apart += 1
                continue
            left.remove(best)
            both += 1
            assert abs(best.score - detection.score) < 0.2
        apart += len(left)
    assert both > 30
    assert apart <= both / 10
