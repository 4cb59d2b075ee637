"""Scenarios through the real rooms: what is found, what each stage does, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.config.model import DetectorSettings
from edge.errors import EvaluationError
from edge.evaluation.cases import run_cases, summary
from edge.evaluation.load import load_scenarios
from edge.evaluation.variants import SEARCHES, Variant, stages
from tests.evaluation.making import key_frames, noise, scenario, write_scenario, write_video

TRUTH = [{"category": "0406", "zone": "kerb", "from": 24, "to": 120}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vendor on key frames two seconds apart; the same where vending is permitted."""
    where = tmp_path_factory.mktemp("scenarios")
    write_video(where / "vending.avi", key_frames("vending"))
    shown = scenario(name="vendor", video="vending.avi", truth=TRUTH)
    write_scenario(where, shown, "vendor.yaml")
    allowed: dict[str, Any] = scenario(name="market", video="vending.avi", truth=[])
    allowed["camera"]["zones"][0]["permitted_hours"] = ["06:00-12:00"]
    write_scenario(where, allowed, "market.yaml")
    return where


def gridpatrol(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", "eval", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_the_command_measures_a_folder(folder: Path, tmp_path: Path) -> None:
    """The vendor is found with the right code; at the market's hours nothing is."""
    out = tmp_path / "out.json"
    cache = tmp_path / "cache"
    done = gridpatrol("cases", "--scenarios", folder, "--json", out, "--cache", cache)
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text(encoding="utf-8"))
    row = document["categories"]["street_vending"]
    main = ("precision", "recall", "false_per_camera_day", "duplicates", "n")
    assert [row[key] for key in main] == [1.0, 1.0, 0.0, 0, 1]
    assert (row["n_scenarios"], row["n_negative"]) == (2, 1)
    assert 0 < row["time_to_report_s"]["median"] < 96
    assert [s["name"] for s in document["scenarios"]] == ["market", "vendor"]
    kept = list(cache.iterdir())
    assert kept
    bare = tmp_path / "bare.json"
    done = gridpatrol(
        "cases", "--scenarios", folder, "--json", bare, "--cache", cache, "--without", "bare"
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(bare.read_text(encoding="utf-8"))["categories"]["street_vending"]
    assert row["false"] >= 1, "a bare detector knows no permitted hours"
    assert sorted(cache.iterdir()) == sorted(kept), "the same detections serve again"


def test_mistakes_leave_pictures(folder: Path, tmp_path: Path) -> None:
    """A truth nobody can answer is missed, its case is false; both are shown."""
    wrong = scenario(name="wrong", video=str(folder / "vending.avi"))
    wrong["truth"] = [{"category": "0405", "zone": "kerb", "from": 24, "to": 110}]
    write_scenario(tmp_path, wrong)
    pictures = tmp_path / "mistakes"
    judged = run_cases(load_scenarios(tmp_path), Variant(), pictures=pictures)
    row = summary(judged)["categories"]["street_vending"]
    assert (row["false"], row["missed"]) == (1, 1)
    assert sorted(p.name for p in pictures.iterdir()) == ["false-wrong-0.jpg", "missed-wrong-0.jpg"]


def test_black_pictures_are_refused_not_judged(tmp_path: Path) -> None:
    """The product's own gate: counted, and no case."""
    black = [image * 0 for image in noise(4)]
    write_scenario(tmp_path, scenario(truth=[]))
    write_video(tmp_path / "made.avi", noise(6) + black)
    (entry,) = run_cases(load_scenarios(tmp_path), Variant())
    assert (entry.replayed.pictures, entry.replayed.unfit) == (10, 4)


def test_bad_truth_stops_the_command_before_it_runs(folder: Path, tmp_path: Path) -> None:
    """Exit 2, one line for each fault, no figures."""
    write_scenario(tmp_path, scenario(truth=[{"category": "0406", "from": 9, "to": 5}]))
    write_scenario(tmp_path, scenario(name="b", video="gone.mp4"), "b.yaml")
    out = tmp_path / "out.json"
    done = gridpatrol("cases", "--scenarios", tmp_path, "--json", out)
    assert done.returncode == 2
    assert "EVL-005" in done.stderr
    assert "EVL-006" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_without_zones_wording_is_looked_for_less_often() -> None:
    """Else a film whose whole picture is searched on each look takes hours."""
    given = DetectorSettings()
    every_s = Variant(frozenset({"zones"})).detectors(given, 22_500.0).text.every_s
    assert every_s == 22_500.0 / SEARCHES
    assert Variant(frozenset({"zones"})).detectors(given, 60.0).text == given.text
    assert Variant(frozenset({"dwell"})).detectors(given, 22_500.0).text == given.text


def test_stages_are_checked() -> None:
    """A stage that is not there would switch nothing off, silently."""
    assert stages(["second-look", " zones"]) == {"second_look", "zones"}
    with pytest.raises(EvaluationError, match="unknown stage weather"):
        stages(["weather"])
