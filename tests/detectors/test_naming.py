"""The classifier of look-alikes, on the demo's footage and on impossible boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detectors.base import Detection
from edge.detectors.naming import Namer, centred
from edge.detectors.objects import ObjectDetector
from edge.detectors.second_look import SecondLook
from edge.errors import Code, ModelError
from tests.detectors.test_objects import SHIPPED, frames, look_at

MODELS = SHIPPED.parent


@pytest.fixture(scope="module")
def namer() -> Namer:
    return Namer(MODELS / "look-alikes", provider="cpu")


def test_a_van_of_the_demo_is_named_a_vehicle(namer: Namer) -> None:
    (image,) = frames("vending", 30)
    (found,) = ObjectDetector(SHIPPED, provider="cpu").detect([look_at(image)])
    van = max((d for d in found if d.meaning == "vehicle"), key=lambda d: d.box.area)
    shares = namer.name(image, van.box)
    assert len(shares) == 4
    for view in shares:
        assert sum(view.values()) == pytest.approx(1, abs=1e-4)
    mean = {name: np.mean([view[name] for view in shares]) for name in shares[0]}
    assert max(mean, key=lambda name: mean[name]) == "vehicle"


def test_what_the_classifier_names_is_held_back_without_any_object_model(namer: Namer) -> None:
    (image,) = frames("vending", 30)
    (found,) = ObjectDetector(SHIPPED, provider="cpu").detect([look_at(image)])
    van = max((d for d in found if d.meaning == "vehicle"), key=lambda d: d.box.area)
    thing = Detection("left_behind", "static_object", van.box, 0.8, "static-background 1.0")
    deaf, told = SecondLook([], min_score=0.3), SecondLook([], min_score=0.3, namer=namer)
    assert deaf.judge(image, "piled_materials", [thing]).confirmed
    judgement = told.judge(image, "piled_materials", [thing])
    assert (judgement.confirmed, judgement.look_alike) == (False, "parked_vehicle")
    # Stalls and carts are not among what it learned: it has no say on them.
    assert (
        SecondLook([], min_score=0.3, namer=namer).judge(image, "street_vending", [thing]).confirmed
    )


def test_an_object_model_is_no_classifier_and_a_classifier_finds_no_objects() -> None:
    with pytest.raises(ModelError) as error:
        Namer(SHIPPED)
    assert error.value.code is Code.MDL_CARD
    with pytest.raises(ModelError) as error:
        ObjectDetector(MODELS / "look-alikes")
    assert error.value.code is Code.MDL_CARD


def test_a_card_with_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    source = MODELS / "look-alikes"
    card = (source / "model.toml").read_text(encoding="utf-8").replace('"shop", "flat"', '"shop"')
    (tmp_path / "model.toml").write_text(card, encoding="utf-8")
    (tmp_path / "model.onnx").write_bytes((source / "model.onnx").read_bytes())
    with pytest.raises(ModelError) as error:
        Namer(tmp_path)
    assert error.value.code is Code.MDL_SHAPE


@given(
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    context=st.floats(1, 4),
)
def test_any_box_in_any_picture_gives_a_view(
    size: tuple[int, int], corners: tuple[float, float, float, float], context: float
) -> None:
    xs, ys = sorted(corners[::2]), sorted(corners[1::2])
    picture = np.full((*size, 3), 77, np.uint8)
    view = centred(picture, (xs[0], ys[0], xs[1], ys[1]), context, 160)
    assert view.shape == (160, 160, 3)
    assert (view == 77).all()


def test_the_box_lies_in_the_middle_of_its_view() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[100:160, 40:100] = 255  # 60 pixels square
    view = centred(picture, (0.1, 1 / 3, 0.25, 160 / 300), 2.0, 160)
    assert view[45:115, 45:115].min() > 200
    assert view[:35].max() == 0
