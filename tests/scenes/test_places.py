"""Places: what stands still, also while somebody stands before it."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge.detectors.base import Detection
from edge.geometry import Box
from edge.scenes.places import PlaceTracker

TABLE = Box(0.40, 0.60, 0.60, 0.90)
LEFT_HALF = Box(0.40, 0.60, 0.48, 0.90)
RIGHT_BIT = Box(0.56, 0.60, 0.60, 0.90)
CUSTOMER = Box(0.47, 0.40, 0.57, 0.95)


def static(box: Box) -> Detection:
    return Detection("left_behind", "static_object", box, 0.8, "test 1")


def test_a_thing_behind_somebody_is_not_missing(noon: datetime) -> None:
    """Hidden for 60 of 100 s, it has been there all the time, and whole."""
    tracker = PlaceTracker()
    for second in range(0, 100, 2):
        hidden = 20 <= second < 80
        tracker.update(
            [] if hidden else [static(TABLE)],
            noon + timedelta(seconds=second),
            [CUSTOMER] if hidden else [],
        )
    (place,) = tracker.places
    assert place.dwell_s == 98
    assert place.presence == 1.0
    assert not place.hidden


def test_what_nobody_hides_is_missed(noon: datetime) -> None:
    """Taken away in plain view: its presence falls, and after half a minute it is forgotten."""
    tracker = PlaceTracker()
    for second in range(0, 40, 2):
        tracker.update([static(TABLE)] if second < 20 else [], noon + timedelta(seconds=second))
    assert tracker.places[0].presence == 0.5
    tracker.update([], noon + timedelta(seconds=60))
    assert not tracker.places


def test_somebody_who_stays_before_it_hides_it_for_a_while_only(noon: datetime) -> None:
    """What may have been taken away behind them is not believed in for ever."""
    tracker = PlaceTracker()
    tracker.update([static(TABLE)], noon)
    for second in range(2, 120, 2):
        tracker.update([], noon + timedelta(seconds=second), [CUSTOMER])
    assert not tracker.places


def test_pieces_of_a_thing_are_that_thing(noon: datetime) -> None:
    """A customer cuts the table in two; it stays one place of its own size."""
    tracker = PlaceTracker()
    for second in range(0, 40, 2):
        cut = second >= 10
        seen = [static(LEFT_HALF), static(RIGHT_BIT)] if cut else [static(TABLE)]
        tracker.update(seen, noon + timedelta(seconds=second), [CUSTOMER] if cut else [])
    (place,) = tracker.places
    assert place.presence == 1.0
    assert place.box.iou(TABLE) > 0.99
