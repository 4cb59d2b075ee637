"""A model and its int8 twin: which may be used, and which is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.detectors.objects import ObjectDetector
from edge.detectors.precision import folders, quickest
from edge.detectors.session import run_s
from edge.errors import ModelError
from edge.shipped import shipped


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


@pytest.mark.parametrize(
    ("first_s", "second_s", "chosen"),
    [(0.020, 0.010, 1), (0.020, 0.017, 1), (0.020, 0.019, 0), (0.020, 0.030, 0)],
)
def test_the_second_is_taken_only_when_it_is_clearly_quicker(
    first_s: float, second_s: float, chosen: int
) -> None:
    """A tenth at least: int8 is a little less accurate."""
    names = ("rubbish", "rubbish-int8")
    models = [ObjectDetector(shipped("models") / name, provider="cpu") for name in names]
    takes = dict(zip((model.name for model in models), (first_s, second_s), strict=True))
    assert quickest(models, lambda model: takes[model.name]) is models[chosen]


def test_both_are_measured_here_and_one_is_taken() -> None:
    models = [
        ObjectDetector(shipped("models") / name, provider="cpu")
        for name in ("rubbish", "rubbish-int8")
    ]
    assert quickest(models) in models
    assert all(run_s(model.session, model.card) > 0 for model in models)
