"""Average precision agrees with an evaluator written apart; matching and calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evaluation.average import Measured, Scored, average_precision
from edge.evaluation.labels import Label
from edge.evaluation.operating import calibration, counts, fire_rate
from edge.geometry import Box

NAMES = ("bag", "heap")


def naive_ap(pictures: list[Measured], name: str, min_iou: float) -> float | None:
    """COCO's average precision from its definition, in plain Python (no crowds)."""
    total = sum(label.name == name for m in pictures for label in m.labels)
    if not total:
        return None
    outcomes: list[tuple[float, bool]] = []
    for measured in pictures:
        free = [label.box for label in measured.labels if label.name == name]
        found = [s for s in measured.found if s.name == name]
        for scored in sorted(found, key=lambda s: -s.score)[:100]:
            overlaps = [scored.box.iou(box) for box in free]
            best = max(range(len(free)), key=overlaps.__getitem__, default=None)
            hit = best is not None and overlaps[best] >= min_iou
            if hit and best is not None:
                free.pop(best)
            outcomes.append((scored.score, hit))
    outcomes.sort(key=lambda pair: -pair[0])
    hits = np.cumsum([hit for _, hit in outcomes])
    recalls = hits / total
    precisions = hits / np.arange(1, len(outcomes) + 1)
    steps = []
    for step in np.linspace(0, 1, 101):
        beyond = precisions[recalls >= step]  # 7 / 10 does not reach the step 0.7000…01: COCO's way
        steps.append(beyond.max() if len(beyond) else 0.0)
    return float(np.mean(steps))


def random_pictures(seed: int, count: int) -> list[Measured]:
    """Labels, detections near some of them, and strays; no two scores alike."""
    rng = np.random.default_rng(seed)
    scores = iter(rng.permutation(np.linspace(0.002, 0.99, 40 * count)))
    pictures = []
    for _ in range(count):
        labels, found = [], []
        for _ in range(rng.integers(0, 6)):
            name = NAMES[rng.integers(0, 2)]
            x, y = rng.uniform(0, 0.7, 2)
            w, h = rng.uniform(0.05, 0.3, 2)
            labels.append(Label(name, Box.clipped(x, y, x + w, y + h)))
            for _ in range(rng.integers(0, 3)):
                dx, dy, dw, dh = rng.normal(0, 0.12, 4) * (w, h, w, h)
                near = Box.clipped(x + dx, y + dy, x + dx + w + dw, y + dy + h + dh)
                found.append(Scored(name, near, float(next(scores)), False))
        for _ in range(rng.integers(0, 4)):
            x, y = rng.uniform(0, 0.7, 2)
            stray = Box.clipped(x, y, x + 0.2, y + 0.2)
            found.append(Scored(NAMES[rng.integers(0, 2)], stray, float(next(scores)), False))
        pictures.append(Measured(tuple(labels), tuple(found)))
    return pictures


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 12))
def test_ap_agrees_with_an_independent_evaluator(seed: int, count: int) -> None:
    """To three decimals, at 0.5 and over 0.5 to 0.95."""
    pictures = random_pictures(seed, count)
    thresholds = np.linspace(0.5, 0.95, 10)
    for name, (ap50, ap50_95) in average_precision(pictures, NAMES).items():
        expected = [naive_ap(pictures, name, t) for t in thresholds]
        if expected[0] is None:
            assert ap50 is None
            assert ap50_95 is None
        else:
            assert ap50 == pytest.approx(expected[0], abs=5e-4)
            assert ap50_95 == pytest.approx(np.mean(expected), abs=5e-4)


WHOLE, LEFT, RIGHT = Box(0, 0, 1, 1), Box(0, 0, 0.4, 1), Box(0.6, 0, 1, 1)


def found(box: Box, score: float, *, acts: bool = True) -> Scored:
    return Scored("bag", box, score, acts)


def test_nothing_found_is_zero_and_nothing_there_is_unknown() -> None:
    """Never one for the other."""
    there = Measured((Label("bag", LEFT),), ())
    assert average_precision([there], NAMES) == {"bag": (0.0, 0.0), "heap": (None, None)}


def test_counts_at_the_threshold() -> None:
    """A second detection of one thing is wrong; weak ones do not count; crowds forgive."""
    pictures = [
        Measured(
            (Label("bag", LEFT), Label("bag", RIGHT)),
            (found(LEFT, 0.9), found(LEFT, 0.8), found(RIGHT, 0.3, acts=False)),
        ),
        Measured((Label("bag", WHOLE, crowd=True),), (found(LEFT, 0.7), found(RIGHT, 0.6))),
    ]
    assert counts(pictures, "bag") == (1, 1, 1)


def test_the_fire_rate_is_of_pictures_without_labels() -> None:
    """Weak detections do not fire."""
    pictures = [
        Measured((), (found(LEFT, 0.9),)),
        Measured((), (found(LEFT, 0.2, acts=False),)),
        Measured((Label("bag", LEFT),), (found(LEFT, 0.9),)),
    ]
    assert fire_rate(pictures) == {"pictures": 2, "fires": 1, "share": 0.5}
    assert fire_rate(pictures[2:])["share"] is None


@given(st.integers(1, 9), st.integers(1, 20))
def test_a_score_that_keeps_its_word_has_no_error(right: int, times: int) -> None:
    """0.n is right n times in 10."""
    pictures = [
        Measured((Label("bag", LEFT),) if n < right else (), (found(LEFT, right / 10 + 1e-9),))
        for _ in range(times)
        for n in range(10)
    ]
    figures = calibration(pictures, ["bag"])
    assert figures["ece"] == pytest.approx(0, abs=1e-3)
    assert figures["classes"]["bag"]["n"] == 10 * times


def test_overconfidence_is_measured() -> None:
    """Always 0.9 and never right."""
    figures = calibration([Measured((), (found(LEFT, 0.9),))] * 5, ["bag"])
    assert figures["ece"] == figures["ece_operating"] == pytest.approx(0.9)
    assert figures["bins"][9]["n"] == 5
    assert calibration([Measured((), ())], ["bag"])["ece"] is None
