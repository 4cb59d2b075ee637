"""Every scenario there is.

``MOVED`` were report scenarios until they failed and were looked at while rules were changed:
since then they are tuning ones, and the fresh report set stands in their place.
"""

from __future__ import annotations

from dataclasses import replace

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

MOVED = ("vend-side-tricycle-rain", "ads-neg-hotel-patrol", "ads-facade-qr")


def _now(group: str, *sets: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    return tuple(
        replace(scenario, group=group, split="tuning" if scenario.name in MOVED else scenario.split)
        for scenarios in sets
        for scenario in scenarios
    )


FIRST = _now(
    "first",
    catalogue_vending.SCENARIOS,
    catalogue_piles.SCENARIOS,
    catalogue_ads.SCENARIOS,
    catalogue_desk.SCENARIOS,
)

FRESH = _now(
    "fresh",
    catalogue_report_vending.SCENARIOS,
    catalogue_report_piles.SCENARIOS,
    catalogue_report_ads.SCENARIOS,
)

DAYS = _now("days", _DAYS)

_SEALED = _now(
    "sealed",
    catalogue_sealed_vending.SCENARIOS,
    catalogue_sealed_piles.SCENARIOS,
    catalogue_sealed_ads.SCENARIOS,
)
SEALED = tuple(s for s in _SEALED if not s.patrol)
SEALED_DAYS = tuple(s for s in _SEALED if s.patrol)

SCENARIOS = FIRST + FRESH

__all__ = ["DAYS", "FIRST", "FRESH", "MOVED", "SCENARIOS", "SEALED", "SEALED_DAYS"]
