"""Who stood where a thing is: passers-by, customers and the vendor do not make a cart a person."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from edge.detectors.base import Detection, Look
from edge.detectors.regions import Traffic
from edge.geometry import Box
from edge.streams.frame import Frame

CART = Box(0.58, 0.42, 0.75, 0.62)
CUSTOMER = Box(0.63, 0.38, 0.72, 0.65)
BLANK = np.zeros((4, 4, 3), np.uint8)


def seen(meaning: str, box: Box) -> Detection:
    return Detection(meaning, meaning, box, 0.7, "test")


def stood(
    noon: datetime, *looks: tuple[Detection, ...], box: Box = CART, known: bool = False
) -> bool:
    """Whether somebody stood at the box since the first look; they come every two seconds."""
    traffic = Traffic()
    for number, found in enumerate(looks):
        frame = Frame("cam-1", noon + timedelta(seconds=2 * number), BLANK, "key_frame", number)
        traffic.note(Look(frame, found))
    return traffic.stood(box, noon, known=known)


@pytest.mark.parametrize("first", ["person", "two_wheeler"])
def test_customers_who_come_later_do_not_excuse_a_cart(noon: datetime, first: str) -> None:
    """Nor with a passer-by in their place at the start, or one look that saw a bicycle there."""
    passer = (seen(first, CUSTOMER),)
    customers = (seen("person", CUSTOMER),)
    assert not stood(noon, (), passer, *[()] * 10, *[customers] * 20, ())


def test_who_was_there_from_the_start_is_the_thing(noon: datetime) -> None:
    """Missed on many looks since."""
    person = (seen("person", CUSTOMER),)
    assert stood(noon, *[person, ()] * 10, box=Box(0.62, 0.37, 0.73, 0.66))


def test_a_vehicle_hardly_ever_recognised_is_a_vehicle(noon: datetime) -> None:
    """On every sixth look, by its front."""
    front = (seen("vehicle", Box(0.58, 0.42, 0.63, 0.62)),)
    assert stood(noon, *[front, *[()] * 5] * 5)


def test_a_vendor_within_a_stall_is_not_the_stall(noon: datetime) -> None:
    """Their box lies in the stall's from the start; their own outline is all that they explain."""
    vendor = seen("person", Box(0.63, 0.44, 0.69, 0.62))
    assert not stood(noon, *[(vendor,)] * 20)
    assert stood(noon, *[(vendor,)] * 20, box=vendor.box.grown(0.1))


def test_a_known_thing_is_still_one_when_people_come(noon: datetime) -> None:
    """But a vehicle that is recognised late is a vehicle."""
    assert not stood(noon, *[(seen("person", CUSTOMER),)] * 10, (), known=True)
    assert stood(noon, *[(seen("vehicle", CART),)] * 10, (), known=True)
