"""Precision with its uncertainty, and the threshold that would keep it.

Precision is the share of cases that were worth sending: right ones over right, wrong and pointless
ones. Duplicates are counted apart: no threshold helps against them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from itertools import groupby
from statistics import NormalDist
from typing import Literal

from edge.review.verdicts import Judged, Verdict

LEAST_VERDICTS = 20
"""Fewer verdicts than this say nothing about a zone."""
_STEP = 1000
"""Thresholds have three decimals."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A share of right ones and the interval it lies in.

    Attributes:
        right, judged: counts.
        low, high: Wilson's score interval, 0–1.
    """

    right: int
    judged: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """Right ones over judged ones; None without any."""
        return self.right / self.judged if self.judged else None


def precision(right: int, judged: int, confidence: float = 0.95) -> Precision:
    """Wilson's score interval, two-sided.

    Raises:
        ValueError: counts that cannot be, or a confidence not inside 0–1.
    """
    if not 0 <= right <= judged or not 0 < confidence < 1:
        raise ValueError(f"{right} of {judged} at {confidence} is no share")
    if judged == 0:
        return Precision(0, 0, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / judged
    middle = share + z * z / (2 * judged)
    spread = z * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    scale = 1 + z * z / judged
    return Precision(
        right, judged, max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)
    )


@dataclass(frozen=True, slots=True)
class Row:
    """Verdicts of one camera and category."""

    camera_id: str
    kind: str
    category: str
    counts: dict[Verdict, int]
    precision: Precision


def by_camera_and_category(judged: Iterable[Judged], confidence: float = 0.95) -> list[Row]:
    """One row for each camera and category that has verdicts."""

    def key(case: Judged) -> tuple[str, str, str]:
        return case.camera_id, case.kind, case.category

    rows = []
    for (camera_id, kind, category), group in groupby(sorted(judged, key=key), key):
        cases = list(group)
        counts = {verdict: sum(c.verdict is verdict for c in cases) for verdict in Verdict}
        rows.append(Row(camera_id, kind, category, counts, _of(cases, confidence)))
    return rows


@dataclass(frozen=True, slots=True)
class Week:
    """Cases that began in one week, as they were judged.

    Attributes:
        monday: its first day.
        precision: of these cases.
    """

    monday: date
    precision: Precision


def by_week(judged: Iterable[Judged], time_zone: tzinfo, confidence: float = 0.95) -> list[Week]:
    """How precision went, oldest week first; weeks without verdicts are left out."""

    def monday(case: Judged) -> date:
        day = case.first_seen.astimezone(time_zone).date()
        return day - timedelta(days=day.weekday())

    weeks = groupby(sorted(judged, key=monday), monday)
    return [Week(day, _of(cases, confidence)) for day, cases in weeks]


Outcome = Literal["holds", "raise", "too_few", "out_of_reach"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the verdicts say about one zone's ``min_score``.

    Attributes:
        outcome: ``holds``: the target is met already; ``raise``: to ``min_score``; ``too_few``:
            verdicts; ``out_of_reach``: no threshold reaches the target with these verdicts.
        min_score: the proposed threshold; None unless the outcome is ``raise``.
        before, after: precision now, and of the cases at or above ``min_score``.
        right_lost: right ones that would not have been sent.
    """

    camera_id: str
    zone_id: str
    outcome: Outcome
    min_score: float | None
    before: Precision
    after: Precision
    right_lost: int


def propose(
    judged: Iterable[Judged],
    *,
    target: float,
    confidence: float = 0.95,
    least: int = LEAST_VERDICTS,
) -> list[Proposal]:
    """One proposal for each zone with verdicts. Never to lower: what was not sent has no verdict.

    The lowest threshold is chosen at which the lower end of the interval reaches the target.

    Args:
        judged: cases with verdicts.
        target: precision to keep, 0–1.
        confidence: of the interval.
        least: verdicts a zone must have.
    """

    def key(case: Judged) -> tuple[str, str]:
        return case.camera_id, case.zone_id

    return [
        _proposal(zone, list(group), target, confidence, least)
        for zone, group in groupby(sorted(judged, key=key), key)
    ]


def _proposal(
    zone: tuple[str, str],
    cases: Sequence[Judged],
    target: float,
    confidence: float,
    least: int,
) -> Proposal:
    before = _of(cases, confidence)

    def outcome(what: Outcome, threshold: float | None = None) -> Proposal:
        kept = [case for case in cases if threshold is None or case.score >= threshold]
        after = _of(kept, confidence)
        return Proposal(*zone, what, threshold, before, after, before.right - after.right)

    if before.judged < least:
        return outcome("too_few")
    if before.low >= target:
        return outcome("holds")
    for threshold in sorted({math.floor(case.score * _STEP) / _STEP for case in cases}):
        kept = [case for case in cases if case.score >= threshold]
        if _of(kept, confidence).low >= target:
            return outcome("raise", threshold)
    return outcome("out_of_reach")


def _of(cases: Iterable[Judged], confidence: float) -> Precision:
    counted = [case.verdict for case in cases if case.verdict is not Verdict.DUPLICATE]
    return precision(counted.count(Verdict.RIGHT), len(counted), confidence)
