"""``gridpatrol eval detector``: layouts, maps, odd pictures, bad labels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from edge.errors import Code, EvaluationError, GridpatrolError
from edge.evaluation.classes import meet, read_map
from edge.evaluation.dataset import load_dataset
from edge.evaluation.detector import detector_figures, run_detector
from edge.evaluation.photo import read_photo
from tests.evaluation.making import always_finds, write_photos

BOX = "0 0.5 0.5 0.5 0.5"
INSIDE = (0, 0.25, 0.25, 0.75, 0.75)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Finds one bag in the middle of everything, and a weak one in a corner."""
    return always_finds(tmp_path / "model", [(*INSIDE, 0.9), (0, 0.0, 0.0, 0.2, 0.2, 0.3)])


def measured(model: Path, data: Path, spec: str | None = None, **options: Any) -> dict[str, Any]:
    return detector_figures(run_detector(str(model), load_dataset(data, **options), read_map(spec)))


def test_the_figures_of_a_small_set(model: Path, tmp_path: Path) -> None:
    """One found, one empty picture on which it fires; the weak box counts for AP only."""
    data = write_photos(tmp_path / "d", {"a": BOX, "b": "", "c": BOX + "\n0 0.1 0.1 0.2 0.2\n"})
    figures = measured(model, data)
    row = figures["classes"]["bag"]
    assert set(row) == {"ap50", "ap50_95", "precision", "recall", "n"}
    assert (row["precision"], row["recall"], row["n"]) == (
        pytest.approx(2 / 3, abs=1e-4), pytest.approx(2 / 3, abs=1e-4), 3,
    )  # fmt: skip
    assert row["ap50"] > 0.5
    assert figures["fire_rate"] == {"pictures": 1, "fires": 1, "share": 1.0}
    assert figures["calibration"]["n"] == 6


def test_polygons_are_boxes_around_them(model: Path, tmp_path: Path) -> None:
    """YOLO segmentation lines."""
    data = write_photos(tmp_path / "d", {"a": "0 .25 .25 .75 .3 .7 .75 .3 .6"})
    assert measured(model, data)["classes"]["bag"]["ap50"] == 1.0


@pytest.mark.parametrize("names", ["[bag]", "{0: bag}", "['bag', 'tree']"])
@pytest.mark.parametrize(
    ("folder", "said", "split"),
    [
        ("", "", None),
        ("test", "", None),
        ("test", "", "test"),
        ("valid", "", "val"),
        ("deep/er", "test: ../deep/er/images", None),
        ("deep/er", "path: .\nval: deep/er", "val"),
    ],
)
def test_layouts(
    model: Path, tmp_path: Path, names: str, folder: str, said: str, split: str | None
) -> None:
    """Plain, in splits, and as data.yaml says, also in Roboflow's way."""
    write_photos(tmp_path / "d" / folder, {"a": BOX})
    (tmp_path / "d" / folder / "data.yaml").unlink()
    (tmp_path / "d" / "data.yaml").write_text(f"names: {names}\n{said}\n", encoding="utf-8")
    assert measured(model, tmp_path / "d", split=split)["classes"]["bag"]["n"] == 1


def test_splits_below_images(model: Path, tmp_path: Path) -> None:
    """images/test and labels/test."""
    data = write_photos(tmp_path / "d", {"a": BOX})
    for kind in ("images", "labels"):
        (data / kind / "test").mkdir()
        for file in list((data / kind).glob("a.*")):
            file.rename(data / kind / "test" / file.name)
    assert measured(model, data)["classes"]["bag"]["n"] == 1
    assert measured(model, data, split="test")["classes"]["bag"]["n"] == 1


def coco(**changed: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 64, "height": 64}],
        "categories": [{"id": 3, "name": "bag"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [16, 16, 32, 32]}],
    } | changed


