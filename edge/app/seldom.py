"""Where one looks every few minutes, a thing that no model names must at least be recognised.

Seconds apart, looks show a pile arrive, and tell it from a van, a shadow or the ground a van has
left. Minutes apart, all of these have only "not been there before"; that it looks like no known
look-alike is then too little, so the classifier of look-alikes must say that it is a thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edge.detectors.second_look import Judgement, Names, Reason
from edge.scenes.finding import EventKind, Finding
from edge.scenes.rules import RUBBISH

FROM_S = 60.0
"""Seconds between looks from which they are seldom."""

_THING = "thing"
_LEAST = 0.65  # mean share; docs/second-look.md says what that costs
_UNNAMED = "0136"


class SeldomSeen:
    """Holds back unnamed piles of some cameras until they are recognised. One thread calls it.

    Args:
        names: says what a crop shows.
        every_s: seconds between two looks, by camera; others are never held back.

    Attributes:
        stretch: factor on these while the box cannot keep up.
    """

    def __init__(self, names: Names, every_s: Mapping[str, float]) -> None:
        self._names = names
        self._every_s = every_s
        self.stretch = 1.0

    def judge(self, finding: Finding, judgement: Judgement) -> Judgement:
        """The second look's judgement, or one that does not hold: with the reason why."""
        unnamed = finding.category == _UNNAMED and not any(
            part.meaning in RUBBISH for part in finding.parts
        )
        if (
            not judgement.confirmed
            or self._every_s.get(finding.camera_id, 0.0) * self.stretch < FROM_S
            or finding.kind is not EventKind.PILED_MATERIALS
            or not unnamed
        ):
            return judgement
        # The largest part: a corner of a van that stands apart from the rest passes for a thing.
        part = max(finding.parts, key=lambda part: part.box.area)
        shares = [
            view.get(_THING, 0.0) for view in self._names.name(finding.look.frame.image, part.box)
        ]
        share = float(np.mean(shares))
        if share >= _LEAST:
            return judgement
        seen = sum(each >= _LEAST for each in shares)
        reason = Reason("not_recognised", part.label, seen, len(shares), share)
        return replace(
            judgement, confirmed=False, score=min(judgement.score, share), reasons=(reason,)
        )
