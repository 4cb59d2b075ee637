"""A day on a street, once every three minutes, in which nothing is to be reported."""

from __future__ import annotations

import catalogue_day_ads
import catalogue_day_piles
import catalogue_day_vending
from _film import Scenario

DAYS: tuple[Scenario, ...] = (
    *catalogue_day_vending.SCENARIOS,
    *catalogue_day_piles.SCENARIOS,
    *catalogue_day_ads.SCENARIOS,
)
