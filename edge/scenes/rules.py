"""What every rule gives: a verdict with its reasons in words.

The rules are in :mod:`edge.scenes.vending`, :mod:`edge.scenes.piles` and :mod:`edge.scenes.ads`.
``None`` means that a rule does not fire; most of each rule says what must *not* make it fire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.detectors.base import Detection
from edge.geometry import Box
from edge.scenes.finding import Words

RUBBISH = ("rubbish_bag", "exposed_rubbish")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule fired."""

    category: str
    box: Box
    first_seen: datetime
    score: float
    reasons: tuple[Words, ...]
    parts: tuple[Detection, ...]
    size_m: tuple[float, float] | None = None
