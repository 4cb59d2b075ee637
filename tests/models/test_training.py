"""The training recipes: what they read, make and promise. Torch is only there for who trains."""

from __future__ import annotations

import random
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TRAIN = Path(__file__).resolve().parents[2] / "models" / "train"
sys.path.insert(0, str(TRAIN))

import banners  # noqa: E402
import data  # noqa: E402
from publish import rising  # noqa: E402


def sample(boxes: list[list[float]], side: int = 320) -> data.Sample:
    picture = np.random.default_rng(1).integers(0, 255, (side * 3 // 4, side, 3), np.uint8)
    return data.Sample(
        picture, np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int64)
    )


@settings(deadline=None)  # pictures take their time on a busy machine
@given(seed=st.integers(0, 10_000), mosaic=st.sampled_from([0.0, 1.0]))
def test_augmented_boxes_stay_on_the_picture(seed: int, mosaic: float) -> None:
    """And every box still has a class."""
    rng = random.Random(seed)
    made = data.augmented(
        lambda: sample([[40, 40, 160, 120], [200, 10, 300, 90]]),
        128,
        rng,
        mosaic=mosaic,
        scales=(0.5, 1.5),
        lean_deg=6,
    )
    assert made.picture.shape == (128, 128, 3)
    assert len(made.boxes) == len(made.kinds)
    if len(made.boxes):
        assert made.boxes.min() >= 0
        assert made.boxes.max() <= 128
        assert (made.boxes[:, 2:] > made.boxes[:, :2]).all()


def test_a_warp_moves_the_box_with_the_thing() -> None:
    """A bright square in the picture is inside its box afterwards, whatever was drawn."""
    for seed in range(40):
        picture = np.full((240, 320, 3), 20, np.uint8)
        picture[80:160, 100:200] = 255
        plain = data.Sample(picture, np.array([[100, 80, 200, 160]], np.float32), np.zeros(1, int))
        warped = data._warped(plain, 320, random.Random(seed), (0.6, 1.4), 6)
        bright = warped.picture.min(2) > 180
        if not len(warped.boxes) or not bright.any():
            continue
        ys, xs = np.nonzero(bright)
        x0, y0, x1, y1 = warped.boxes[0]
        assert x0 - 2 <= xs.min()
        assert xs.max() <= x1 + 2
        assert y0 - 2 <= ys.min()
        assert ys.max() <= y1 + 2


def test_a_hung_banner_is_labelled_where_it_hangs() -> None:
    grey = data.Sample(
        np.full((480, 640, 3), 90, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    )
    hung = banners.hung(grey, 3, random.Random(5))
    changed = np.abs(hung.picture.astype(int) - 90).max(2) > 25
    ys, xs = np.nonzero(changed)
    np.testing.assert_allclose(hung.boxes[0], (xs.min(), ys.min(), xs.max(), ys.max()), atol=6)
    assert hung.kinds.tolist() == [3]


def test_pasted_things_are_labelled_and_old_labels_stay() -> None:
    mask = np.full((100, 80), 255, np.uint8)
    thing = data.Cutout(np.full((100, 80, 3), 200, np.uint8), mask)
    before = sample([[10, 10, 60, 60]])
    after = data.pasted(before, [thing], random.Random(3))
    assert len(after.boxes) >= 1
    assert after.boxes[0].tolist() == [10, 10, 60, 60]
    assert len(after.boxes) == len(after.kinds)


def test_polygons_and_boxes_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.jpg"), np.zeros((100, 200, 3), np.uint8))
    (tmp_path / "labels/a.txt").write_text(
        "0 0.5 0.5 0.2 0.4\n1 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7\n2 0.1 0.1 0.1 0.1\n"
    )
    (found,) = data.load_yolo(tmp_path, {0: 0, 1: 1})
    np.testing.assert_allclose(found.boxes, [[80, 30, 120, 70]] * 2, atol=1e-3)
    assert found.kinds.tolist() == [0, 1]


def test_pictures_that_lie_in_another_folder_are_left_out(tmp_path: Path) -> None:
    """A set reported on may lie inside the training set under the same names."""
    for folder, names in (("train", "abc"), ("test", "b")):
        for inner in ("images", "labels"):
            (tmp_path / folder / inner).mkdir(parents=True)
        for name in names:
            picture = np.full((20, 20, 3), ord(name), np.uint8)
            cv2.imwrite(str(tmp_path / folder / "images" / f"{name}.png"), picture)
    entry = {"folder": "train", "kinds": {"0": 0}, "leave_out": "test/images"}
    found = data.load_entries([entry], tmp_path)
    assert [int(sample.picture[0, 0, 0]) for sample in found] == [ord("a"), ord("c")]


@given(st.lists(st.tuples(st.floats(0.02, 1), st.booleans()), min_size=5, max_size=200))
def test_calibration_rises_and_stays_a_probability(seen: list[tuple[float, bool]]) -> None:
    scores, right = np.array([s for s, _ in seen]), np.array([r for _, r in seen], float)
    raw, share = rising(scores, right)
    assert len(raw) == len(share)
    assert raw == sorted(raw)
    assert all(low < high for low, high in pairwise(share))
    assert raw[0] == 0
    assert raw[-1] == 1
    assert 0 <= share[0] <= share[-1] <= 1


def test_calibration_finds_the_truth_it_was_drawn_from() -> None:
    rng = np.random.default_rng(7)
    scores = rng.uniform(0.02, 1, 20_000)
    right = (rng.uniform(size=20_000) < scores**2).astype(float)
    raw, share = rising(scores, right)
    np.testing.assert_allclose(
        np.interp([0.3, 0.5, 0.8], raw, share), [0.09, 0.25, 0.64], atol=0.04
    )


@pytest.mark.parametrize("recipe", sorted(TRAIN.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_agree_with_themselves(recipe: Path) -> None:
    """Classes, meanings and ancestors fit; nothing reported on is learned from."""
    content = tomllib.loads(recipe.read_text(encoding="utf-8"))
    classes = content["classes"]
    assert len(content["ancestors"]) == len(classes)
    for entry in content["positives"] + content.get("calibration", []):
        assert "test" not in entry["folder"]
        # The training set of facade_ads holds its test set; outdoor-ads 1.0 learned from both.
        if entry["folder"].startswith("facade_ads") and recipe.stem != "outdoor-ads":
            assert entry["leave_out"] == "facade_ads/test/images"
        assert all(0 <= kind < len(classes) for kind in entry["kinds"].values())
    if "card" in content:
        assert set(content["card"]["meanings"]) <= set(classes)
