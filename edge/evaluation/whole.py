"""``gridpatrol eval --all``: every figure anew, and ``docs/accuracy.md`` from them.

What cannot be run here (no data, no model) is said in the report, never left out. Text outside
the generated part of the page is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge.config.model import ObjectSettings
from edge.detectors.card import model_folder
from edge.errors import Code, GridpatrolError
from edge.evaluation.cases import Judged, run_cases, summary
from edge.evaluation.dataset import load_dataset
from edge.evaluation.detector import detector_figures, run_detector
from edge.evaluation.load import load_scenarios
from edge.evaluation.markdown import (
    cases_section,
    cases_table,
    detector_section,
    stages_section,
)
from edge.evaluation.plan import DetectorPlan, Plan, find, stems
from edge.evaluation.scenario import KINDS, Scenario
from edge.evaluation.sheets import reliability_svg, worst_cases, worst_detections
from edge.evaluation.variants import SEARCHES, STAGES, Variant

BEGIN, END = "<!-- gridpatrol eval: begin -->", "<!-- gridpatrol eval: end -->"
_STAGE_TITLES = {
    "zones": f"without zones (whole picture; wording looked for {SEARCHES} times a film)",
    "dwell": "without dwell",
    "second_look": "without the second look",
    "dedup": "without deduplication",
    "bare": "bare detector, a score threshold and no rules",
}
_PARTS = {
    "core": "Only scenarios made of what ships",
    "desk": "Only scenarios made at the desk from data that does not ship",
}
_LONG_S = 12 * 3600.0
"""From this length on a scenario is not run again for each variant: that would take hours."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What to measure, and where to write it.

    Attributes:
        plan: models on data sets, and other models to compare with.
        scenarios: folders of scenarios; those of split ``report`` are run.
        data: folders that hold the plan's data sets.
        out: gets ``accuracy.md`` and ``accuracy/``.
        models_dir: the site's own models.
        memory: keeps detections for the next run.
        processes: scenarios at a time.
        tell: gets a line now and then.
    """

    plan: Plan
    scenarios: tuple[Path, ...]
    data: tuple[Path, ...]
    out: Path
    models_dir: Path | None
    memory: Path
    processes: int
    tell: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where figures and pictures go."""
        return self.out / "accuracy"


def run_whole(whole: Whole) -> Path:
    """Measure everything and write the page; returns it.

    Raises:
        GridpatrolError: a scenario is not in order.
    """
    whole.folder.mkdir(parents=True, exist_ok=True)
    lines = ["## Cases", "", *_cases(whole), "", "## Detectors", ""]
    for entry in whole.plan.detectors:
        whole.tell(f"detector: {entry.title}")
        lines += [f"### {entry.title}", "", *_detector(whole, entry), ""]
    return _write_page(whole.out / "accuracy.md", lines)


def _detector(whole: Whole, entry: DetectorPlan) -> list[str]:
    note = [entry.note, ""] if entry.note else []
    where = find(entry.data, whole.data)
    if where is None:
        return [*note, f"**Not measured here**: the data set `{entry.data}` is missing."]
    roots = (*whole.data, Path())
    try:
        only = stems(entry.only, roots) if entry.only else None
        data = load_dataset(
            where,
            split=entry.split,
            exclude=stems(entry.exclude, roots),
            only=only,
            ordinary=entry.ordinary,
        )
        result = run_detector(
            entry.model, data, entry.mapping, models_dir=whole.models_dir, tell=whole.tell
        )
    except GridpatrolError as error:
        return [*note, f"**Not measured here**: {_why(entry.model, error)}."]
    document = detector_figures(result)
    _write(whole.folder / f"detector-{entry.id}.json", document)
    lines = [*note, *detector_section(document, entry.targets)]
    if document["calibration"]["n"] and not entry.ordinary:
        name = f"reliability-{entry.id}.svg"
        diagram = reliability_svg(document["calibration"], document["model"])
        (whole.folder / name).write_text(diagram, "utf-8")
        lines += ["", f"![Reliability of scores](accuracy/{name})"]
    name = f"worst-{entry.id}.jpg"
    if entry.pictures and worst_detections(result, whole.folder / name):
        lines += ["", f"![Red: wrong; yellow: missed; green: labels](accuracy/{name})"]
    return lines


