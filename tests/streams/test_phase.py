"""A visit comes just before the key frame, by a camera's own beat; others are opened at once."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.streams.phase import Phase, Timing

_OPEN_S = 0.2


class Camera:
    """Sends a key frame every ``interval_s`` by its own clock, which is off by ``drift``."""

    def __init__(self, interval_s: float, drift: float, jitter_s: float, seed: int) -> None:
        self._own_s = interval_s * (1.0 + drift)
        self._stamped_s = interval_s
        self._jitter_s = jitter_s
        self._random = random.Random(seed)

    def visit(self, now: float, *, measure: bool) -> Timing:
        opened_s = self._random.uniform(0.8, 1.0) * _OPEN_S
        ready = now + opened_s
        key_at = (int(ready / self._own_s) + 1) * self._own_s
        came = key_at + self._random.uniform(0, self._jitter_s)
        return Timing(opened_s, came - ready, came, self._stamped_s if measure else None)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0]),
    st.floats(-1e-4, 1e-4),
    st.floats(0.0, 0.04),
    st.sampled_from([10.0, 30.0, 300.0]),
    st.integers(0, 999),
)
def test_a_steady_camera_is_opened_just_before_its_key_frame(
    interval_s: float, drift: float, jitter_s: float, revisit_s: float, seed: int
) -> None:
    camera, phase = Camera(interval_s, drift, jitter_s, seed), Phase()
    now, waits = 100.0, []
    rng = random.Random(seed + 1)
    for number in range(40):
        start = phase.not_before(now)
        assert now <= start < now + interval_s + 0.01  # never later than one beat
        timing = camera.visit(start, measure=phase.measure)
        if number >= 10:
            waits.append(timing.waited_s)
        phase.learn(timing)
        now = start + revisit_s * rng.uniform(0.9, 1.1)
    # Without it a visit waits for half an interval on average.
    assert sum(waits) / len(waits) < 0.25 + 0.1 * interval_s / 2


def test_a_camera_that_sends_a_key_frame_to_whoever_comes_is_never_kept_waiting() -> None:
    phase = Phase()
    for now in range(100, 1000, 30):
        assert phase.not_before(now) == now
        phase.learn(Timing(_OPEN_S, 0.05, now + 0.25))
    assert not phase.measure


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_a_camera_without_a_beat_is_opened_at_once_in_the_end(seed: int) -> None:
    """Measured anew a few times, then given up: no visit is put off for nothing."""
    rng, phase, now, measured, put_off = random.Random(seed), Phase(), 100.0, 0, 0
    for _ in range(400):
        start = phase.not_before(now)
        put_off += start > now
        measured += phase.measure
        interval_s = rng.uniform(0.5, 9.0) if phase.measure else None
        waited_s = rng.uniform(0.3, 8.0)
        timing = Timing(_OPEN_S, waited_s, start + _OPEN_S + waited_s, interval_s)
        phase.learn(timing)
        now = start + rng.uniform(20.0, 40.0)
    assert measured <= 3
    # A beat found by chance is lost by chance: half of all guesses hit a quarter beat either way.
    assert put_off < 400


def test_a_beat_that_changes_is_learned_anew() -> None:
    """The camera was set from a key frame in 2 s to one in 5 s."""
    phase, now = Phase(), 100.0
    for camera in (Camera(2.0, 0.0, 0.0, 1), Camera(5.0, 0.0, 0.0, 1)):
        for _ in range(30):
            start = phase.not_before(now)
            timing = camera.visit(start, measure=phase.measure)
            phase.learn(timing)
            now = start + 31.0
    assert timing.waited_s < 0.6
