"""The scenarios: the catalogue's counts, and a few short films built and read again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from ruamel.yaml import YAML

from edge.config.model import CameraSettings, DetectorSettings

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples/scenarios/build.py"
VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
KINDS = ("street_vending", "piled_materials", "illegal_ads")
TRIED = ("vend-lane-table", "pile-neg-hotel-bins", "ads-lane-banner", "vend-row-clothes-rack",
         "pile-gate-sacks", "ads-mural-qr", "ads-day-palace")  # fmt: skip
LOOKS = 45

sys.path.insert(0, str(SCRIPT.parent))


def _catalogue() -> Any:
    from catalogue import SCENARIOS

    return SCENARIOS


def _days() -> Any:
    from catalogue import DAYS

    return DAYS


def _built(out: Path) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--core", "--days", "--out", str(out), "--looks",
         str(LOOKS),
         "--only", *TRIED],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = sorted(out.glob("*.yaml"))
    return {path.stem: YAML(typ="safe").load(path.read_text(encoding="utf-8")) for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    if not VTEST.is_file():
        pytest.skip("Debian's opencv-doc is not installed")
    out = tmp_path_factory.mktemp("scenarios")
    return out, _built(out)


def _pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


def test_there_are_enough_and_they_are_balanced() -> None:
    scenarios = _catalogue()
    names = [s.name for s in (*scenarios, *_days())]
    assert len(set(names)) == len(names)
    assert len(scenarios) >= 100
    assert sum(s.core for s in scenarios) >= 24
    for kind in KINDS:
        mine = [s for s in scenarios if s.kind == kind]
        core = [s for s in mine if s.core]
        assert len(mine) >= 33
        assert len(core) >= 20
        for group in (mine, core):
            negatives = sum(s.negative for s in group)
            assert 0.45 <= negatives / len(group) <= 0.66


def test_the_fresh_set_is_balanced() -> None:
    from catalogue import FRESH

    assert sum(s.core for s in FRESH) >= len(FRESH) * 2 / 3
    for kind in KINDS:
        counts = Counter(s.negative for s in FRESH if s.kind == kind)
        assert counts[False] >= 7
        assert counts[True] >= 5


def test_the_sealed_set_is_balanced_and_for_reporting() -> None:
    from catalogue import SEALED, SEALED_DAYS

    names = {s.name for s in (*_catalogue(), *_days())}
    assert not names & {s.name for s in (*SEALED, *SEALED_DAYS)}
    assert all(s.split == "report" and s.group == "sealed" for s in (*SEALED, *SEALED_DAYS))
    assert all(s.negative and s.looks == 480 for s in SEALED_DAYS)
    for kind in KINDS:
        counts = Counter(s.negative for s in SEALED if s.kind == kind)
        assert counts == {False: 5, True: 3}
        assert sum(s.kind == kind for s in SEALED_DAYS) == 3
        ships = [s for s in (*SEALED, *SEALED_DAYS) if s.kind == kind and s.core]
        assert len(ships) == 4


def test_the_sealed_sets_days_are_its_own() -> None:
    from build import with_days

    assert with_days(["sealed"]) == ["sealed", "sealed-days"]
    assert with_days([]) == ["days"]
    assert with_days(["first", "fresh"]) == ["first", "fresh", "days"]


def test_the_list_of_cut_outs_says_whose_and_from_which_part(tmp_path: Path) -> None:
    import cv2
    from cutouts import KEPT, rows

    mark = next(iter(KEPT))
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 80, 3), 90, np.uint8))
    labels = {  # as in a subset that leaves COCO's table of licences out and deals it anew
        "categories": [{"id": 3, "name": "car"}],
        "images": [{"id": 7, "file_name": "a.png", "license": 4,
                    "coco_url": "http://images.cocodataset.org/train2017/a.png"}],
        "annotations": [{"id": mark, "image_id": 7, "category_id": 3,
                         "segmentation": [[10, 20, 50, 20, 50, 50, 10, 50]]}],
    }  # fmt: skip
    (tmp_path / "val.json").write_text(json.dumps(labels), encoding="utf-8")
    (row,) = rows(tmp_path / "val.json", tmp_path, tmp_path)
    assert (row["annotation"], row["class"], row["part"]) == (mark, "car", "train2017")
    assert row["licence"] == "Attribution License"
    assert (tmp_path / row["file"]).is_file()


def test_a_cut_out_keeps_what_is_inside_its_outline() -> None:
    from cutouts import cut

    picture = np.full((60, 80, 3), 90, np.uint8)
    piece = cut(picture, [[10, 20, 50, 20, 50, 50, 10, 50]])
    assert abs(piece.shape[0] - 29) <= 2
    assert abs(piece.shape[1] - 39) <= 2
    assert piece[15, 20, 3] == 255
    assert (piece[..., :3] == 90).all()


def test_sets_that_were_looked_at_are_no_longer_reported() -> None:
    assert {(s.group, s.split) for s in (*_catalogue(), *_days())} == {
        ("first", "tuning"),
        ("fresh", "tuning"),
        ("days", "tuning"),
    }


def test_each_kind_has_a_week_of_days_in_which_nothing_is_to_be_reported() -> None:
    for kind in KINDS:
        mine = [s for s in _days() if s.kind == kind]
        assert sum(s.looks * s.cadence_s for s in mine) >= 7 * 86400
        assert all(s.negative and s.patrol for s in mine)
        assert len({datetime.fromisoformat(s.starts_at).hour for s in mine}) == len(mine)
        assert sum(s.core for s in mine) >= 5


def test_looks_stay_affordable() -> None:
    assert sum(s.looks for s in _catalogue()) <= 14000
    assert sum(s.looks for s in _days()) <= 12000


def test_hard_negatives_are_all_there() -> None:
    tags = {tag for s in _catalogue() if s.negative for tag in s.tags}
    wanted = {
        "crowd", "queue", "parked van", "waiting taxi", "delivery person", "staff inside",
        "permitted stall", "moving shadow", "headlights", "rain", "day to night", "camera shake",
        "PTZ move", "removed", "permitted sign", "bus with advert", "waiting person",
        "T-shirt text", "bins", "planters", "patrol",
    }  # fmt: skip
    assert wanted <= tags


def test_each_film_holds_key_frames_only(built: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    out, entries = built
    assert len(entries) == len(TRIED)
    for name, entry in entries.items():
        with av.open(str(out / entry["video"])) as film:
            packets = [p for p in film.demux(video=0) if p.size]
        assert len(packets) == LOOKS, name
        assert all(packet.is_keyframe for packet in packets), name
        mean = sum(packet.size for packet in packets) / len(packets)
        assert 20_000 < mean < 110_000, name


def test_each_file_is_in_the_evaluations_format(
    built: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    for name, entry in built[1].items():
        assert entry["name"] == name
        assert entry["split"] in ("tuning", "report")
        assert entry["kind"] in KINDS
        assert entry["ships"] is True
        assert entry["made_of"]
        assert datetime.fromisoformat(entry["starts_at"]).tzinfo is not None
        camera = CameraSettings.model_validate({"id": "cam-01", "url": "file:x", **entry["camera"]})
        DetectorSettings.model_validate(entry.get("detectors", {}))
        zones = {zone.id: zone for zone in camera.zones}
        assert {zone.watch for zone in camera.zones} == {entry["kind"]}
        assert bool(entry["truth"]) != ("negative" in entry["tags"])
        for truth in entry["truth"]:
            assert truth["zone"] in zones
            assert 0 <= truth["from"] < truth["to"] <= LOOKS * entry["cadence_s"]


def test_the_truth_says_when_the_thing_is_there(
    built: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    out, entries = built
    entry = entries["ads-lane-banner"]
    frames = [f.astype(np.float32) for f in _pictures(out / entry["video"])]
    comes = int(entry["truth"][0]["from"] / entry["cadence_s"])
    height, width = frames[0].shape[:2]
    corners = np.array(entry["camera"]["zones"][0]["polygon"]) * (width, height)
    (x0, y0), (x1, y1) = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    redness = [float((f[y0:y1, x0:x1, 2] - f[y0:y1, x0:x1, 1]).mean()) for f in frames]
    assert min(redness[comes : comes + 5]) > max(redness[comes - 5 : comes]) + 3


def test_same_input_same_output(
    built: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path
) -> None:
    from _film import build
    from _world import World

    out, entries = built
    scenario = next(s for s in _catalogue() if s.name == "ads-lane-banner")
    path = build(scenario, scenario.make(World()), tmp_path, looks=LOOKS)
    assert YAML(typ="safe").load(path.read_text(encoding="utf-8")) == entries[scenario.name]
    film = path.with_suffix(".mp4")
    assert film.read_bytes() == (out / film.name).read_bytes()
