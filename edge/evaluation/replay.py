"""One scenario through the real rooms, as fast as they go, on the scenario's own clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from edge.app.build import Rooms, build_rooms
from edge.app.pipeline import Analysed
from edge.cases.taxonomy import category
from edge.config.model import BoxSettings, GridSettings, MqttSettings, Settings
from edge.detectors.base import Detection, Look
from edge.evaluation.cache import CachedDetector, cached
from edge.evaluation.scenario import CAMERA_ID, Scenario
from edge.evaluation.score import Report
from edge.evaluation.snapshots import Snapshots
from edge.evaluation.variants import Variant
from edge.evaluation.video import timed_pictures
from edge.streams.frame import Frame

_BARE_WINDOW_S = 600.0
_BARE_MEANINGS = {
    "street_vending": frozenset({"umbrella", "table", "stall", "cart", "goods"}),
    "piled_materials": frozenset({"rubbish_bag", "exposed_rubbish"}),
    "illegal_ads": frozenset({"text", "board", "banner"}),
}
_CELL = "420111001001001"
_CELL_HALF_DEG = 0.05
"""The one unit grid cell that a scenario's camera stands in; some kilometres each way."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a scenario came to.

    Attributes:
        reports: cases, in order of time.
        pictures: looked at.
        unfit: pictures that the product refused to analyse (black, covered, moved).
        suppressed: what the second look held back, and what it took it for.
        faults: one line for each fault that kept a finding from becoming a case.
    """

    reports: tuple[Report, ...]
    pictures: int
    unfit: int
    suppressed: tuple[tuple[str, str, float], ...]
    faults: tuple[str, ...]


def replay(
    scenario: Scenario, variant: Variant, snapshots: Snapshots, memory: Path | None = None
) -> Replayed:
    """Run a scenario in a state folder of its own, which is gone afterwards.

    Args:
        scenario: a checked one.
        variant: what is switched off.
        snapshots: sees every look.
        memory: folder that keeps detections for the next run, or None.

    Raises:
        GridpatrolError: the video breaks, or the settings call for what is not there.
    """
    cv2.setNumThreads(1)
    with TemporaryDirectory(prefix="gridpatrol-eval-") as folder:
        settings = settings_of(scenario, variant, Path(folder))
        rooms = build_rooms(settings)
        try:
            if memory is None:
                return _run(scenario, variant, rooms, snapshots)
            kept = cached(rooms.detectors, settings, scenario.video, scenario.cadence_s, memory)
            result = _run(scenario, variant, replace(rooms, detectors=tuple(kept)), snapshots)
            for detector in kept:
                if isinstance(detector, CachedDetector):
                    detector.save()
            return result
        finally:
            rooms.close()


def settings_of(scenario: Scenario, variant: Variant, state: Path) -> Settings:
    """The settings a box with only this camera would have; product defaults where not given."""
    camera = variant.camera(scenario.camera)
    cells = state / "grid.geojson"
    lon, lat = camera.position.lon, camera.position.lat
    corners = [
        [lon + dx * _CELL_HALF_DEG, lat + dy * _CELL_HALF_DEG]
        for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ]
    feature = {
        "type": "Feature",
        "properties": {"code": _CELL},
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }
    cells.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    return Settings(
        box=BoxSettings(id="evaluation", city="420111", state_dir=state / "state"),
        mqtt=MqttSettings(host="127.0.0.1"),  # never connected to
        grid=GridSettings(cells=cells),
        detectors=variant.detectors(scenario.detectors, scenario.length_s),
        cameras=(camera,),
    )


def _run(scenario: Scenario, variant: Variant, rooms: Rooms, snapshots: Snapshots) -> Replayed:
    pipeline = rooms.pipeline(lambda _stage, _seconds: None)
    counter = _counter(scenario, variant)
    reports: list[Report] = []
    faults: list[str] = []
    held: list[tuple[str, str, float]] = []
    pictures = unfit = 0
    for frame, at_s in frames(scenario):
        pictures += 1
        analysed = pipeline.analyse([frame])
        unfit += len(analysed.unfit)
        faults += [str(error) for error in analysed.errors]
        held += [(item.zone_id, item.look_alike, at_s) for item in analysed.suppressed]
        found = counter.take(analysed, at_s)
        reports += found
        for report in analysed.reports:
            snapshots.look(report, at_s, found)
    told = tuple(dict.fromkeys(faults))
    return Replayed(tuple(reports), pictures, unfit, tuple(held), told)


def frames(scenario: Scenario) -> Iterator[tuple[Frame, float]]:
    """The scenario's pictures as its camera would give them, with their second."""
    timed = timed_pictures(scenario.video, scenario.cadence_s, scenario.camera.look_every_s)
    began = scenario.starts_at.astimezone(UTC)
    for number, (image, at_s) in enumerate(timed, start=1):
        moment = began + timedelta(seconds=at_s)
        yield Frame(CAMERA_ID, moment, image, "key_frame", number), at_s


