"""The gate between scenes and cases: what would open a case is looked at a second time.

A finding that belongs to an open case passes at no cost; one that was judged a moment ago is
passed or held by that judgement. What is held is stored with the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge.app.seldom import SeldomSeen
from edge.cases.suppressed import Suppressed, SuppressedStore
from edge.detectors.look_alikes import LOOK_ALIKES
from edge.detectors.second_look import Judgement, Reason, SecondLook
from edge.errors import StoreError
from edge.geometry import Box, same_spot
from edge.redaction.redactor import Redactor
from edge.scenes.finding import Finding, SceneReport, Words
from edge.telemetry import metrics

_HOLDS_FOR = timedelta(minutes=10)
"""A confirmation holds while the thing keeps being seen, with gaps of at most this."""
_REMEMBERED = timedelta(minutes=30)
"""What a spot was held back for counts against it until nothing was found there for so long."""
_MOST_AGAINST = 5
_PLACES_KEPT = 8
_NOT_SEEN = "not_seen_again"
_TOO_UNSURE = "too_unsure"


@dataclass(slots=True)
class _Judged:
    """The last judgement of one spot in a zone.

    Attributes:
        against: how often the spot was held back more than it was confirmed. Whoever looks like a
            planter most of the time is one, though it may pass for a heap on a single look.
        held_as: what it was last held back for.
    """

    box: Box
    judgement: Judgement
    judged_at: datetime
    seen_at: datetime
    against: int = 0
    held_as: str = ""

    @property
    def holds(self) -> bool:
        return self.judgement.confirmed and self.against == 0


class Gate:
    """Lets findings pass that hold at a second look. One thread calls it.

    Args:
        second_look: the judge.
        shelf: where suppressed findings are kept.
        has_open_case: whether a finding only attaches to a case that is open.
        redactor: makes the pictures of suppressed findings safe.
        again_after_s: a suppressed thing is judged anew after so many seconds.
        min_scores: by camera and zone, the judged score from which a finding may open a case.
        seldom: asks for more where looks lie minutes apart; None: nowhere.
    """

    def __init__(
        self,
        second_look: SecondLook,
        shelf: SuppressedStore,
        has_open_case: Callable[[Finding], bool],
        *,
        redactor: Redactor,
        again_after_s: float,
        min_scores: Mapping[tuple[str, str], float] | None = None,
        seldom: SeldomSeen | None = None,
    ) -> None:
        self._second_look = second_look
        self._shelf = shelf
        self._has_open_case = has_open_case
        self._redactor = redactor
        self._again_after = timedelta(seconds=again_after_s)
        self._min_scores = min_scores or {}
        self._seldom = seldom
        self._judged: dict[tuple[str, str], list[_Judged]] = {}

    def close(self) -> None:
        """Close the store."""
        self._shelf.close()

    def stretched(self, factor: float) -> None:
        """Patrolled cameras are looked at more seldom than configured, by this factor."""
        if self._seldom is not None:
            self._seldom.stretch = factor

    def let_pass(self, report: SceneReport) -> tuple[SceneReport, tuple[Suppressed, ...]]:
        """The report with the findings that hold, and those newly suppressed.

        A zone whose finding was suppressed is neither clear nor a finding: it is undecided.

        Raises:
            StoreError: the disk failed.
        """
        passed: list[Finding] = []
        held: list[Suppressed] = []
        for finding in report.findings:
            judged = self._remembered(finding)
            if judged is None and self._has_open_case(finding):
                # Not judged, so without a say in the score of the case.
                passed.append(replace(finding, score=0.0))
                continue
            fresh = judged is None
            judged = judged or self._judge(finding)
            confirmed = _confirmed(finding, judged.judgement)
            if judged.holds and confirmed.score >= self._least(finding):
                passed.append(confirmed)
            elif fresh:
                held.append(self._suppress(finding, judged))
        return replace(report, findings=tuple(passed)), tuple(held)

    def lets_in(self, finding: Finding) -> bool:
        """Whether the finding would pass, or is yet to be judged."""
        judged = self._remembered(finding)
        if judged is None:
            return True
        score = _confirmed(finding, judged.judgement).score
        return judged.holds and score >= self._least(finding)

    def _least(self, finding: Finding) -> float:
        return self._min_scores.get((finding.camera_id, finding.zone_id), 0.0)

    def _judge(self, finding: Finding) -> _Judged:
        image = finding.look.frame.image
        judgement = self._second_look.judge(image, finding.kind.value, finding.parts)
        if self._seldom is not None:
            judgement = self._seldom.judge(finding, judgement)
        places = self._judged.setdefault((finding.camera_id, finding.zone_id), [])
        against, held_as = _so_far(places, finding)
        if judgement.confirmed:
            against = max(against - 1, 0)
        else:
            against = min(against + 1, _MOST_AGAINST)
            held_as = judgement.look_alike or _NOT_SEEN
        at = finding.last_seen
        judged = _Judged(finding.box, judgement, at, at, against, held_as)
        places[:] = [p for p in places if not same_spot(p.box, finding.box)][1 - _PLACES_KEPT :]
        places.append(judged)
        return judged

    def _remembered(self, finding: Finding) -> _Judged | None:
        for judged in self._judged.get((finding.camera_id, finding.zone_id), ()):
            if not same_spot(judged.box, finding.box):
                continue
            since = finding.last_seen - judged.judged_at
            if since < timedelta(0):
                continue  # the clock was set back
            if judged.holds and finding.last_seen - judged.seen_at <= _HOLDS_FOR:
                judged.box, judged.seen_at = finding.box, finding.last_seen
                return judged
            if not judged.holds and since < self._again_after:
                judged.seen_at = finding.last_seen
                return judged
        return None

    def _suppress(self, finding: Finding, judged: _Judged) -> Suppressed:
        judgement = judged.judgement
        why = tuple(in_words(reason) for reason in judgement.reasons)
        named = judgement.look_alike or _NOT_SEEN
        if judgement.confirmed and judged.against:
            named = judged.held_as
            why += (
                Words(
                    f"此前多次核验未通过，还需连续确认 {judged.against} 次",
                    f"held back here before; it must be confirmed {judged.against} times more",
                ),
            )
        elif judgement.confirmed:
            score, least = _confirmed(finding, judgement).score, self._least(finding)
            named = _TOO_UNSURE
            why += (
                Words(
                    f"二次核验后得分 {score:.2f}，低于该区域门槛 {least:.2f}",
                    f"score after the second look {score:.2f}, the zone asks for {least:.2f}",
                ),
            )
        item = Suppressed.of(finding, named, judgement.score, why, self._redactor)
        try:
            self._shelf.keep(item)
        except StoreError as fault:
            if fault.fatal:
                raise
            # Nobody was promised this row; the findings beside it must not wait for room.
            metrics.STORAGE_REFUSED.labels(what="suppressed").inc()
        return item


def _so_far(places: Sequence[_Judged], finding: Finding) -> tuple[int, str]:
    """What speaks against the spot of a finding, and what it was held back for."""
    for judged in places:
        since = finding.last_seen - judged.seen_at
        if same_spot(judged.box, finding.box) and timedelta(0) <= since <= _REMEMBERED:
            return judged.against, judged.held_as
    return 0, ""


def _confirmed(finding: Finding, judgement: Judgement) -> Finding:
    """The finding with the second look's reasons; its score is the geometric mean of both."""
    return replace(
        finding,
        score=math.sqrt(finding.score * judgement.score),
        reasons=(*finding.reasons, *(in_words(reason) for reason in judgement.reasons)),
    )


