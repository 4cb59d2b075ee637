"""Frames in, case drafts out: one pass through the rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.app.ahead import Ahead
from edge.app.best import BestFrames
from edge.app.closer import Closer
from edge.app.detecting import without_memory
from edge.app.gate import Gate
from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft
from edge.cases.suppressed import Suppressed
from edge.detectors.base import Detector, Look
from edge.errors import GridpatrolError
from edge.scenes.finding import Finding, SceneReport
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame
from edge.streams.quality import picture_fault


@dataclass
class Analysed:
    """What a batch of frames came to.

    Attributes:
        reports: one for each frame that could be analysed.
        close: what was kept back and has now been seen on a picture of a main stream.
        passed: the same, without the findings that the second look holds back.
        drafts: case revisions, all committed.
        suppressed: findings that a second look has newly held back.
        unfit: camera id and reason of frames that must not be analysed.
        errors: faults that kept a finding from becoming a case this time, or from a better picture.
    """

    reports: list[SceneReport] = field(default_factory=list)
    close: list[SceneReport] = field(default_factory=list)
    passed: list[SceneReport] = field(default_factory=list)
    drafts: list[CaseDraft] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    unfit: list[tuple[str, str]] = field(default_factory=list)
    errors: list[GridpatrolError] = field(default_factory=list)


class Pipeline:
    """Detectors, scenes and cases in a row. One thread calls it.

    Args:
        detectors: in order.
        watchers: by camera id.
        desk: makes cases.
        timed: told how long each stage took, seconds.
        gate: the second look; None lets every finding pass.
        closer: gets main-stream pictures for what is found on sub-streams; None: there are none.
        best: keeps the best picture of what may become a case; None: nobody does.
        ahead: redacts beside the analysis; None: each case waits for its pictures.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        watchers: Mapping[str, SceneWatcher],
        desk: CaseDesk,
        timed: Callable[[str, float], None],
        *,
        gate: Gate | None = None,
        closer: Closer | None = None,
        best: BestFrames | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self._detectors = detectors
        self._watchers = watchers
        self._desk = desk
        self._timed = timed
        self._gate = gate
        self._closer = closer
        self._best = best or BestFrames(0)
        self._ahead = ahead
        self._close_detectors = without_memory(detectors) if closer is not None else ()

    def analyse(self, frames: Sequence[Frame], *, last: bool = False) -> Analysed:
        """Pass frames of any cameras through every room.

        Args:
            frames: none at all is allowed: then only what has waited for its picture goes on.
            last: wait for every picture that is being redacted.
        """
        result = Analysed()
        self._go_on(result)
        fit = []
        for frame in frames:
            if frame.reason == "evidence":
                continue
            fault = picture_fault(frame.small)
            if fault is None:
                fit.append(Look(frame))
            else:
                result.unfit.append((frame.camera_id, fault))
        for look in self._detect(fit, self._detectors):
            began = time.perf_counter()
            report = self._watchers[look.frame.camera_id].observe(look)
            self._timed("scene", time.perf_counter() - began)
            began = time.perf_counter()
            self._best.sees(report)
            self._timed("best_frame", time.perf_counter() - began)
            result.reports.append(report)
            self._make_cases(report, result)
        if self._closer is not None:
            self._look_closer(self._closer, [f for f in frames if f.reason == "evidence"], result)
        self._go_on(result, every=last)
        return result

    def _look_closer(self, closer: Closer, frames: Sequence[Frame], result: Analysed) -> None:
        for frame in frames:
            fault = picture_fault(frame.small)
            if fault is not None:
                closer.unfit(frame, fault)
                continue
            (look,) = self._detect([Look(frame)], self._close_detectors)
            report = closer.came(look)
            if report is not None:
                result.close.append(report)
                self._make_cases(report, result, kept_back=True)
        for report, error in closer.overdue():
            result.errors.append(error)
            self._make_cases(report, result, kept_back=True)

    def _detect(self, looks: list[Look], detectors: Sequence[Detector]) -> list[Look]:
        for detector in detectors if looks else ():
            began = time.perf_counter()
            found = detector.detect(looks)
            self._timed(detector.name, (time.perf_counter() - began) / len(looks))
            looks = [look.plus(new) for look, new in zip(looks, found, strict=True)]
        return looks

    def _make_cases(
        self, report: SceneReport, result: Analysed, *, kept_back: bool = False
    ) -> None:
        may_clear = True
        try:
            if self._closer and not kept_back and self._closer.serves(_camera(report)):
                gate = self._gate
                may = [f for f in report.findings if gate is None or gate.lets_in(f)]
                report, may_clear = self._keep_back(self._closer, report, may)
            if self._gate is not None and report.findings:
                began = time.perf_counter()
                report, held = self._gate.let_pass(report)
                self._timed("second_look", time.perf_counter() - began)
                result.suppressed += held
            result.passed.append(report)
            began = time.perf_counter()
            report = self._best.chosen(report)
            if self._ahead is not None:
                report, none_gone = self._keep_back(
                    self._ahead, report, report.findings, may_clear=may_clear
                )
                may_clear &= none_gone
            result.drafts += self._desk.observe(report, may_clear=may_clear)
            self._best.became_cases(report.findings)
            self._timed("cases", time.perf_counter() - began)
        except GridpatrolError as error:
            # Nothing was acknowledged: the thing still stands there, the next look tries again.
            result.errors.append(error)

    def _go_on(self, result: Analysed, *, every: bool = False) -> None:
        """Make the cases whose pictures are ready."""
        for waiting in self._ahead.ready(every=every) if self._ahead is not None else ():
            began = time.perf_counter()
            try:
                result.drafts += self._desk.take(waiting.report.findings)
                self._best.became_cases(waiting.report.findings)
                if waiting.gone:
                    result.drafts += self._desk.clear(waiting.report)
            except GridpatrolError as error:  # as above
                result.errors.append(error)
            self._timed("cases", time.perf_counter() - began)

    def _keep_back(
        self,
        keeper: Closer | Ahead,
        report: SceneReport,
        findings: Sequence[Finding],
        *,
        may_clear: bool = True,
    ) -> tuple[SceneReport, bool]:
        """What of a look may go on without pictures, and whether cases may be gone with it.

        What waits for its redaction since an earlier look is not kept once more.
        """
        wanted = [finding for finding in findings if self._desk.would_revise(finding)]
        rest = tuple(finding for finding in report.findings if finding not in wanted)
        passing = replace(report, findings=rest)
        gone = self._desk.would_clear(passing)
        ahead = self._ahead
        new = [finding for finding in wanted if ahead is None or not ahead.holds(finding)]
        ends = gone and may_clear and not (ahead and ahead.holds_end(_camera(report)))
        keeper.hold(report, new, gone=ends)
        return passing, not gone


def _camera(report: SceneReport) -> str:
    return report.look.frame.camera_id