def _cases(whole: Whole) -> list[str]:
    scenarios: list[Scenario] = []
    missing = []
    for folder in whole.scenarios:
        if folder.is_dir():
            scenarios += load_scenarios(folder, "report")
        else:
            missing.append(
                f"**Not measured here**: the scenario folder `{folder.name}` is missing."
            )
    if not scenarios:
        return missing or ["**Not measured here**: no scenario folder was given."]
    with TemporaryDirectory(prefix="gridpatrol-eval-") as made:
        full = _run(whole, scenarios, Variant(models_dir=whole.models_dir), Path(made))
        lines = _groups(whole, full, Path(made))
    lines += ["", "### What each stage contributes", "", *_stages(whole, scenarios, full)]
    return [*missing, *lines]


def _groups(whole: Whole, full: Sequence[Judged], made: Path) -> list[str]:
    """All together with every mistake; then what ships and what does not; then each set."""
    lines = ["### All of the report split", "", *cases_section(summary(full)), ""]
    for kind in KINDS:  # pictures of the others hold what may not be shown
        pictures = [
            made / name
            for entry in full
            if entry.scenario.kind == kind and entry.scenario.ships
            for name in entry.pictures
        ]
        name = f"mistakes-{kind.replace('_', '-')}.jpg"
        if worst_cases(pictures, whole.folder / name):
            lines += [f"![Yellow: zone; red: finding; blue: detections](accuracy/{name})", ""]
        else:
            (whole.folder / name).unlink(missing_ok=True)
    for part, title in _PARTS.items():
        chosen = [entry for entry in full if entry.scenario.ships == (part == "core")]
        if chosen:
            document = summary(chosen)
            _write(whole.folder / f"cases-{part}.json", document)
            lines += [f"### {title}", "", *cases_table(document), ""]
    sets = dict.fromkeys(entry.scenario.group for entry in full)
    for group in sets if len(sets) > 1 else ():
        chosen = [entry for entry in full if entry.scenario.group == group]
        lines += [f"### Only the set `{group}`", "", *cases_table(summary(chosen)), ""]
    return lines


def _stages(whole: Whole, scenarios: list[Scenario], full: Sequence[Judged]) -> list[str]:
    base = Variant(models_dir=whole.models_dir)
    short = [scenario for scenario in scenarios if scenario.length_s < _LONG_S]
    kept = [entry for entry in full if entry.scenario.length_s < _LONG_S]
    variants: list[tuple[str, Mapping[str, Any] | str]] = [("everything on", summary(kept))]
    for stage in STAGES:
        variant = Variant(frozenset({stage}), (), whole.models_dir)
        variants.append((_STAGE_TITLES[stage], summary(_run(whole, short, variant, None))))
    for other in whole.plan.other_models:
        for without in (frozenset[str](), frozenset({"bare"})):
            title = other.title + (", bare" if without else "")
            try:
                model_folder(other.by, whole.models_dir)
            except GridpatrolError as error:
                variants.append((title, _why(other.by, error)))
                continue
            shipped: tuple[str, ...] = ObjectSettings.model_fields["models"].default
            models = tuple(other.by if name == other.replaces else name for name in shipped)
            variant = Variant(without, models, base.models_dir)
            variants.append((title, summary(_run(whole, short, variant, None))))
    document = {
        title: found if isinstance(found, str) else found["categories"] for title, found in variants
    }
    _write(whole.folder / "stages.json", document)
    left_out = len(scenarios) - len(short)
    note = (
        [f"Without the {left_out} scenarios that last half a day or more.", ""] if left_out else []
    )
    return [*note, *stages_section(variants)]


def _why(model: str, error: GridpatrolError) -> str:
    """In words that hold no path: the page is for people elsewhere."""
    if error.code is Code.MDL_MISSING:
        return f"the model `{model}` is missing"
    return f"[{error.code}] {error.what}"


def _run(
    whole: Whole, scenarios: list[Scenario], variant: Variant, pictures: Path | None
) -> list[Judged]:
    off = f" without {', '.join(sorted(variant.without))}" if variant.without else ""
    models = f" with {', '.join(variant.models)}" if variant.models else ""
    whole.tell(f"{len(scenarios)} scenarios{off}{models}")
    return run_cases(
        scenarios, variant, pictures=pictures, memory=whole.memory, processes=whole.processes
    )


def _write(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")


def _write_page(page: Path, lines: Sequence[str]) -> Path:
    before, after = "# Accuracy\n\n", ""
    if page.is_file():
        text = page.read_text(encoding="utf-8")
        head, begin, rest = text.partition(BEGIN)
        before = head if begin else f"{text.rstrip()}\n\n"
        after = rest.partition(END)[2]
    body = "\n".join(lines).rstrip()
    page.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after or chr(10)}", encoding="utf-8")
    return page
