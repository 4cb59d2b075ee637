"""Frames in, case drafts out: one pass through the rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge.app.gate import Gate
from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft
from edge.cases.suppressed import Suppressed
from edge.detectors.base import Detector, Look
from edge.errors import GridpatrolError
from edge.scenes.finding import SceneReport
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame
from edge.streams.quality import picture_fault


@dataclass
class Analysed:
    """What a batch of frames came to.

    Attributes:
        reports: one for each frame that could be analysed.
        passed: the same, without the findings that the second look holds back.
        drafts: case revisions, all committed.
        suppressed: findings that a second look has newly held back.
        unfit: camera id and reason of frames that must not be analysed.
        errors: faults that kept a finding from becoming a case this time.
    """

    reports: list[SceneReport] = field(default_factory=list)
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
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        watchers: Mapping[str, SceneWatcher],
        desk: CaseDesk,
        timed: Callable[[str, float], None],
        gate: Gate | None = None,
    ) -> None:
        self._detectors = detectors
        self._watchers = watchers
        self._desk = desk
        self._timed = timed
        self._gate = gate

    def analyse(self, frames: Sequence[Frame]) -> Analysed:
        """Pass frames of any cameras through every room."""
        result = Analysed()
        fit = []
        for frame in frames:
            fault = picture_fault(frame.small)
            if fault is None:
                fit.append(Look(frame))
            else:
                result.unfit.append((frame.camera_id, fault))
        for look in self._detect(fit):
            began = time.perf_counter()
            report = self._watchers[look.frame.camera_id].observe(look)
            self._timed("scene", time.perf_counter() - began)
            result.reports.append(report)
            self._make_cases(report, result)
        return result

    def _detect(self, looks: list[Look]) -> list[Look]:
        for detector in self._detectors if looks else ():
            began = time.perf_counter()
            found = detector.detect(looks)
            self._timed(detector.name, (time.perf_counter() - began) / len(looks))
            looks = [look.plus(new) for look, new in zip(looks, found, strict=True)]
        return looks

    def _make_cases(self, report: SceneReport, result: Analysed) -> None:
        try:
            if self._gate is not None and report.findings:
                began = time.perf_counter()
                report, held = self._gate.let_pass(report)
                self._timed("second_look", time.perf_counter() - began)
                result.suppressed += held
            result.passed.append(report)
            began = time.perf_counter()
            result.drafts += self._desk.observe(report)
            self._timed("cases", time.perf_counter() - began)
        except GridpatrolError as error:
            # Nothing was acknowledged: the thing still stands there, the next look tries again.
            result.errors.append(error)
