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