def in_words(reason: Reason) -> Words:
    """A reason of the second look for people."""
    count = f"{reason.seen}/{reason.views}"
    if reason.key == "looks_like":
        zh, en = _NAMES[reason.about]
        return Words(
            f"二次核验：更像{zh}（{count} 个视角，均分 {reason.score:.2f}）",
            f"second look: looks like {en} ({count} views, mean score {reason.score:.2f})",
        )
    if reason.key == "nothing_like":
        return Words(
            f"二次核验：{reason.views} 个视角中不像任何已知的易混物",
            f"second look: like no known look-alike on {reason.views} views",
        )
    if reason.key == "not_recognised":
        return Words(
            f"二次核验：查看间隔较长，且无模型认出该物（{count} 个视角，均分 {reason.score:.2f}）",
            "second look: looks lie minutes apart, and no model recognises the thing "
            f"({count} views, mean score {reason.score:.2f})",
        )
    again_zh, again_en = (
        ("再次看到", "seen again")
        if reason.key == "seen_again"
        else ("未能再次看到", "not seen again")
    )
    return Words(
        f"二次核验：{again_zh} {reason.about}（{count} 个视角，均分 {reason.score:.2f}）",
        f"second look: {reason.about} {again_en} ({count} views, mean score {reason.score:.2f})",
    )


_NAMES = {row.key: (row.zh, row.en) for row in LOOK_ALIKES}
