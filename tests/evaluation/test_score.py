"""Cases against truth, and how sure the figures are."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evaluation.load import load_scenarios
from edge.evaluation.scenario import Truth
from edge.evaluation.score import LATE_S, Report, figures, judge
from edge.evaluation.stats import percentile, poisson_upper, wilson
from tests.evaluation.making import scenario, write_scenario

VENDING = "street_vending"
TRUTH = Truth(VENDING, None, "kerb", 60, 240)


def report(at_s: float, zone: str = "kerb", code: str = "0406", **more: object) -> Report:
    return Report(VENDING, frozenset({code}), zone, at_s, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        ([report(60)], (1, 0, 0, 0)),
        ([report(240 + LATE_S)], (1, 0, 0, 0)),
        ([report(59.9)], (0, 1, 1, 0)),
        ([report(240 + LATE_S + 0.1)], (0, 1, 1, 0)),
        ([report(100, zone="door")], (0, 1, 1, 0)),
        ([report(100), report(200)], (1, 0, 0, 1)),
        ([report(100), report(200, again=True)], (1, 0, 0, 0)),
        ([report(10, again=True)], (0, 1, 0, 0)),
        ([], (0, 1, 0, 0)),
    ],
)
def test_found_missed_false_and_twice(
    made: list[Report], verdict: tuple[int, int, int, int]
) -> None:
    """By zone and time; a case that opens again is the same case."""
    outcome = judge([TRUTH], made)
    counts = (outcome.found, outcome.missed, outcome.false, outcome.duplicates)
    assert tuple(len(part) for part in counts) == verdict


def test_a_code_counts_when_the_truth_gives_one() -> None:
    """The key or any code it is filed under; another kind never."""
    exact = Truth(VENDING, "0405", "kerb", 0, 100)
    assert not judge([exact], [report(10)]).found
    assert judge([exact], [report(10, code="0405")]).found
    assert not judge([Truth("illegal_ads", None, "kerb", 0, 100)], [report(10)]).found


def test_two_truths_that_overlap_both_find_their_case() -> None:
    """The one that ends first takes the first report."""
    early, late = Truth(VENDING, None, "kerb", 0, 10), Truth(VENDING, None, "kerb", 0, 100)
    outcome = judge([late, early], [report(20), report(90)])
    assert {t.to_s for t, _ in outcome.found} == {10, 100}
    assert not outcome.duplicates


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=6),
    st.lists(st.integers(0, 600), max_size=10),
)
def test_nothing_is_lost_in_judging(spans: list[tuple[int, int]], times: list[int]) -> None:
    """Every truth is found or missed, every report ends in one place."""
    truths = [Truth(VENDING, None, "kerb", a, a + b) for a, b in spans]
    outcome = judge(truths, [report(t) for t in times])
    assert len(outcome.found) + len(outcome.missed) == len(truths)
    assert len(outcome.found) + len(outcome.false) + len(outcome.duplicates) == len(times)


def test_the_figures_of_a_category(tmp_path: Path) -> None:
    """Two scenarios of 20 s, one of them a negative with a false case."""
    write_scenario(tmp_path, scenario(name="yes"), "yes.yaml")
    write_scenario(tmp_path, scenario(name="no", truth=[]), "no.yaml")
    no, yes = load_scenarios(tmp_path)
    judged = [(no, judge(no.truth, [report(3)])), (yes, judge(yes.truth, [report(10)]))]
    row = figures(judged, VENDING)
    assert (row["precision"], row["recall"], row["n"]) == (0.5, 1.0, 1)
    assert row["false_per_camera_day"] == pytest.approx(24 * 3600 / 40)
    assert row["on_negatives"]["false_per_camera_day"] == pytest.approx(24 * 3600 / 20)
    assert row["time_to_report_s"]["median"] == 6
    assert (row["n_scenarios"], row["n_negative"]) == (2, 1)
    empty = figures([(no, judge((), []))], VENDING)
    assert empty["precision"] is None
    assert empty["recall"] is None
    assert empty["n"] == 0


def test_intervals_are_the_known_ones() -> None:
    """Against published values."""
    assert wilson(9, 10) == (0.5958, 0.9821)
    assert wilson(0, 0) is None
    assert poisson_upper(0) == pytest.approx(-math.log(0.05))
    assert poisson_upper(5) == pytest.approx(10.5130, abs=1e-3)
    assert percentile([1, 2, 3, 4], 0.9) == 4
    assert percentile([1, 2, 3, 4], 0.5) == 2


@given(st.integers(0, 200), st.integers(1, 200))
def test_an_interval_holds_the_share(successes: int, more: int) -> None:
    """And stays within 0–1."""
    trials = successes + more
    low, high = wilson(successes, trials) or (1, 0)
    assert 0 <= low <= successes / trials + 1e-4
    assert successes / trials - 1e-4 <= high <= 1