def test_coco_annotations(model: Path, tmp_path: Path) -> None:
    """A JSON file beside its pictures, given itself or by its folder."""
    Pillow.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    (tmp_path / "_annotations.coco.json").write_text(json.dumps(coco()), encoding="utf-8")
    for data in (tmp_path, tmp_path / "_annotations.coco.json"):
        assert measured(model, data)["classes"]["bag"] == {
            "ap50": 1.0, "ap50_95": 1.0, "precision": 1.0, "recall": 1.0, "n": 1,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"categories": [{"id": 4, "name": "bag"}]}, "category 3"),
        ({"images": [{"id": 7, "file_name": "b.jpg", "width": 64, "height": 64}]}, "'b.jpg'"),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [60, 0, 9, 9]}]}, "outside"),
        ({"annotations": [{"image_id": 7, "category_id": 3}]}, "bbox"),
        ({"annotations": None}, "COCO"),
    ],
)
def test_bad_coco_annotations(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    """Named, in one line."""
    Pillow.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    file = tmp_path / "a.json"
    file.write_text(json.dumps(coco(**changed)), encoding="utf-8")
    with pytest.raises(GridpatrolError) as caught:
        load_dataset(file)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_map_renames_merges_and_drops(model: Path, tmp_path: Path) -> None:
    """By name on either side or by number; two model classes made one find a thing once."""
    data = write_photos(
        tmp_path / "d", {"a": f"{BOX}\n1 .5 .5 .4 .4\n2 .5 .5 .4 .4"}, "[sack, tree, box]"
    )
    both = always_finds(tmp_path / "both", [(*INSIDE, 0.9), (1, 0.26, 0.25, 0.75, 0.75, 0.8)])
    row = measured(both, data, "sack=x,bag=x,heap=x,1=,2=x")["classes"]["x"]
    assert (row["n"], row["precision"], row["recall"]) == (2, 1.0, 0.5)
    spec = tmp_path / "map.yaml"
    spec.write_text("sack: bag\nbox:\n", encoding="utf-8")
    figures = measured(model, data, str(spec))
    assert figures["classes"]["bag"]["n"] == 1
    assert figures["classes_only_in_labels"] == ["tree"]
    assert figures["classes_only_in_model"] == ["heap"]


def test_a_class_without_a_meaning_is_measured_too(tmp_path: Path) -> None:
    """It would be a silent zero otherwise."""
    model = always_finds(tmp_path / "m", [(1, *INSIDE[1:], 0.9)])
    data = write_photos(tmp_path / "d", {"a": BOX}, "[heap]")
    assert measured(model, data)["classes"]["heap"]["ap50"] == 1.0


def test_classes_that_do_not_meet_are_an_error_that_names_both() -> None:
    """With the map that would help."""
    with pytest.raises(EvaluationError, match="EVL-004") as caught:
        meet(["sack"], ["trash_bag"], {})
    assert "--map sack=trash_bag" in str(caught.value)
    with pytest.raises(EvaluationError, match="none in common"):
        meet(["a", "b"], ["c", "d"], {"b": ""})
    with pytest.raises(EvaluationError, match="x: no such class"):
        meet(["a"], ["a"], {"x": "a"})
    for spec in ("a", "=b", "none.yaml"):
        with pytest.raises(EvaluationError, match="EVL-007"):
            read_map(spec)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("7 .5 .5 .1 .1", "class 7 is not in data.yaml"),
        ("-1 .5 .5 .1 .1", "class -1"),
        ("0.5 .5 .5 .1 .1", "class 0.5"),
        ("bag .5 .5 .1 .1", "not numbers"),
        ("0 .5 .5 .1", "neither a box"),
        ("0 .5 .5 .1 .1 .9", "neither a box"),
        ("0 320 240 64 64", "outside 0–1"),
        ("0 .5 -.2 .1 .1", "outside 0–1"),
        ("0 .5 nan .1 .1", "outside 0–1"),
        ("0 .5 .5 0 .1", "no area"),
        ("0", "neither a box"),
    ],
)
def test_a_bad_label_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    """File, line and reason; all of them at once."""
    data = write_photos(tmp_path / "d", {"a": f"{BOX}\n{line}", "b": BOX})
    with pytest.raises(EvaluationError) as caught:
        load_dataset(data)
    assert caught.value.code is Code.EVL_LABEL
    assert caught.value.where.endswith("a.txt:2")
    assert what in caught.value.what
    assert "\n" not in str(caught.value)


