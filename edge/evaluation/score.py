"""Cases against truth: which report answers which truth, and what that makes per category.

A case answers a truth when its zone is the same, its kind is the same (its code too when the
truth gives one), and its first report lies between ``from`` and ``to`` + 30 s. A second case for
an answered truth is a duplicate; a case that answers none is false; a truth nobody answers is
missed. Precision is found / (found + false): duplicates are counted by themselves. False cases
per camera-day are counted over every scenario that watches for the category; ``on_negatives`` over
those in which nothing of it should be reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from edge.evaluation.scenario import Scenario, Truth
from edge.evaluation.stats import percentile, poisson_upper, wilson

LATE_S = 30.0
_HOURS_PER_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Report:
    """A case at the moment it was first reported.

    Attributes:
        kind: street_vending, piled_materials or illegal_ads.
        codes: what its category is called; None when whoever reported knows only the kind.
        zone: where; None when whoever reported knows no zones.
        at_s: when, seconds on the scenario's clock.
        case_id: of the desk's case, empty outside the desk.
        again: a case that was gone and opens again; it may answer a truth but is never false.
        reasons: in English, for the reader of a report.
    """

    kind: str
    codes: frozenset[str] | None
    zone: str | None
    at_s: float
    case_id: str = ""
    again: bool = False
    reasons: tuple[str, ...] = ()

    def answers(self, truth: Truth) -> bool:
        """Whether this report is about that truth."""
        return (
            self.kind == truth.kind
            and self.zone in (None, truth.zone)
            and (truth.code is None or self.codes is None or truth.code in self.codes)
            and truth.from_s <= self.at_s <= truth.to_s + LATE_S
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario, judged.

    Attributes:
        found: answered truths, each with the report that answered first.
        missed: truths without an answer.
        false: reports that answer nothing.
        duplicates: further reports for an answered truth.
    """

    found: tuple[tuple[Truth, Report], ...]
    missed: tuple[Truth, ...]
    false: tuple[Report, ...]
    duplicates: tuple[Report, ...]


def judge(truths: Sequence[Truth], reports: Sequence[Report]) -> Outcome:
    """Match reports to truths in order of time; the truth that ends first is answered first."""
    open_truths = sorted(truths, key=lambda truth: (truth.to_s, truth.from_s))
    found: list[tuple[Truth, Report]] = []
    false: list[Report] = []
    duplicates: list[Report] = []
    for report in sorted(reports, key=lambda report: report.at_s):
        truth = next((t for t in open_truths if report.answers(t)), None)
        if truth is not None:
            open_truths.remove(truth)
            found.append((truth, report))
        elif report.again:
            continue  # the same case: a second report of it is neither new nor twice
        elif any(report.answers(t) for t, _ in found):
            duplicates.append(report)
        else:
            false.append(report)
    return Outcome(tuple(found), tuple(open_truths), tuple(false), tuple(duplicates))


def figures(judged: Sequence[tuple[Scenario, Outcome]], kind: str) -> dict[str, Any]:
    """All figures of one category; ``None`` where there was nothing to divide by."""
    watching = [(s, o) for s, o in judged if kind in s.watched]
    negatives = [(s, o) for s, o in watching if all(t.kind != kind for t in s.truth)]
    found = [(t, r) for _, o in watching for t, r in o.found if t.kind == kind]
    missed = [t for _, o in watching for t in o.missed if t.kind == kind]
    false = [r for _, o in watching for r in o.false if r.kind == kind]
    false_negatives = [r for _, o in negatives for r in o.false if r.kind == kind]
    duplicates = [r for _, o in watching for r in o.duplicates if r.kind == kind]
    delays = [report.at_s - truth.from_s for truth, report in found]
    hours = sum(s.length_s for s, _ in watching) / 3600
    negative_hours = sum(s.length_s for s, _ in negatives) / 3600
    return {
        "precision": _share(len(found), len(found) + len(false)),
        "recall": _share(len(found), len(found) + len(missed)),
        "false_per_camera_day": _per_day(len(false), hours),
        "duplicates": len(duplicates),
        "n": len(found) + len(missed),
        "n_scenarios": len(watching),
        "n_negative": len(negatives),
        "found": len(found),
        "missed": len(missed),
        "false": len(false),
        "hours": round(hours, 4),
        "precision_ci95": wilson(len(found), len(found) + len(false)),
        "recall_ci95": wilson(len(found), len(found) + len(missed)),
        "false_per_camera_day_upper95": _per_day(poisson_upper(len(false)), hours),
        "on_negatives": {
            "false": len(false_negatives),
            "hours": round(negative_hours, 4),
            "false_per_camera_day": _per_day(len(false_negatives), negative_hours),
            "false_per_camera_day_upper95": _per_day(
                poisson_upper(len(false_negatives)), negative_hours
            ),
        },
        "time_to_report_s": {
            "median": round(median(delays), 1) if delays else None,
            "p90": round(percentile(delays, 0.9), 1) if delays else None,
        },
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _per_day(count: float, hours: float) -> float | None:
    return round(count / hours * _HOURS_PER_DAY, 4) if hours else None
