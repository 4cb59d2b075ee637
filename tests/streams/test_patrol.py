"""What the patrol promises, for any cameras, budgets, faults and clocks."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.streams.beats import Budget, Patrolled, Policy
from edge.streams.patrol import Patrol
from tests.streams.rounds import Round, drive

_STEP = 0.25
_LONGEST = 1.0 + 2 * _STEP  # the longest visit, on the grid of the simulated clock
_quick = settings(max_examples=20, deadline=None)


@st.composite
def patrols(draw, *, load: tuple[float, float]) -> tuple[list[Patrolled], Budget]:  # type: ignore[no-untyped-def]
    """Cameras that want between so many times the look budget; streams are no bottleneck."""
    rate = draw(st.sampled_from([1.0, 2.0, 5.0]))
    kinds = draw(
        st.lists(st.sampled_from([20.0, 33.0, 60.0, 145.0, 240.0]), min_size=1, max_size=3)
    )
    target = draw(st.floats(*load)) * rate
    cameras: list[Patrolled] = []
    want = 0.0
    while len(cameras) < 400:
        revisit = kinds[len(cameras) % len(kinds)]
        if want + 1 / revisit > target:
            break
        want += 1 / revisit
        lasts = draw(st.sampled_from([5.0, 40.0, 1000.0])) if len(cameras) < 9 else 40.0
        platform = f"p{len(cameras) % 3}"
        cameras.append(Patrolled(f"c{len(cameras)}", revisit, platform, lasts))
    assume(cameras and want >= load[0] * rate - 0.1)  # 400 slow cameras may be too few
    return cameras, Budget(rate, max(8, int(4 * rate)))


def _check_bound(out: Round, cameras: list[Patrolled], rate: float, until: float) -> None:
    for camera in cameras:
        for begin, end in out.gaps(camera.camera_id, 0.0, until):
            most = camera.revisit_s * out.stretch_between(begin, end) + _LONGEST + 2 / rate
            assert end - begin <= most, (camera, begin, end)


@_quick
@given(patrols(load=(0.05, 0.8)), st.integers(0, 9))
def test_what_fits_is_never_late_nor_stretched(given_, seed: int) -> None:
    cameras, budget = given_
    out = drive(cameras, budget, until=700.0, seed=seed)
    assert all(stretch == 1.0 for _, stretch in out.stretches)
    _check_bound(out, cameras, budget.looks_per_s, 700.0)


@_quick
@given(patrols(load=(1.1, 4.0)))
def test_overload_stretches_all_alike_and_starves_none(given_) -> None:
    cameras, budget = given_
    out = drive(cameras, budget, until=1000.0)
    assert max(stretch for _, stretch in out.stretches) > 1.0
    _check_bound(out, cameras, budget.looks_per_s, 1000.0)


@_quick
@given(
    st.integers(1, 60), st.sampled_from([0.5, 3.0]), st.integers(1, 6), st.integers(1, 3),
    st.sets(st.integers(0, 59)), st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_budgets_are_never_exceeded(
    many: int, rate: float, streams: int, cap: int, dead: set[int], looks: int, seed: int
) -> None:
    cameras = [Patrolled(f"c{i}", 15.0, "ab"[i % 2], 5.0, looks) for i in range(many)]
    # The dead come alive for a while: their looks are those nobody counted on.
    gone = {f"c{i}" for i in dead}
    out = drive(
        cameras, Budget(rate, streams, {"a": cap}), until=300.0, seed=seed,
        fails=lambda camera, now: camera in gone and not 100 < now < 200,
    )  # fmt: skip
    assert out.held.get(None, 0) <= streams
    assert out.held.get("a", 0) <= min(cap, streams)
    times = [at for at, _ in out.looked]
    slack = max(rate, looks) + 2 * streams * looks  # burst, and what was open at the beginning
    for i in range(0, len(times), 5):
        for j in range(i, len(times), 7):
            assert (j - i + 1) * looks <= rate * (times[j] - times[i] + _STEP) + slack
    assert len(times) * looks <= rate * 300.0 + slack


@_quick
@given(st.integers(1, 3), st.integers(20, 80), st.integers(0, 9))
def test_failing_cameras_are_tried_again_and_cost_the_others_nothing(
    size: int, dead: int, seed: int
) -> None:
    cameras = [Patrolled(f"c{i}", 60.0, "one", 30.0) for i in range(60 * size + dead)]
    gone = {f"c{i}" for i in range(dead)}
    budget = Budget(4.0 * size, 16 * size)
    policy = Policy(retry_max_s=60.0)
    out = drive(
        cameras, budget, until=900.0, policy=policy, seed=seed,
        fails=lambda camera, now: camera in gone and now > 100,
    )  # fmt: skip
    healthy = [camera for camera in cameras if camera.camera_id not in gone]
    assert all(stretch == 1.0 for _, stretch in out.stretches)
    _check_bound(out, healthy, budget.looks_per_s, 900.0)
    # Each is tried at least every retry_max_s, or as often as a quarter of the streams allows.
    round_s = max(60.0, dead * (5.0 + _STEP) / (0.25 * budget.streams)) + 2 * 5.0 + 5.0
    for camera in gone:
        tries = [at for at, who in out.failed if who == camera and at > 200] + [900.0]
        assert max(b - a for a, b in zip([200.0, *tries], tries, strict=False)) <= 2 * round_s
        assert len(tries) > 3
    attempts = Counter(visit.camera_id for at, visit in out.opened if at > 400)
    assert max(attempts[camera] for camera in gone) <= 500 / (0.75 * 60.0) + 2


@pytest.mark.parametrize("streams", [1, 2])
def test_one_stream_is_not_taken_by_those_that_fail(streams: int) -> None:
    cameras = [Patrolled(f"c{i}", 60.0) for i in range(50)]
    out = drive(
        cameras, Budget(5.0, streams), until=4000.0,
        fails=lambda camera, _now: camera != "c49", hold=(0.2, 0.5),
    )  # fmt: skip
    for begin, end in out.gaps("c49", 600.0, 4000.0)[1:]:
        assert end - begin <= 60.0 * out.stretch_between(begin, end) + 4 * 5.25
    tried = {who for at, who in out.failed if at > 2000}
    assert len(tried) == 49


@_quick
@given(patrols(load=(0.3, 2.0)), st.integers(0, 99), st.sets(st.integers(0, 20)))
def test_the_same_story_gives_the_same_visits(given_, seed: int, dead: set[int]) -> None:
    cameras, budget = given_
    gone = {f"c{i}" for i in dead}
    runs = [
        drive(cameras, budget, until=200.0, seed=seed, fails=lambda c, _: c in gone)
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


@_quick
@given(
    patrols(load=(0.05, 0.8)),
    st.lists(st.tuples(st.floats(50, 500), st.floats(1, 1e5)), max_size=3),
)
def test_a_clock_that_leaps_forward_costs_no_more_than_the_leap(given_, leaps) -> None:
    cameras, budget = given_
    out = drive(
        cameras,
        budget,
        until=700.0,
        clock=lambda now: now + sum(by for at, by in leaps if now >= at),
    )
    # On the clock that does not leap the bound holds as ever: nothing was overdue at once.
    _check_bound(out, cameras, budget.looks_per_s, 700.0)


@_quick
@given(patrols(load=(0.05, 0.8)), st.floats(20, 300), st.floats(1, 200), st.booleans())
def test_a_clock_that_stands_or_runs_back_opens_nothing_more_than_budget(
    given_, at: float, pause: float, back: bool
) -> None:
    cameras, budget = given_

    def clock(now: float) -> float:
        if now < at:
            return now
        return at - 5.0 * back if now < at + pause else now - pause

    out = drive(cameras, budget, until=700.0, clock=clock)
    paused = [when for when, _ in out.opened if at + _STEP < when < at + pause]
    assert len(paused) <= budget.looks_per_s + 1  # what was left in the bucket
    for camera in cameras:
        for begin, end in out.gaps(camera.camera_id, 0.0, 700.0):
            most = camera.revisit_s + pause + 10.0 + _LONGEST + 2 / budget.looks_per_s
            assert end - begin <= most


def test_the_start_is_spread() -> None:
    cameras = [Patrolled(f"c{i}", 300.0) for i in range(1000)]
    out = drive(cameras, Budget(20.0, 100), until=330.0)
    firsts = {}
    for at, visit in out.opened:
        firsts.setdefault(visit.camera_id, at)
    assert len(firsts) == 1000
    # Whoever installs the box wants to see every camera soon: as fast as the budget allows …
    by_second = Counter(int(at) for at in firsts.values())
    assert max(firsts.values()) < 75
    assert max(by_second.values()) <= 20 + 1
    # … and the rounds after that lie evenly.
    by_minute = Counter(int(at // 60) for at, _ in out.opened if 80 <= at < 320)
    assert max(by_minute.values()) <= 1.3 * 1000 / 5


def test_outside_its_hours_a_camera_is_left_alone_until_they_begin() -> None:
    cameras = [Patrolled(f"c{i}", 10.0, preset="gate") for i in range(100)]
    patrol = Patrol(cameras, Budget(20.0, 20), 0.0)
    for camera in cameras:
        patrol.rest(camera.camera_id, 0.0, until=1000.0)
    assert not [patrol.open(t / 2) for t in range(2000) if patrol.open(t / 2)]
    assert patrol.state().resting == 100
    seen = {}
    for tick in range(60):
        now = 1000.0 + tick * 0.25
        for visit in patrol.open(now):
            assert visit.preset == "gate"
            seen.setdefault(visit.camera_id, now)
            patrol.looked(visit, now)
    assert len(seen) == 100  # all within their revisit time, and not all at once
    assert max(seen.values()) <= 1010.0
    assert max(Counter(int(at) for at in seen.values()).values()) <= 21


def test_spare_looks_go_where_events_were_seen_and_cases_are_open() -> None:
    # Budget for 3 looks a second; revisits need 1: one in ten can be looked at ten times as often.
    cameras = [Patrolled(f"c{i}", 100.0, "", 10.0) for i in range(100)]
    patrol = Patrol(cameras, Budget(3.0, 50), 0.0)
    looks = Counter[str]()
    for tick in range(4 * 3600):
        now = tick * 0.25
        for visit in patrol.open(now):
            busy = int(visit.camera_id[1:]) < 10
            looks[visit.camera_id] += now > 1800
            patrol.looked(visit, now, events=int(busy and looks[visit.camera_id] % 5 == 0))
    busy_looks = sum(looks[f"c{i}"] for i in range(10)) / 10
    quiet_looks = sum(looks[f"c{i}"] for i in range(10, 100)) / 90
    assert busy_looks > 0.9 * 1800 / 10  # as often as an event lasts
    assert busy_looks > 4 * quiet_looks  # who share what is left


@_quick
@given(patrols(load=(0.3, 1.5)), st.sets(st.integers(0, 5)), st.integers(0, 9), st.booleans())
def test_who_is_asked_for_is_opened_at_once_and_again(
    given_, dead: set[int], seed: int, resting: bool
) -> None:
    """Failing or resting: opened within a step while a stream is free, every 3 s for 30 s."""
    cameras, budget = given_
    asked = cameras[0].camera_id

    def tell(patrol: Patrol, now: float) -> None:
        if now == 50.0 and resting:
            patrol.rest(asked, now, until=1e9)
        if now == 100.0:
            patrol.ask(asked, now, every_s=10.0, until=130.0)
            patrol.ask(asked, now, every_s=3.0, until=110.0)

    gone = {f"c{i}" for i in dead}
    out = drive(
        cameras,
        budget,
        until=300.0,
        seed=seed,
        fails=lambda c, _: c in gone,
        timeout=1.0,
        tell=tell,
    )
    wanted = [at for at, visit in out.opened if visit.camera_id == asked and visit.why == "asked"]
    assert wanted
    assert wanted[0] <= 100.0 + 1.0 + _STEP  # a visit under way is ended first
    assert all(b - a <= 3.0 + 1.0 + 2 * _STEP for a, b in pairwise(wanted))
    assert 126.0 <= wanted[-1] <= 130.0
    if resting:
        after = [v for at, v in out.opened if v.camera_id == asked and at > 50 and v.why != "asked"]
        assert not after
    others = [camera for camera in cameras[1:] if camera.camera_id not in gone]
    for camera in others:  # what was taken of the budget delays others by no more than itself
        for begin, end in out.gaps(camera.camera_id, 0.0, 300.0):
            most = camera.revisit_s * out.stretch_between(begin, end) + 11 / budget.looks_per_s
            assert end - begin <= most + _LONGEST + 2 / budget.looks_per_s


def test_a_failing_camera_that_was_asked_for_is_not_opened_twice() -> None:
    """Its place in the queue of retries is stale then."""
    patrol = Patrol([Patrolled("c", 10.0), Patrolled("d", 10.0)], Budget(9.0, 9), 0.0)
    open_now: dict[str, int] = {}
    now = 0.0
    while now < 600.0:
        if now % 20 == 0:
            patrol.ask("c", now, every_s=2.0, until=now + 7.0)
        for visit in patrol.open(now):
            assert visit.camera_id not in open_now
            open_now[visit.camera_id] = visit.number
            if now % 3 < 2:
                patrol.failed(visit, now, "CAM-001")
            else:
                patrol.looked(visit, now)
            del open_now[visit.camera_id]
        now += 0.5
    state = patrol.state()
    assert state.open_streams == 0
    assert set(state.failing.values()) <= {1, 2}


@_quick
@given(st.floats(0.5, 20.0), st.floats(0.5, 20.0))
def test_another_budget_holds_from_the_moment_it_is_told(before: float, after: float) -> None:
    cameras = [Patrolled(f"c{i}", 10.0) for i in range(200)]

    def tell(patrol: Patrol, now: float) -> None:
        if now == 100.0:
            patrol.budget(after)

    out = drive(cameras, Budget(before, 100), until=200.0, tell=tell)
    first = sum(at <= 100.0 for at, _ in out.opened)
    second = sum(at > 100.0 for at, _ in out.opened)
    assert first <= 100.0 * before + 2 * max(before, 1.0) + 3
    assert 0.7 * 100.0 * min(after, 20.0) <= second <= 100.0 * after + 2 * max(before, after) + 3
    with pytest.raises(ValueError, match="above 0"):
        Patrol(cameras, Budget(1.0, 1), 0.0).budget(0.0)


def test_a_second_outcome_is_ignored_and_wrong_input_refused() -> None:
    patrol = Patrol([Patrolled("c", 10.0)], Budget(1.0, 1), 0.0)
    visit = next(visits[0] for t in range(40) if (visits := patrol.open(float(t))))
    patrol.failed(visit, 41.0, "CAM-001")
    patrol.looked(visit, 42.0)
    assert patrol.state().failing == {"CAM-001": 1}
    with pytest.raises(ValueError, match="twice"):
        Patrol([Patrolled("c", 10.0), Patrolled("c", 9.0)], Budget(1.0, 1), 0.0)
    with pytest.raises(ValueError, match="c: revisit_s"):
        Patrolled("c", 0.0)
    with pytest.raises(ValueError, match="stream"):
        Budget(1.0, 0)