class _Cases:
    """Cases as the desk makes them: one report when new, one when it opens again."""

    def __init__(self) -> None:
        self._gone: set[str] = set()

    def take(self, analysed: Analysed, at_s: float) -> list[Report]:
        found = []
        for draft in analysed.drafts:
            if draft.status == "gone":
                self._gone.add(draft.case_id)
                continue
            again = draft.case_id in self._gone
            if draft.status == "update" and not again:
                continue
            self._gone.discard(draft.case_id)
            found.append(
                Report(
                    kind=draft.kind,
                    codes=_codes(draft.category.key),
                    zone=draft.sources[0].zone_id,
                    at_s=at_s,
                    case_id=draft.case_id,
                    again=again,
                    reasons=tuple(words.en for words in draft.reasons),
                )
            )
        return found


class _Runs:
    """Without deduplication: each time a zone's rule begins to fire is a case."""

    def __init__(self) -> None:
        self._firing: set[str] = set()

    def take(self, analysed: Analysed, at_s: float) -> list[Report]:
        found = []
        for report in analysed.passed:
            firing = {finding.zone_id for finding in report.findings}
            found += [
                Report(
                    kind=finding.kind,
                    codes=_codes(finding.category),
                    zone=finding.zone_id,
                    at_s=at_s,
                    reasons=tuple(words.en for words in finding.reasons),
                )
                for finding in report.findings
                if finding.zone_id not in self._firing
            ]
            self._firing = firing
        return found


class _Bare:
    """No rules: a detection of a fitting meaning anywhere is a case, one per ten minutes."""

    def __init__(self, scenario: Scenario) -> None:
        self._kinds = scenario.watched
        self._last: dict[str, float] = {}

    def take(self, analysed: Analysed, at_s: float) -> list[Report]:
        found = []
        for report in analysed.reports:
            for kind in sorted(self._kinds):
                seen = _of(report.look, kind)
                since_s = at_s - self._last.get(kind, -_BARE_WINDOW_S)
                if seen and since_s >= _BARE_WINDOW_S:
                    self._last[kind] = at_s
                    names = ", ".join(sorted({d.label for d in seen}))
                    found.append(Report(kind, None, None, at_s, reasons=(f"sees {names}",)))
        return found


def _of(look: Look, kind: str) -> list[Detection]:
    return [d for d in look.detections if d.meaning in _BARE_MEANINGS[kind]]


def _counter(scenario: Scenario, variant: Variant) -> _Cases | _Runs | _Bare:
    if "bare" in variant.without:
        return _Bare(scenario)
    return _Runs() if "dedup" in variant.without else _Cases()


def _codes(key: str) -> frozenset[str]:
    """Everything a truth may call the category: its key and the codes it is filed under."""
    return frozenset({key, *(code.code for code in category(key).codes)})
