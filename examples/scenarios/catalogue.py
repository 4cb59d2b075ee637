"""Every scenario there is."""

from __future__ import annotations

import catalogue_ads
import catalogue_desk
import catalogue_piles
import catalogue_vending
from _film import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *catalogue_vending.SCENARIOS,
    *catalogue_piles.SCENARIOS,
    *catalogue_ads.SCENARIOS,
    *catalogue_desk.SCENARIOS,
)
