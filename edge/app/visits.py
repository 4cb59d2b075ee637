"""Visits: the looks taken for one request at one place, and what comes between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge.app.sighting import Aim, Decision, Sighting, decide
from edge.detectors.base import Look
from edge.errors import Code
from edge.scenes.finding import SceneReport, Words

_ON_TIME = 0.9
"""Cameras are never quite on time: so much of the spacing must have passed."""
_STALE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a visit, or all visits of a request, came to; ``code`` when a camera is to blame."""

    decision: Decision
    reason: Words
    code: Code | None = None


@dataclass
class Visit:
    """One place looked at for one request.

    Attributes:
        aim: the place.
        judge: says what one look shows.
        wanted: looks asked for.
        spacing_s: seconds between them.
        since: looks taken before, aware UTC, do not count.
        sightings: what the looks said, those that could not be judged among them.
        shown: the picture to show, and what was seen on it.
        main: the same of the main stream, for cameras that are looked at on their sub-stream.
        main_until: how long that is worth waiting for, in the seconds of ``now``.
    """

    aim: Aim
    judge: Callable[[Aim, SceneReport], Sighting]
    wanted: int
    spacing_s: float
    since: datetime
    sightings: list[Sighting] = field(default_factory=list)
    shown: tuple[Look, Sighting] | None = None
    main: tuple[Look, Sighting] | None = None
    main_until: float = float("-inf")
    trouble: tuple[Code, Words] | None = None
    _last: float = float("-inf")

    @property
    def complete(self) -> bool:
        """Whether every look was taken."""
        return len(self.sightings) >= self.wanted

    def is_done(self, now: float) -> bool:
        """Whether nothing more is to be waited for."""
        return self.complete and (self.main is not None or now >= self.main_until)

    @property
    def pictured(self) -> tuple[Look, Sighting] | None:
        """The best picture: of the main stream, unless it says another thing than the looks."""
        if self.main is not None and self.shown is not None:
            return self.main if self.main[1].present == self.shown[1].present else self.shown
        return self.main or self.shown

    def sees_main(self, report: SceneReport) -> None:
        """The newest look, seen on the main stream: better to show, but no look of its own."""
        self.main = report.look, self.judge(self.aim, report)

    def sees(self, report: SceneReport, now: float) -> None:
        """A look of this camera was analysed; ``now`` in seconds that only grow."""
        look = report.look
        if not self._is_due(look.frame.captured_at, now):
            return
        sighting = self.judge(self.aim, report)
        self._take(sighting, now)
        if self.shown is None or sighting.present or not self.shown[1].present:
            self.shown = look, sighting

    def blind(self, at: datetime, why: Words, now: float) -> None:
        """A look of this camera was not fit to be analysed."""
        if self._is_due(at, now):
            self._take(Sighting(at, None, None, why), now)
            self.trouble = Code.CAM_PICTURE, why

    def failed(self, code: str, why: Words) -> None:
        """The camera went down, or is still down after another attempt."""
        known = code in set(Code)
        self.trouble = Code(code) if known else Code.CAM_UNREACHABLE, why

    def outcome(self) -> Outcome:
        """What the looks come to so far."""
        if self.sightings:
            decision, reason = decide(self.sightings, self.wanted)
            blame = self.trouble[0] if self.trouble and decision == "cannot_tell" else None
            return Outcome(decision, reason, blame)
        if self.trouble is not None:
            code, why = self.trouble
            camera = self.aim.camera_id
            return Outcome(
                "cannot_tell",
                Words(f"摄像头 {camera}：{why.zh}", f"camera {camera}: {why.en}"),
                code,
            )
        return Outcome(
            "cannot_tell",
            Words(
                f"摄像头 {self.aim.camera_id} 在限时内未给出画面",
                f"camera {self.aim.camera_id} gave no picture in time",
            ),
            Code.CAM_TIMEOUT,
        )

    def _is_due(self, at: datetime, now: float) -> bool:
        # A picture that was on its way when the question came is not "now"; a clock that was set
        # back meanwhile must not make every picture old.
        stale = timedelta() < self.since - at < _STALE
        early = now - self._last < _ON_TIME * self.spacing_s
        return not (self.complete or stale or early)

    def _take(self, sighting: Sighting, now: float) -> None:
        self._last = now
        self.sightings.append(sighting)


def together(outcomes: Sequence[Outcome], *, every: bool) -> Outcome:
    """What several places come to.

    Args:
        outcomes: at least one.
        every: the places are different ones: all must be clear before they are *gone*. Otherwise
            they are views of one place, and a camera that cannot tell costs only itself.
    """
    ranked: dict[Decision, list[Outcome]] = {"present": [], "gone": [], "cannot_tell": []}
    for outcome in outcomes:
        ranked[outcome.decision].append(outcome)
    blind = ranked["cannot_tell"]
    if ranked["present"]:
        chosen = ranked["present"]
    elif ranked["gone"] and not (every and blind):
        chosen = ranked["gone"] + blind  # whoever reads it must know which camera was left out
    else:
        chosen = blind
    reasons = list(dict.fromkeys(outcome.reason for outcome in chosen))
    return Outcome(
        chosen[0].decision,
        Words("；".join(r.zh for r in reasons), "; ".join(r.en for r in reasons)),
        next((o.code for o in chosen if o.code is not None), None)
        if chosen[0].decision == "cannot_tell"
        else None,
    )
