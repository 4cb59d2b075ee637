"""Where looks lie minutes apart, what no model names must be recognised as a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge.app.gate import in_words
from edge.app.seldom import SeldomSeen
from edge.detectors.base import Detection
from edge.detectors.second_look import Judgement, Reason
from edge.geometry import Box
from edge.scenes.finding import EventKind, Finding
from edge.streams.frame import Image
from tests.app.test_gate import PILE, report

LIKE_NOTHING = Judgement(True, 1.0, (Reason("nothing_like", "left_behind", 0, 4, 0.0),))
CORNER = Box(0.4, 0.4, 0.42, 0.45)


class Shares:
    """Stands for the classifier: its share of "thing" on four views, by box."""

    def __init__(self, things: dict[Box, Sequence[float]]) -> None:
        self.things = things

    def name(self, image: Image, box: Box) -> list[dict[str, float]]:
        return [{"thing": share, "flat": 1 - share} for share in self.things[box]]


def finding() -> Finding:
    return report(0).findings[0]


def judged(
    found: Finding, shares: dict[Box, Sequence[float]], cameras: Sequence[str] = ("cam-1",)
) -> Judgement:
    return SeldomSeen(Shares(shares), dict.fromkeys(cameras, 60.0)).judge(found, LIKE_NOTHING)


def test_what_is_recognised_passes_as_it_was() -> None:
    """The mean counts, not every view."""
    assert judged(finding(), {PILE: (0.9, 0.4, 0.8, 0.8)}) is LIKE_NOTHING


def test_what_is_only_like_no_look_alike_is_held_with_the_reason() -> None:
    """Held without a look-alike's name, and said in both languages."""
    result = judged(finding(), {PILE: (0.7, 0.3, 0.3, 0.3)})
    assert (result.confirmed, result.look_alike) == (False, None)
    assert result.score == pytest.approx(0.4)
    (reason,) = result.reasons
    assert (reason.key, reason.seen, reason.views) == ("not_recognised", 1, 4)
    assert "minutes apart" in in_words(reason).en
    assert "0.40" in in_words(reason).zh


def test_a_corner_does_not_speak_for_the_whole() -> None:
    """A part of a parked van that stands apart passes for a thing."""
    found = finding()
    corner = replace(found.parts[0], box=CORNER)
    both = replace(found, parts=(corner, found.parts[0]))
    assert not judged(both, {CORNER: (0.95,) * 4, PILE: (0.3,) * 4}).confirmed


def test_what_a_model_names_needs_nothing_more() -> None:
    """By the category of most looks, or a bag of rubbish among the parts."""
    found = finding()
    nothing = {PILE: (0.0,) * 4}
    assert judged(replace(found, category="EXT-01"), nothing).confirmed
    bag = Detection("rubbish_bag", "rubbish_bag", PILE, 0.8, "rubbish 1")
    assert judged(replace(found, parts=(*found.parts, bag)), nothing).confirmed


def test_other_cameras_and_kinds_are_not_asked() -> None:
    """Looks seconds apart tell more; of stalls the classifier knows nothing."""
    found = finding()
    assert judged(found, {}, cameras=("cam-2",)) is LIKE_NOTHING
    assert judged(replace(found, kind=EventKind.STREET_VENDING), {}) is LIKE_NOTHING


def test_what_is_held_already_keeps_its_reason() -> None:
    """A parked vehicle stays one."""
    car = Judgement(False, 0.2, (Reason("looks_like", "parked_vehicle", 4, 4, 0.8),), "parked")
    assert SeldomSeen(Shares({}), {"cam-1": 60.0}).judge(finding(), car) is car


def test_a_box_that_cannot_keep_up_looks_seldom_too() -> None:
    """A look every 30 s is not seldom; every 30 s, stretched by two, is."""
    seldom = SeldomSeen(Shares({PILE: (0.1, 0.1, 0.1, 0.1)}), {"cam-1": 30.0})
    assert seldom.judge(finding(), LIKE_NOTHING) is LIKE_NOTHING
    seldom.stretch = 2.0
    assert not seldom.judge(finding(), LIKE_NOTHING).confirmed
