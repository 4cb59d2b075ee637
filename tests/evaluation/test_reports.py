"""Readable reports: pages, sheets of mistakes, and the page that holds every figure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from edge.errors import EvaluationError
from edge.evaluation.plan import load_plan, stems
from edge.evaluation.whole import BEGIN, END
from edge.shipped import shipped
from tests.evaluation.making import always_finds, scenario, write_photos, write_scenario

BOX = "0 0.5 0.5 0.5 0.5"
PLAN = """
detectors:
  - {id: bags, title: Bags at home, model: model, data: d, targets: {ap50: 0.85}, pictures: true}
  - {id: far, title: Bags elsewhere, model: model, data: nowhere}
  - {id: other, title: Another model, model: absent, data: d}
  - {id: streets, title: Streets, model: model, data: d, ordinary: true, targets: {fires: 0.02}}
other_models:
  - {title: Another object model, replaces: coco-nanodet, by: absent}
"""


def gridpatrol(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", "eval", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=230,
        cwd=cwd,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A model, pictures, and a street in which nothing happens."""
    always_finds(tmp_path / "model", [(0, 0.25, 0.25, 0.75, 0.75, 0.9)])
    write_photos(tmp_path / "d", {"a": BOX, "b": "", "c": "0 .1 .1 .2 .2"}, size=(200, 100))
    document = scenario(ships=True, truth=[{"category": "street_vending", "from": 4, "to": 16}])
    write_scenario(tmp_path / "s", document)
    return tmp_path


def links(page: Path) -> list[Path]:
    return [page.parent / t for t in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))]


def test_a_report_of_one_model(data: Path) -> None:
    """Figures, a diagram and a sheet with the wrong and the missed."""
    arguments = ["--model", "model", "--models-dir", data, "--data", data / "d"]
    done = gridpatrol(
        "detector", *arguments, "--json", data / "o.json", "--report", data / "r", cwd=data
    )
    assert done.returncode == 0, done.stderr
    page = data / "r" / "report.md"
    assert {link.name for link in links(page)} == {"worst.jpg", "reliability.svg"}
    assert all(link.is_file() for link in links(page))
    assert cv2.imread(str(data / "r" / "worst.jpg")).shape == (240, 960, 3)
    figures = json.loads((data / "r" / "figures.json").read_text("utf-8"))
    assert figures == json.loads((data / "o.json").read_text("utf-8"))
    assert "| bag | 2 |" in page.read_text("utf-8")


def test_a_report_of_cases(data: Path) -> None:
    """The missed case is named and shown."""
    done = gridpatrol(
        "cases", "--scenarios", data / "s", "--json", data / "o.json", "--report", data / "r",
        cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = data / "r" / "report.md"
    assert "**missed** `made`" in page.read_text("utf-8")
    assert [link.name for link in links(page)] == ["missed-made-0.jpg"]
    assert all(link.is_file() for link in links(page))


def test_everything_at_once(data: Path) -> None:
    """What is there is measured, what is not is said; text around the figures is kept."""
    (data / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (data / "docs").mkdir()
    page = data / "docs" / "accuracy.md"
    page.write_text(
        f"# Accuracy\n\nBefore.\n\n{BEGIN}\nyesterday\n{END}\n\nAfter.\n", encoding="utf-8"
    )
    done = gridpatrol(
        "--all", "--plan", data / "plan.yaml", "--scenarios", data / "s", "--scenarios",
        data / "missing", "--data", data, "--models-dir", data, cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert text.startswith("# Accuracy\n\nBefore.\n")
    assert text.endswith("After.\n")
    assert "yesterday" not in text
    assert str(data) not in text
    for said in (
        "scenario folder `missing` is missing",
        "data set `nowhere` is missing",
        "the model `absent` is missing",
        "Another object model: **not run**",
        "without the second look",
        "bare detector",
        "Fires on 3 of 3 pictures",
    ):
        assert said in text
    assert all(link.is_file() for link in links(page))
    made = {path.name for path in (data / "docs/accuracy").iterdir()}
    assert {"cases-core.json", "stages.json", "detector-bags.json", "worst-bags.jpg"} <= made


def test_the_plan_that_ships_is_in_order() -> None:
    """And a broken one is refused by its field."""
    plan = load_plan(shipped("configs") / "evaluation.yaml")
    assert {entry.model for entry in plan.detectors} == {"rubbish", "outdoor-ads"}


def test_a_plan_that_is_not_in_order(tmp_path: Path) -> None:
    """Field and reason."""
    path = tmp_path / "plan.yaml"
    path.write_text("detectors: [{id: bags, title: t, model: m}]", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"detectors\.0\.data"):
        load_plan(path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        load_plan(tmp_path / "none.yaml")


def test_lists_of_pictures(tmp_path: Path) -> None:
    """Plain, and rows of a table."""
    (tmp_path / "a.txt").write_text("x/one.jpg\ntwo.rf.0\n\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text("stem,kind\none,good\ntwo,bad\n", encoding="utf-8")
    assert stems(str(tmp_path / "a.txt")) == {"one", "two.rf.0"}
    assert stems("a.csv:kind=good", [tmp_path]) == {"one"}
    assert stems(None) == frozenset()
    for spec in ("none.txt", "a.csv:colour=red"):
        with pytest.raises(EvaluationError, match="EVL-007"):
            stems(spec, [tmp_path])


def test_eval_alone_explains_itself(tmp_path: Path) -> None:
    """Help, and an exit code that says nothing was measured."""
    done = gridpatrol(cwd=tmp_path)
    assert done.returncode == 2
    assert "detector" in done.stdout
