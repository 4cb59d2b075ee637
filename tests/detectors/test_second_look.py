"""The second look, on the demo's footage and with models whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detectors.base import Detection
from edge.detectors.look_alikes import LOOK_ALIKES
from edge.detectors.objects import ObjectDetector
from edge.detectors.second_look import SecondLook
from edge.geometry import Box
from edge.streams.frame import Image
from tests.detectors.test_objects import SHIPPED, frames, look_at

PICTURE = np.full((600, 600, 3), 120, np.uint8)
MIDDLE = Box(0.4, 0.4, 0.6, 0.6)


@pytest.fixture(scope="module")
def nanodet() -> ObjectDetector:
    return ObjectDetector(SHIPPED, provider="cpu")


def left_behind(box: Box) -> Detection:
    return Detection("left_behind", "static_object", box, 0.8, "static-background 1.0")


class Says:
    """A model that sees one thing exactly where :data:`MIDDLE` is on each of the four views."""

    name = "says 1"

    def __init__(
        self, label: str, meaning: str, *scores: float, kinds: Sequence[str] = ("piled_materials",)
    ) -> None:
        self._kinds = kinds
        self._answer = (label, meaning)
        self._scores = scores

    def serves(self, kind: str) -> bool:
        return kind in self._kinds

    def find(
        self, images: Sequence[Image], *, least: float | None = None, every_class: bool = False
    ) -> list[tuple[Detection, ...]]:
        assert every_class
        found = []
        for score, context, _ in zip(self._scores, (1.5, 3.0, 1.5, 3.0), images, strict=True):
            half = 0.5 / context
            box = Box(0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half)
            seen = score > (least or 0)
            found.append((Detection(*self._answer, box, score, self.name),) if seen else ())
        return found


def test_a_parked_van_is_no_pile(nanodet: ObjectDetector) -> None:
    """The van of the demo's street, had the static detector taken it for something left."""
    (image,) = frames("vending", 30)
    (found,) = nanodet.detect([look_at(image)])
    van = max((d for d in found if d.meaning == "vehicle"), key=lambda d: d.box.area)
    second = SecondLook([nanodet], min_score=0.3)
    judgement = second.judge(image, "piled_materials", [left_behind(van.box)])
    assert (judgement.confirmed, judgement.look_alike) == (False, "parked_vehicle")
    assert judgement.reasons[0].key == "looks_like"


def test_real_evidence_holds(nanodet: ObjectDetector) -> None:
    """The umbrella and the vendor of the demo."""
    second = SecondLook([nanodet], min_score=0.3)
    (image,) = frames("vending", 30)
    (found,) = nanodet.detect([look_at(image)])
    umbrella = next(d for d in found if d.meaning == "umbrella")
    near = umbrella.box.grown(0.75)
    people = [d for d in found if d.meaning == "person" and d.box.overlap(near) > 0]
    judgement = second.judge(image, "street_vending", [*people, umbrella])
    assert judgement.confirmed
    assert [reason.key for reason in judgement.reasons] == ["seen_again", "seen_again"]


def test_what_chance_has_drawn_is_not_seen_again(nanodet: ObjectDetector) -> None:
    """An umbrella claimed on bare ground."""
    (image,) = frames("clear", 30)
    claimed = Detection("umbrella", "umbrella", Box(0.3, 0.8, 0.45, 0.95), 0.7, nanodet.name)
    judgement = SecondLook([nanodet], min_score=0.3).judge(image, "street_vending", [claimed])
    assert not judgement.confirmed
    assert judgement.look_alike is None
    assert judgement.reasons[0].key == "not_seen_again"


def test_a_stronger_look_alike_outweighs_the_claim() -> None:
    """A model claims rubbish, another sees a bin there on every view, more strongly."""
    bag = Detection("bag", "rubbish_bag", MIDDLE, 0.6, "says 1")
    rubbish = Says("bag", "rubbish_bag", *[0.6] * 4)
    stronger = SecondLook([rubbish, Says("bin", "", *[0.8] * 4)], min_score=0.3)
    assert stronger.judge(PICTURE, "piled_materials", [bag]).look_alike == "bin"
    weaker = SecondLook([rubbish, Says("bin", "", *[0.5] * 4)], min_score=0.3)
    assert weaker.judge(PICTURE, "piled_materials", [bag]).confirmed


