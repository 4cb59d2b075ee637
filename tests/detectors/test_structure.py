"""Light keeps the edges of the ground; a thing hides them and brings its own."""

from __future__ import annotations

import cv2
import numpy as np

from edge.detectors.background import Floats, as_log, shrink
from edge.detectors.regions import Compared, regions
from edge.detectors.structure import shows_through
from tests.detectors.sequences import camera_picture, empty_plaza, lamp, with_pile

HERE = np.zeros((240, 320), np.bool_)
HERE[122:145, 201:255] = True  # where the demo's pile lies
ALL = np.ones_like(HERE)


def logs(picture: Floats, seed: int = 1) -> Floats:
    small = shrink(camera_picture(picture, seed=seed))
    return as_log(np.asarray(cv2.resize(small, (320, 240)), np.uint8))


def paving() -> Floats:
    """Ground with joints, as large as the plaza."""
    ground = np.full(empty_plaza().shape, 120.0, np.float32)
    ground[::24] = ground[1::24] = ground[2::24] = 60
    ground[:, ::24] = ground[:, 1::24] = ground[:, 2::24] = 60
    return ground


def test_a_lamp_leaves_the_ground_and_a_thing_hides_it() -> None:
    """Also where night has made the ground a third as light."""
    before = logs(paving())
    for light in (1.0, 0.35):
        lit = logs(lamp(paving() * light, 0.7, 0.55, 0.1, 1.0), seed=2)
        covered = logs(with_pile(paving() * light), seed=2)
        assert shows_through(lit, before, HERE) > 0.6
        assert shows_through(covered, before, HERE) < 0.35


def test_bare_ground_says_nothing() -> None:
    """Noise has slopes too, but no structure to be known again."""
    bare = np.full((240, 320, 3), 5.0, np.float32)
    assert shows_through(bare, bare, ALL) == 0.0


def test_a_region_through_which_the_ground_shows_is_light() -> None:
    """However sharp its rim; the same region is a thing when its looks hide the ground."""
    before = logs(paving())
    bright = before.copy()
    bright[HERE] += 0.5
    thing = logs(with_pile(paving()))
    for mean, light in ((bright, True), (thing, False)):
        (found,) = regions(HERE, HERE, Compared(bright, mean, before), min_area=0.001, max_area=0.3)
        assert found.light is light
        assert (found.strength > 0) is not light
