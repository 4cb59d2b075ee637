"""What the patrol is told: what the box can do, and whose hours it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge.app.patrolling import Capacity, patrolled
from edge.app.streaming import visitors
from edge.config.model import CameraSettings


def test_what_is_left_follows_from_how_long_looks_take() -> None:
    """Ten looks a second are possible, held cameras take four, a tenth stays free."""
    capacity = Capacity(held_per_s=4.0)
    for _ in range(400):
        capacity.took(0.1, 1)
    assert capacity.looks_per_s == pytest.approx(0.9 * 10 - 4, rel=0.02)


def test_held_cameras_never_take_all_of_it() -> None:
    capacity = Capacity(held_per_s=50.0)
    for _ in range(400):
        capacity.took(0.4, 4)
    assert capacity.looks_per_s == pytest.approx(0.2 * 0.9 * 10, rel=0.02)


def test_one_slow_look_changes_little() -> None:
    """OCR of a wall takes half a second, now and then."""
    capacity = Capacity(held_per_s=0.0)
    for _ in range(400):
        capacity.took(0.05, 1)
    before = capacity.looks_per_s
    capacity.took(0.5, 1)
    assert capacity.looks_per_s > 0.8 * before


@pytest.mark.parametrize(
    ("max_open", "cameras", "cores", "expected"),
    [
        (16, 1000, 2, [8, 8]),
        (16, 3, 2, [1, 2]),
        (16, 1, 8, [1]),
        (1, 1000, 2, [1]),
        (7, 1000, 1, [3, 4]),
        (64, 1000, 32, [16, 16, 16, 16]),
        (16, 0, 2, []),
    ],
)
def test_visitors_are_as_many_as_streams_may_be_open(
    max_open: int, cameras: int, cores: int, expected: list[int]
) -> None:
    assert visitors(max_open, cameras, cores) == expected


def test_the_shortest_kind_says_how_often_a_look_is_worth_something() -> None:
    def zone(name: str, kind: str) -> dict[str, object]:
        return {"id": name, "watch": kind, "polygon": [[0, 0], [1, 0], [1, 1]]}

    camera = CameraSettings.model_validate(
        {
            "id": "cam",
            "url": "rtsp://10.0.0.1/x",
            "mode": "patrolled",
            "position": {"lon": 114.4, "lat": 30.3},
            "look_every_s": 60,
            "platform": "xueliang",
            "looks_per_visit": 2,
            "zones": [zone("wall", "illegal_ads"), zone("kerb", "street_vending")],
        }
    )
    told = patrolled(camera)
    assert (told.camera_id, told.revisit_s, told.platform, told.looks) == ("cam", 60, "xueliang", 2)
    assert told.lasts_s == 1200.0


def test_hours_may_run_over_midnight() -> None:
    camera = CameraSettings.model_validate(
        {
            "id": "cam",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "hours": ["06:00-08:00", "22:00-02:00"],
        }
    )

    def on(hour: int) -> bool:
        moment = datetime(2026, 6, 1, hour, 30, tzinfo=UTC).time()
        return any(hours.contains(moment) for hours in camera.hours)

    assert [hour for hour in range(24) if on(hour)] == [0, 1, 6, 7, 22, 23]
