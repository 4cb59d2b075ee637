"""Every scenario there is.

Only a set that nobody has looked at while changing rules is for reporting. ``first``, ``fresh`` and
``days`` each were that once; they were measured, worked on, and are for tuning since.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import catalogue_ads
import catalogue_desk
import catalogue_piles
import catalogue_report_ads
import catalogue_report_piles
import catalogue_report_vending
import catalogue_sealed_ads
import catalogue_sealed_piles
import catalogue_sealed_vending
import catalogue_vending
from _film import Scenario
from catalogue_days import DAYS as _DAYS


def _now(
    group: str, split: Literal["tuning", "report"], *sets: tuple[Scenario, ...]
) -> tuple[Scenario, ...]:
    return tuple(
        replace(scenario, group=group, split=split) for scenarios in sets for scenario in scenarios
    )


FIRST = _now(
    "first",
    "tuning",
    catalogue_vending.SCENARIOS,
    catalogue_piles.SCENARIOS,
    catalogue_ads.SCENARIOS,
    catalogue_desk.SCENARIOS,
)

FRESH = _now(
    "fresh",
    "tuning",
    catalogue_report_vending.SCENARIOS,
    catalogue_report_piles.SCENARIOS,
    catalogue_report_ads.SCENARIOS,
)

DAYS = _now("days", "tuning", _DAYS)

_SEALED = _now(
    "sealed",
    "report",
    catalogue_sealed_vending.SCENARIOS,
    catalogue_sealed_piles.SCENARIOS,
    catalogue_sealed_ads.SCENARIOS,
)
SEALED = tuple(s for s in _SEALED if not s.patrol)
SEALED_DAYS = tuple(s for s in _SEALED if s.patrol)

SCENARIOS = FIRST + FRESH

__all__ = ["DAYS", "FIRST", "FRESH", "SCENARIOS", "SEALED", "SEALED_DAYS"]
