"""Scenario files: what may be left out, and what is refused by file and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.errors import Code, EvaluationError
from edge.evaluation.faults import FaultsError
from edge.evaluation.load import load_scenarios
from tests.evaluation.making import FOOTAGE, noise, scenario, write_scenario, write_video


def test_a_whole_scenario_is_read(tmp_path: Path) -> None:
    """Every field arrives; ten pictures two seconds apart last twenty seconds."""
    write_scenario(tmp_path / "deep/er", scenario(tags=["rain"], ships=True))
    (made,) = load_scenarios(tmp_path)
    assert (made.name, made.split, made.kind, made.tags) == (
        "made", "report", "street_vending", ("rain",),
    )  # fmt: skip
    assert made.length_s == 20
    assert made.ships
    assert made.starts_at.isoformat() == "2026-06-01T09:00:00+08:00"
    assert made.camera.look_every_s == 2.0
    assert made.truth[0].code is None


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    """No name, split, kind, tags, start or cadence; a truth without a zone where one fits."""
    document = scenario(
        name=..., split=..., kind=..., starts_at=..., cadence_s=...,
        video=str(FOOTAGE / "ads.mp4"),
        truth=[{"category": 406, "from": "00:04", "to": "0:40.5"}],
    )  # fmt: skip
    del document["camera"]["position"]
    write_scenario(tmp_path, document, "only.yml")
    (made,) = load_scenarios(tmp_path)
    assert (made.name, made.split, made.kind) == ("only", "report", "street_vending")
    assert made.starts_at.hour == 9
    assert made.starts_at.tzinfo is not None
    assert made.length_s == pytest.approx(60, abs=0.5)
    (truth,) = made.truth
    assert (truth.zone, truth.from_s, truth.to_s, truth.code) == ("kerb", 4, 40.5, "0406")


@pytest.mark.parametrize(
    ("written", "key", "watch"),
    [
        ("0406", "0406", "street_vending"),
        (406, "0406", "street_vending"),
        ("09006", "0406", "street_vending"),
        (9006, "0406", "street_vending"),
        ("EXT-01", "EXT-01", "piled_materials"),
        ("0110", "0110", "piled_materials"),
        ("0201", "0201", "illegal_ads"),
    ],
)
def test_a_category_may_be_a_code(tmp_path: Path, written: object, key: str, watch: str) -> None:
    """Of either scheme, also where YAML has eaten the leading zero."""
    document = scenario(kind=watch, truth=[{"category": written, "from": 4, "to": 16}])
    document["camera"]["zones"][0]["watch"] = watch
    write_scenario(tmp_path, document)
    (made,) = load_scenarios(tmp_path)
    assert made.truth[0].code == key
    assert made.truth[0].kind == watch


def truth(**changed: Any) -> list[dict[str, Any]]:
    return [{"category": "street_vending", "zone": "kerb", "from": 4, "to": 16} | changed]


def zoned(**changed: Any) -> dict[str, Any]:
    document = scenario()
    document["camera"]["zones"][0] |= changed
    return document["camera"]


@pytest.mark.parametrize(
    ("changed", "field", "what"),
    [
        ({"truth": truth(zone="moon")}, "truth[0].zone", "'moon' is no zone"),
        ({"truth": truth(category="0201")}, "truth[0].zone", "watched for street_vending"),
        ({"truth": truth(category="murder")}, "truth[0].category", "'murder' is neither"),
        ({"truth": truth(category=None)}, "truth[0].category", "required"),
        ({"truth": truth(to=4)}, "truth[0].to", "is not after from"),
        ({"truth": truth(to=60)}, "truth[0].to", "the video ends at 20 s"),
        ({"truth": truth(to="soon")}, "truth[0].to", "neither seconds"),
        ({"truth": truth(**{"from": None})}, "truth[0].from", "neither seconds"),
        ({"truth": truth(**{"from": -1})}, "truth[0].from", "before the video"),
        ({"truth": truth(**{"from": float("nan")})}, "truth[0].from", "before the video"),
        ({"truth": ["kerb"]}, "truth[0]", "needs category"),
        ({"truth": ...}, "truth", "a list is required"),
        ({"video": "gone.mp4"}, "video", "no such file"),
        ({"video": ...}, "video", "required"),
        ({"video": "made.yaml"}, "video", "cannot be decoded"),
        ({"split": "secret"}, "split", "none of tuning, report"),
        ({"kind": "arson"}, "kind", "none of street_vending"),
        ({"cadence_s": "often"}, "cadence_s", "not a number of seconds"),
        ({"cadence_s": 0}, "cadence_s", "not a number of seconds"),
        ({"starts_at": "dawn"}, "starts_at", "is no moment"),
        ({"camera": {"position": {"lon": 1, "lat": 2}}}, "camera.zones", "required"),
        ({"camera": zoned(dwel_s=1)}, "camera.zones.0.dwel_s", "not permitted"),
        ({"camera": zoned(polygon=[[0, 0], [1, 1]])}, "camera.zones.0.polygon", "3 corners"),
        ({"detectors": {"static": {"stay": 1}}}, "detectors.static.stay", "not permitted"),
    ],
)
def test_a_fault_names_file_and_field(
    tmp_path: Path, changed: dict[str, Any], field: str, what: str
) -> None:
    """In one line."""
    file = write_scenario(tmp_path, scenario(**changed))
    with pytest.raises(FaultsError) as caught:
        load_scenarios(tmp_path)
    (problem,) = caught.value.problems
    assert problem.code in (Code.EVL_SCENARIO, Code.EVL_VIDEO)
    assert problem.where == f"{file} {field}"
    assert what in problem.what
    assert "\n" not in str(problem)


def test_every_bad_scenario_is_named(tmp_path: Path) -> None:
    """One pass mends the folder: other files' faults, broken YAML and names used twice."""
    write_scenario(tmp_path, scenario(), "a.yaml")
    write_scenario(tmp_path, scenario(), "b.yaml")
    write_scenario(tmp_path, scenario(name="c", truth=truth(zone="moon", to=99)), "c.yaml")
    (tmp_path / "d.yaml").write_text("truth: [", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("names: [a]", encoding="utf-8")
    with pytest.raises(FaultsError) as caught:
        load_scenarios(tmp_path)
    text = str(caught.value)
    assert text.count("\n") == len(caught.value.problems) - 1
    assert all(f"{name}.yaml" in text for name in "abcd")
    assert "other.yaml" not in text


def test_a_video_that_is_cut_off_does_not_hold_its_truth(tmp_path: Path) -> None:
    """Half the file: the truth ends after the last picture that is left."""
    write_scenario(tmp_path, scenario(truth=truth(to=20)))
    whole = write_video(tmp_path / "made.avi", noise(10)).read_bytes()
    (tmp_path / "made.avi").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FaultsError, match=r"EVL-00[56]"):
        load_scenarios(tmp_path)


def test_a_folder_without_scenarios_is_an_error(tmp_path: Path) -> None:
    """Never a table of zeros."""
    with pytest.raises(EvaluationError, match="no such folder"):
        load_scenarios(tmp_path / "none")
    with pytest.raises(EvaluationError, match="no scenario"):
        load_scenarios(tmp_path)
    write_scenario(tmp_path, scenario())
    assert len(load_scenarios(tmp_path, "report")) == 1
    with pytest.raises(EvaluationError, match="none of split 'tuning'"):
        load_scenarios(tmp_path, "tuning")