def test_a_model_is_asked_only_about_the_kinds_it_serves() -> None:
    """A model of rubbish has nothing to say of a wall."""
    bins = Says("bin", "", *[0.8] * 4, kinds=("illegal_ads",))
    judgement = SecondLook([bins], min_score=0.3).judge(
        PICTURE, "piled_materials", [left_behind(MIDDLE)]
    )
    assert judgement.confirmed


@given(scores=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_look_alike_must_be_seen_on_half_the_views(scores: list[float]) -> None:
    """And strongly enough on average; one view's ghost hides nothing."""
    row = next(row for row in LOOK_ALIKES if row.key == "bin")
    second = SecondLook([Says("bin", "", *scores)], min_score=0.3)
    judgement = second.judge(PICTURE, "piled_materials", [left_behind(MIDDLE)])
    seen = [score if score > 0.15 else 0.0 for score in scores]
    hidden = sum(s > 0 for s in seen) >= 2 and np.mean(seen) >= row.score
    assert judgement.confirmed != hidden
    assert 0 <= judgement.score <= 1


@given(
    x=st.floats(0, 1), y=st.floats(0, 1), w=st.floats(0, 1), h=st.floats(0, 1),
    size=st.sampled_from([(1, 1), (1, 900), (37, 64), (480, 640)]),
)  # fmt: skip
def test_any_box_on_any_picture_is_judged(
    x: float, y: float, w: float, h: float, size: tuple[int, int]
) -> None:
    """At the rim, without area, on a picture of one pixel."""
    image = np.zeros((*size, 3), np.uint8)
    second = SecondLook([Says("car", "vehicle", 0.9, 0.9, 0.9, 0.9)], min_score=0.3)
    judgement = second.judge(
        image, "piled_materials", [left_behind(Box.clipped(x, y, x + w, y + h))]
    )
    assert judgement.reasons


def test_one_real_thing_among_look_alikes_is_enough(nanodet: ObjectDetector) -> None:
    """A heap beside the parked van."""
    (image,) = frames("vending", 30)
    (found,) = nanodet.detect([look_at(image)])
    van = max((d for d in found if d.meaning == "vehicle"), key=lambda d: d.box.area)
    ground = left_behind(Box(0.3, 0.85, 0.4, 0.95))
    second = SecondLook([nanodet], min_score=0.3)
    assert second.judge(image, "piled_materials", [left_behind(van.box), ground]).confirmed


class Names:
    """A classifier that says the same of every view."""

    def __init__(self, **shares: float) -> None:
        self._shares = shares

    def name(self, image: Image, box: Box) -> list[dict[str, float]]:
        return [self._shares] * 4


@pytest.mark.parametrize(("thing", "confirmed"), [(0.7, True), (0.3, False)])
def test_a_green_bag_that_passes_for_a_plant_is_still_a_thing(
    thing: float, confirmed: bool
) -> None:
    """What the object model takes for a plant does not count against the classifier's word."""
    plant = Says("potted plant", "", 0.7, 0.7, 0.7, 0.7)
    names = Names(thing=thing, bin=1 - thing if thing > 0.5 else 0.3)
    judge = SecondLook([plant], min_score=0.3, namer=names)
    judgement = judge.judge(PICTURE, "piled_materials", [left_behind(MIDDLE)])
    assert judgement.confirmed is confirmed


def test_a_car_is_a_car_whatever_the_classifier_says() -> None:
    car = Says("car", "vehicle", 0.6, 0.6, 0.6, 0.6)
    judge = SecondLook([car], min_score=0.3, namer=Names(thing=0.9))
    judgement = judge.judge(PICTURE, "piled_materials", [left_behind(MIDDLE)])
    assert (judgement.confirmed, judgement.look_alike) == (False, "parked_vehicle")


def test_dumped_furniture_is_a_pile() -> None:
    """A sofa in the street is what the inspector looks for, not the inside of a shop."""
    for label in ("bench", "couch", "refrigerator"):
        judge = SecondLook([Says(label, "", 0.8, 0.8, 0.8, 0.8)], min_score=0.3)
        assert judge.judge(PICTURE, "piled_materials", [left_behind(MIDDLE)]).confirmed