def test_a_missing_label_file_is_a_picture_without_objects(model: Path, tmp_path: Path) -> None:
    """As every YOLO trainer takes it, and counted; when all are missing it is a mistake."""
    data = write_photos(tmp_path / "d", {"a": BOX, "b": BOX})
    (data / "labels" / "b.txt").unlink()
    figures = measured(model, data)
    assert figures["pictures_without_label_file"] == 1
    assert figures["fire_rate"]["pictures"] == 1
    (data / "labels" / "a.txt").unlink()
    with pytest.raises(EvaluationError, match="none of the 2 pictures has a label file"):
        load_dataset(data)
    figures = measured(model, data, ordinary=True)
    assert figures["fire_rate"] == {"pictures": 2, "fires": 2, "share": 1.0}
    assert figures["classes"]["bag"]["ap50"] is None


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    """No folder, no names, no pictures, no such split: each says so."""
    with pytest.raises(EvaluationError, match="no such folder"):
        load_dataset(tmp_path / "none")
    with pytest.raises(EvaluationError, match=r"no data.yaml"):
        load_dataset(tmp_path)
    data = write_photos(tmp_path / "d", {})
    with pytest.raises(EvaluationError, match="holds no picture"):
        load_dataset(data)
    with pytest.raises(EvaluationError, match="no pictures of split 'best'"):
        load_dataset(data, split="best")
    for text in ("names: []", "nc: 1", "names: [", "- a", "names: {a: b}"):
        (data / "data.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(EvaluationError, match="EVL-001"):
            load_dataset(data)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    """Its permissions, not an empty data set."""
    data = write_photos(tmp_path / "d", {"a": BOX})
    (data / "images").chmod(0)
    try:
        with pytest.raises(EvaluationError, match="EVL-001"):
            load_dataset(data)
    finally:
        (data / "images").chmod(0o755)


def test_pictures_left_out_by_name(model: Path, tmp_path: Path) -> None:
    """Roboflow's hash need not be written."""
    data = write_photos(tmp_path / "d", {"a_jpg.rf.0f": BOX, "b": BOX, "c": BOX})
    assert measured(model, data, exclude={"a_jpg", "b"})["pictures"] == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (5164, 3873)])
def test_sizes(model: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel, one pixel's height, twenty megapixels."""
    data = write_photos(tmp_path / "d", {"a": BOX}, size=size)
    row = measured(model, data)["classes"]["bag"]
    assert row["n"] == 1
    assert row["ap50"] is not None


def test_a_cmyk_picture_has_its_colours(tmp_path: Path) -> None:
    """Red stays red."""
    Pillow.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    blue, green, red = read_photo(tmp_path / "a.jpg").mean(axis=(0, 1))
    assert abs(red - 200) < 12
    assert abs(green - 30) < 12
    assert abs(blue - 30) < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_picture_is_made_upright(tmp_path: Path, orientation: int) -> None:
    """Labels refer to what people see: the white corner is top left in every orientation."""
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:16, :16] = 255
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright),
        7: np.rot90(upright, 2).transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    picture = Pillow.fromarray(np.ascontiguousarray(stored))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    seen = read_photo(tmp_path / "a.jpg")
    assert seen.shape == (48, 64, 3)
    assert seen[:12, :12].mean() > 200
    assert seen[24:, 24:].mean() < 50


@pytest.mark.parametrize("fault", ["cut", "text", "empty", "bomb"])
def test_pictures_that_are_none_are_refused(model: Path, tmp_path: Path, fault: str) -> None:
    """Half a JPEG is not filled up with grey; a file that claims terapixels is not opened."""
    data = write_photos(tmp_path / "d", {"a": BOX}, size=(640, 480))
    path = data / "images" / "a.jpg"
    rng = np.random.default_rng(0)
    Pillow.fromarray(rng.integers(0, 255, (480, 640, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    if fault == "bomb":
        header = bytearray(whole)
        at = header.index(b"\xff\xc0")
        header[at + 5 : at + 9] = b"\xff\xff\xff\xff"
        path.write_bytes(bytes(header))
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"hello", "empty": b""}[fault])
    with pytest.raises(EvaluationError) as caught:
        measured(model, data)
    assert caught.value.code is Code.EVL_PICTURE
    assert "a.jpg" in caught.value.where
    assert "\n" not in str(caught.value)


def gridpatrol(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", "eval", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command(model: Path, tmp_path: Path) -> None:
    """By name from a models folder; a fault is one line and exit 2."""
    data = write_photos(tmp_path / "d", {"a": BOX}, "[sack]")
    out = tmp_path / "out.json"
    arguments = ["detector", "--model", "model", "--models-dir", tmp_path, "--data", data]
    done = gridpatrol(*arguments, "--json", out, "--map", "sack=bag")
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["classes"]["bag"]["ap50"] == 1.0
    assert document["threshold"]["score"] == 0.5
    out.unlink()
    done = gridpatrol(*arguments, "--json", out)
    assert done.returncode == 2
    assert done.stderr.startswith("[EVL-004]")
    assert done.stderr.count("\n") == 1
    assert not out.exists()
