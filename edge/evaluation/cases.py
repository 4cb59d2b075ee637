"""``gridpatrol eval cases``: every scenario in two processes, then the figures per category."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from edge.evaluation.replay import Replayed, replay
from edge.evaluation.scenario import KINDS, Scenario
from edge.evaluation.score import Outcome, Report, figures, judge
from edge.evaluation.snapshots import Snapshots
from edge.evaluation.variants import Variant

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """A scenario, what the rooms made of it, and the verdict."""

    scenario: Scenario
    replayed: Replayed
    outcome: Outcome
    pictures: tuple[str, ...]


def run_cases(
    scenarios: Sequence[Scenario],
    variant: Variant,
    *,
    pictures: Path | None = None,
    memory: Path | None = None,
    processes: int = 2,
    tell: Told = lambda _line: None,
) -> list[Judged]:
    """Run scenarios and judge them, in the order given.

    Args:
        scenarios: checked ones.
        variant: what is switched off.
        pictures: folder for pictures of the mistakes, or None for none.
        memory: folder that keeps detections for the next run, or None.
        processes: how many at a time.
        tell: gets one line for each scenario that is done.

    Raises:
        GridpatrolError: a model is missing, or a video breaks.
    """
    if processes <= 1 or len(scenarios) <= 1:
        judged = [_one(s, variant, pictures, memory) for s in scenarios]
        for entry in judged:
            tell(_line(entry))
        return judged
    done: dict[str, Judged] = {}
    # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_one, s, variant, pictures, memory) for s in scenarios]
        try:
            for future in as_completed(waiting):
                entry = future.result()
                done[entry.scenario.name] = entry
                tell(_line(entry))
        finally:  # a fault in one scenario must not wait for those that have not begun
            pool.shutdown(wait=False, cancel_futures=True)
    return [done[scenario.name] for scenario in scenarios]


def _one(
    scenario: Scenario, variant: Variant, pictures: Path | None, memory: Path | None
) -> Judged:
    snapshots = Snapshots(scenario, keep=pictures is not None)
    replayed = replay(scenario, variant, snapshots, memory)
    outcome = judge(scenario.truth, replayed.reports)
    written = snapshots.write(outcome, scenario.name, pictures) if pictures else []
    return Judged(scenario, replayed, outcome, tuple(written))


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """The JSON document: ``categories`` first, then every scenario."""
    pairs = [(entry.scenario, entry.outcome) for entry in judged]
    watched = {kind for scenario, _ in pairs for kind in scenario.watched}
    return {
        "categories": {kind: figures(pairs, kind) for kind in KINDS if kind in watched},
        "scenarios": [_row(entry) for entry in judged],
    }


def _row(entry: Judged) -> dict[str, Any]:
    scenario, outcome = entry.scenario, entry.outcome
    return {
        "name": scenario.name,
        "kind": scenario.kind,
        "split": scenario.split,
        "ships": scenario.ships,
        "set": scenario.group,
        "tags": list(scenario.tags),
        "length_s": round(scenario.length_s, 1),
        "found": [
            {"zone": t.zone, "from_s": t.from_s, "after_s": round(r.at_s - t.from_s, 1)}
            for t, r in outcome.found
        ],
        "missed": [
            {"kind": t.kind, "zone": t.zone, "from_s": t.from_s, "to_s": t.to_s}
            for t in outcome.missed
        ],
        "false": [_told(report) for report in outcome.false],
        "duplicates": [_told(report) for report in outcome.duplicates],
        "suppressed": [
            {"zone": zone, "look_alike": look_alike, "at_s": round(at_s, 1)}
            for zone, look_alike, at_s in entry.replayed.suppressed
        ],
        "pictures_analysed": entry.replayed.pictures - entry.replayed.unfit,
        "pictures_refused": entry.replayed.unfit,
        "faults": list(entry.replayed.faults),
        "mistakes": list(entry.pictures),
    }


def _told(report: Report) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "codes": sorted(report.codes or ()),
        "zone": report.zone,
        "at_s": round(report.at_s, 1),
        "reasons": list(report.reasons),
    }


def _line(entry: Judged) -> str:
    outcome = entry.outcome
    bad = bool(outcome.missed or outcome.false or outcome.duplicates)
    counts = (
        f"{len(outcome.found)} found, {len(outcome.missed)} missed, {len(outcome.false)} false, "
        f"{len(outcome.duplicates)} twice"
    )
    return f"{'✗' if bad else '✓'} {entry.scenario.name}: {counts}"
