"""What a patrol keeps to when people ask, cameras come back all at once, and sums are not exact."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.streams.beats import Budget, Patrolled
from edge.streams.patrol import Patrol
from tests.streams.rounds import drive

_STEP = 0.25
_quick = settings(max_examples=15, deadline=None)


def _most_in(times: list[float], window_s: float) -> int:
    """Most of the (sorted) times that lie within a window."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while times[first] < at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_a_demand_that_is_exactly_what_is_planned_is_no_stretch() -> None:
    """192 cameras at 1/240 a second add up to a hair more than 0.8."""
    cameras = [Patrolled(f"c{i}", 240.0, f"p{i % 3}") for i in range(192)]
    patrol = Patrol(cameras, Budget(1.0, 8), 0.0)
    patrol.open(1.0)
    assert patrol.state().stretch == 1.0
    cameras.append(Patrolled("one more", 240.0))
    patrol = Patrol(cameras, Budget(1.0, 8), 0.0)
    patrol.open(1.0)
    assert patrol.state().stretch == pytest.approx(193 / 192)


@_quick
@given(st.integers(20, 120), st.sampled_from([1.0, 4.0]), st.integers(1, 3), st.integers(0, 9))
def test_cameras_that_come_back_all_at_once_keep_to_the_look_budget(
    dead: int, rate: float, looks: int, seed: int
) -> None:
    healthy = int(0.5 * rate * 60 / looks)
    cameras = [Patrolled(f"c{i}", 60.0, "", 60.0, looks) for i in range(dead + healthy)]
    gone = {f"c{i}" for i in range(dead)}
    budget = Budget(rate, 24)
    out = drive(
        cameras, budget, until=600.0, seed=seed, hold=(0.2, 0.4),
        fails=lambda camera, now: camera in gone and now < 300,
    )  # fmt: skip
    assert {who for at, who in out.looked if at > 300} >= gone or dead * looks > 200 * rate
    # Beyond rate and burst only what was open when the first of them answered.
    beyond = max(rate, looks) + 2 * looks + budget.streams * 0.25 * looks + rate * 1.0
    for window_s in (1.0, 5.0, 20.0):
        most = _most_in([at for at, _ in out.looked if at > 300], window_s)
        assert most * looks <= rate * (window_s + 2 * _STEP) + beyond


@_quick
@given(
    st.integers(5, 60), st.sampled_from([1.0, 4.0]), st.integers(1, 4), st.integers(1, 2),
    st.dictionaries(st.integers(0, 4), st.sampled_from([1.0, 4.0, 15.0]), min_size=1),
    st.sets(st.integers(0, 59), max_size=20), st.integers(0, 9),
)  # fmt: skip
def test_who_asks_keeps_within_the_caps_and_others_pay(
    many: int, rate: float, streams: int, cap: int, asked: dict[int, float], dead: set[int],
    seed: int,
) -> None:  # fmt: skip
    cameras = [Patrolled(f"c{i}", 30.0, "ab"[i % 2], 10.0) for i in range(many)]
    gone = {f"c{i}" for i in dead}

    def tell(patrol: Patrol, now: float) -> None:
        if now == 60.0:
            for camera, every_s in asked.items():
                patrol.ask(f"c{camera}", now, every_s, until=120.0)

    out = drive(
        cameras, Budget(rate, streams, {"a": cap}), until=300.0, seed=seed, tell=tell,
        fails=lambda camera, _now: camera in gone,
    )  # fmt: skip
    assert out.held.get(None, 0) <= streams
    assert out.held.get("a", 0) <= min(cap, streams)
    whys = {visit.why for at, visit in out.opened if 60 <= at < 120}
    assert "asked" in whys
    # What was taken is paid back: over the whole time the budget holds, but for the asked alone.
    brought = {
        who: [at for at, name in out.looked if name == who] for who in map("c{}".format, asked)
    }
    taken = sum(len([at for at in times if 60 <= at < 125]) for times in brought.values())
    assert len(out.looked) <= max(rate * 300.0, taken + rate * 240.0) + rate + 2 * streams + 1


@_quick
@given(
    st.floats(0.2, 6.0), st.lists(st.tuples(st.integers(0, 59), st.floats(50, 400)), max_size=12),
    st.integers(0, 9),
)  # fmt: skip
def test_holds_and_failures_in_any_mix_leave_the_bound_of_the_others(
    longest: float, faults: list[tuple[int, float]], seed: int
) -> None:
    """Cameras fall out for a minute each, visits take up to six seconds, streams suffice.

    What they are watched for lasts: no spare look hides a revisit that is late.
    """
    cameras = [Patrolled(f"c{i}", (40.0, 90.0)[i % 2], "ab"[i % 2], 1000.0) for i in range(60)]
    budget = Budget(4.0, 40)
    out = drive(
        cameras, budget, until=500.0, seed=seed, hold=(0.1, longest),
        fails=lambda who, now: any(who == f"c{i}" and at < now < at + 60 for i, at in faults),
    )  # fmt: skip
    assert all(stretch == 1.0 for _, stretch in out.stretches)
    faulty = {f"c{i}" for i, _ in faults}
    for camera in cameras:
        gaps = out.gaps(camera.camera_id, 0.0, 500.0)
        if camera.camera_id not in faulty:
            most = camera.revisit_s + longest + 2 * _STEP + 2 / budget.looks_per_s
            assert all(end - begin <= most for begin, end in gaps)
