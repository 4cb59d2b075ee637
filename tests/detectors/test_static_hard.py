"""What makes a static-object detector cry wolf or go blind, each on the demo's real plaza."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import numpy as np
import pytest

from edge.detectors.base import Detection
from edge.detectors.static import StaticObjectDetector
from edge.errors import Code, GridpatrolError
from edge.geometry import Box
from tests.detectors.sequences import (
    PILE,
    Floats,
    Shot,
    camera_picture,
    crowd,
    infra_red,
    lamp,
    moved,
    parked_car,
    play,
    rain,
    shaded,
    standing_man,
    with_pile,
)

LEARNED = 20  # looks; whatever a sequence is about begins here
SHADE = [(0.3, 0.1), (1.0, 0.3), (1.0, 0.9), (0.45, 0.8)]
CAR = Box(0.4, 0.55, 0.6, 0.71)
MAN = Box(0.47, 0.42, 0.53, 0.62)

Told = list[tuple[float, tuple[Detection, ...]]]
Scene = Callable[[int], Floats]


def shots(
    scene: Scene,
    count: int = 75,
    *,
    every_s: float = 2.0,
    seen: Callable[[int], tuple[Detection, ...]] = lambda _: (),
    quality: int = 60,
) -> Iterator[Shot]:
    for number in range(count):
        image = camera_picture(scene(number), quality=quality, seed=number)
        yield Shot(number * every_s, image, seen(number))


def detector(**more: object) -> StaticObjectDetector:
    return StaticObjectDetector(learn_s=30, stay_s=20, min_area=0.0008, max_area=0.25, **more)  # type: ignore[arg-type]


def longest(told: Told) -> int:
    """Looks on which something was said to stand at one and the same place."""
    said = [d.box for _, found in told for d in found]
    return max(
        (sum(any(d.box.iou(box) > 0.4 for d in found) for _, found in told) for box in said),
        default=0,
    )


def after(scene: Callable[[Floats, int], Floats]) -> Scene:
    """The crowded plaza, changed once the background is learned."""
    return lambda i: scene(crowd(i), i - LEARNED) if i >= LEARNED else crowd(i)


def sway(picture: Floats, number: int, share: float) -> Floats:
    dx, dy = np.random.default_rng(number).uniform(-share, share, 2)
    return moved(picture, dx, dy) if number else picture


NOTHING: dict[str, Scene] = {
    "people pass": crowd,
    "a building's shadow falls": after(lambda p, _: shaded(p, SHADE)),
    "a deep shadow": after(lambda p, _: shaded(p, SHADE, 0.42)),
    "a shadow moves on": after(
        lambda p, i: shaded(
            p, [(0.2 + 0.003 * i, 0.1), (1.0, 0.1), (1.0, 0.9), (0.3 + 0.003 * i, 0.8)]
        )
    ),
    "a shadow goes": lambda i: crowd(i) if i >= LEARNED else shaded(crowd(i), SHADE),
    "clouds": after(
        lambda p, i: lamp(p * (1 - 0.35 * max(0, np.sin(i / 15))), 0.2 + i / 200, 0.5, 0.5, 0.25)
    ),
    "dusk with gain": after(
        lambda p, i: p * max(0.25, 1 - 0.013 * i) * min(1 / max(0.25, 1 - 0.013 * i), 2.2)
    ),
    "headlights": after(
        lambda p, i: lamp(p * 0.4, i * 0.13 % 1, 0.6, 0.1, 2.0) if i % 3 else p * 0.4
    ),
    "lamps go on": lambda i: (
        lamp(lamp(crowd(i) * 0.5, 0.3, 0.5, 0.15, 1.2), 0.8, 0.6, 0.1, 1.0)
        if i >= LEARNED
        else crowd(i) * 0.5
    ),
    "infra-red": after(lambda p, _: infra_red(p)),
    "rain": after(rain),
    "sways by 3 %": lambda i: sway(crowd(i), i, 0.03),
    "a car leaves": lambda i: crowd(i) if i >= LEARNED else parked_car(crowd(i), CAR),
    "a pile is cleared": lambda i: crowd(i) if i >= LEARNED else with_pile(crowd(i)),
    "who stood there leaves": lambda i: (
        crowd(i) if i >= LEARNED else standing_man(crowd(i), 0.5, 0.6, 0)
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_was_left(noon: datetime, name: str) -> None:
    """No model helps, and nothing is seen in one place for longer than 16 s, below any dwell."""
    assert longest(play(detector(), shots(NOTHING[name]), noon)) <= 8


PILED: dict[str, Scene] = {
    "in the crowd": after(lambda p, _: with_pile(p)),
    "sways by 3 %": lambda i: sway(with_pile(crowd(i)) if i >= LEARNED else crowd(i), i, 0.03),
    "in the rain": after(lambda p, i: rain(with_pile(p), i)),
    "as a shadow falls": after(
        lambda p, i: shaded(with_pile(p), SHADE) if i > 25 else with_pile(p)
    ),
    "as dusk falls": after(lambda p, i: with_pile(p) * max(0.3, 1 - 0.015 * max(0, i - 15))),
}


def hits(told: Told, since_s: float) -> float:
    """Share of the looks from then on that see the pile."""
    seen = [any(d.box.iou(PILE) > 0.35 for d in found) for at, found in told if at >= since_s]
    return sum(seen) / len(seen)


@pytest.mark.parametrize("name", PILED)
def test_a_pile_is_seen(noon: datetime, name: str) -> None:
    """From half a minute after it was put down, on most looks."""
    assert hits(play(detector(), shots(PILED[name]), noon), LEARNED * 2 + 30) >= 0.6


def test_low_bit_rates(noon: datetime) -> None:
    """Compression blocks are no things, and hide none."""
    told = play(detector(), shots(PILED["in the crowd"], quality=15), noon)
    assert hits(told, LEARNED * 2 + 30) >= 0.7
    assert longest([(at, found) for at, found in told if at < LEARNED * 2]) <= 3


def test_looks_that_are_far_apart(noon: datetime) -> None:
    """In patrol mode: three looks that agree are enough, two are not."""
    scene: Scene = lambda i: with_pile(crowd(7 * i)) if i >= LEARNED else crowd(7 * i)  # noqa: E731
    told = play(detector(), shots(scene, 40, every_s=45.0), noon)
    assert not any(found for at, found in told if at < (LEARNED + 2) * 45)
    assert hits(told, (LEARNED + 3) * 45) >= 0.9
    pile = next(d for _, found in told[::-1] for d in found if d.box.iou(PILE) > 0.35)
    assert pile.looks >= 15


@pytest.mark.parametrize("seen_on", [lambda i: i % 5 == 0, lambda i: i < LEARNED + 6])
@pytest.mark.parametrize("meaning", ["person", "vehicle"])
def test_who_stands_is_no_pile_though_mostly_missed(
    noon: datetime, meaning: str, seen_on: Callable[[int], bool]
) -> None:
    """Recognised on every fifth look, or only on arrival: that is enough."""
    box = CAR if meaning == "vehicle" else MAN

    def scene(picture: Floats, i: int) -> Floats:
        if meaning == "vehicle":
            return parked_car(picture, CAR)
        return standing_man(picture, 0.5, 0.6, i)

    def seen(i: int) -> tuple[Detection, ...]:
        found = Detection(meaning, meaning, box, 0.6, "test")
        return (found,) if i >= LEARNED and seen_on(i) else ()

    assert longest(play(detector(), shots(after(scene), seen=seen), noon)) <= 3


def test_passers_by_do_not_excuse_a_pile(noon: datetime) -> None:
    """People before it on every third look, each time elsewhere."""

    def at(i: int) -> float:
        return float(np.random.default_rng(i).uniform(0.6, 0.8))

    def scene(picture: Floats, i: int) -> Floats:
        picture = with_pile(picture)
        return standing_man(picture, at(i + LEARNED), 0.62, i) if i % 3 == 0 else picture

    def seen(i: int) -> tuple[Detection, ...]:
        box = Box(at(i) - 0.02, 0.46, at(i) + 0.02, 0.63)
        shown = i >= LEARNED and (i - LEARNED) % 3 == 0
        return (Detection("person", "person", box, 0.8, "test"),) if shown else ()

    told = play(detector(), shots(after(scene), seen=seen), noon)
    assert hits(told, LEARNED * 2 + 30) >= 0.6


@pytest.mark.parametrize("by", [(0.25, 0.1, 1.3), (0.04, 0.02, 1.0)])
def test_a_turned_camera_is_told_and_learned_anew(
    noon: datetime, by: tuple[float, float, float]
) -> None:
    """Far or by a slipped mount: told once, no thing of the old view in the new."""
    told_of: list[GridpatrolError] = []
    watching = detector(tell=told_of.append)
    turned = after(lambda p, _: moved(p, by[0], by[1], zoom=by[2]))
    assert longest(play(watching, shots(turned), noon)) <= 3
    assert [error.code for error in told_of] == [Code.CAM_VIEW]


def test_a_camera_that_turns_back_knows_its_place(noon: datetime) -> None:
    """A preset that is visited again needs no learning: the pile of before is seen at once."""

    def scene(i: int) -> Floats:
        if LEARNED <= i < 45:
            return moved(crowd(i), 0.3, 0.1, zoom=1.3)
        return crowd(i) if i < LEARNED else with_pile(crowd(i))

    told = play(detector(tell=lambda _: None), shots(scene), noon)
    assert hits(told, 45 * 2 + 36) >= 0.7


def test_a_pile_is_kept_over_the_switch_to_infra_red(noon: datetime) -> None:
    """The night's background is learned around it, not with it."""

    def scene(picture: Floats, i: int) -> Floats:
        picture = with_pile(picture)
        return infra_red(picture) if i >= 25 else picture

    told = play(detector(), shots(after(scene), 100), noon)
    assert hits(told, 100 * 2 - 40) >= 0.7


def test_a_cart_is_as_old_as_what_nobody_hid(noon: datetime) -> None:
    """Customers before most of it renew what they cover, not the thing."""
    places = (0.71, 0.74, 0.77)

    def scene(picture: Floats, i: int) -> Floats:
        picture = with_pile(picture)
        for x in places if 15 <= i < 30 else ():
            picture = standing_man(picture, x, 0.63, i)
        return picture

    def seen(i: int) -> tuple[Detection, ...]:
        boxes = (Box(x - 0.03, 0.4, x + 0.03, 0.64) for x in places)
        customers = tuple(Detection("person", "person", box, 0.8, "test") for box in boxes)
        return customers if LEARNED + 15 <= i < LEARNED + 25 else ()  # then missed for a while

    told = play(detector(), shots(after(scene), 65, seen=seen), noon)
    last = next(d for _, found in told[::-1] for d in found if d.box.iou(PILE) > 0.35)
    assert last.since is not None
    assert abs((last.since - noon).total_seconds() - LEARNED * 2) <= 12
