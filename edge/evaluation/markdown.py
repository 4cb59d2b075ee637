"""Reports as Markdown: tables of figures with their targets, and how sure each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CASE_TARGETS = {"precision": 0.95, "recall": 0.90, "false_per_camera_day": 0.05, "duplicates": 0}
ECE_TARGET = 0.05
_NAMES = {
    "street_vending": "street vending",
    "piled_materials": "piled materials",
    "illegal_ads": "illegal ads",
}


def cases_section(document: Mapping[str, Any]) -> list[str]:
    """Main figures per category, then each mistake in a line."""
    return [*cases_table(document), "", *_mistakes(document["scenarios"])]


def cases_table(document: Mapping[str, Any]) -> list[str]:
    """Main figures per category."""
    rows = [_case_row(name, figures) for name, figures in document["categories"].items()]
    head = (
        "category", "n", "precision (95 %)", "recall (95 %)", "false a camera-day on negatives",
        "duplicates", "time to report: median, 90 %", "scenarios (negative)",
    )  # fmt: skip
    return table(head, rows)


def _case_row(name: str, figures: Mapping[str, Any]) -> list[str]:
    negatives = figures["on_negatives"]
    delay = figures["time_to_report_s"]
    rate = negatives["false_per_camera_day"]
    upper = negatives["false_per_camera_day_upper95"]
    return [
        _NAMES.get(name, name),
        str(figures["n"]),
        _judged(figures["precision"], CASE_TARGETS["precision"], figures["precision_ci95"]),
        _judged(figures["recall"], CASE_TARGETS["recall"], figures["recall_ci95"]),
        "–"
        if rate is None
        else f"{_mark(rate <= CASE_TARGETS['false_per_camera_day'])} "
        f"{rate:.2f} (below {upper:.1f}; {negatives['hours']:.2f} h)",
        f"{_mark(figures['duplicates'] == 0)} {figures['duplicates']}",
        f"{_seconds(delay['median'])}, {_seconds(delay['p90'])}",
        f"{figures['n_scenarios']} ({figures['n_negative']})",
    ]


def _mistakes(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for row in scenarios:
        about = ", ".join((row["kind"], *row["tags"]))
        lines += [
            f"- **missed** `{row['name']}` ({about}): {t['kind']} in zone {t['zone']}, "
            f"{t['from_s']:g}–{t['to_s']:g} s"
            for t in row["missed"]
        ]
        for word, reports in (("false", row["false"]), ("twice", row["duplicates"])):
            lines += [
                f"- **{word}** `{row['name']}` ({about}): {r['kind']} in zone {r['zone']} at "
                f"{r['at_s']:g} s; {'; '.join(r['reasons'][:3])}"
                for r in reports
            ]
        held = {f"{s['look_alike']} in {s['zone']}" for s in row.get("suppressed", ())}
        if row["missed"] and held:
            lines.append(f"  - held back by the second look: {', '.join(sorted(held))}")
        lines += [f"- **fault** `{row['name']}`: {fault}" for fault in row["faults"]]
    return lines or ["No case was missed, false or reported twice."]


def stages_section(variants: Iterable[tuple[str, Mapping[str, Any] | str]]) -> list[str]:
    """One table a category: how the figures change when something is switched off.

    Each variant is its name and its document, or the reason why it was not run.
    """
    ran, lines = [], []
    for name, document in variants:
        if isinstance(document, str):
            lines.append(f"- {name}: **not run**, {document}")
        else:
            ran.append((name, document["categories"]))
    kinds = dict.fromkeys(kind for _, categories in ran for kind in categories)
    head = ("run", "precision", "recall", "found", "missed", "false", "duplicates", "median time")
    tables: list[str] = []
    for kind in kinds:
        rows = []
        for name, categories in ran:
            if (figures := categories.get(kind)) is None:
                continue
            counts = [str(figures[key]) for key in ("found", "missed", "false", "duplicates")]
            shares = [_number(figures[key], 3) for key in ("precision", "recall")]
            median = _seconds(figures["time_to_report_s"]["median"])
            rows.append([name, *shares, *counts, median])
        tables += ["", f"#### {_NAMES.get(kind, kind).capitalize()}", "", *table(head, rows)]
    return [*tables, "", *lines] if lines else tables


def detector_section(
    document: Mapping[str, Any], targets: Mapping[str, float] | None = None
) -> list[str]:
    """Figures per class, calibration and fire rate of one model on one data set."""
    wanted = targets or {}
    lines = []
    if any(figures["n"] for figures in document["classes"].values()):
        lines += table(
            ("class", "n", "AP50", "AP50-95", "precision (95 %)", "recall (95 %)"),
            [
                [
                    name,
                    str(figures["n"]),
                    _judged(figures["ap50"], wanted.get("ap50")),
                    _number(figures["ap50_95"], 3),
                    _judged(
                        figures["precision"],
                        wanted.get("precision"),
                        document["details"][name]["precision_ci95"],
                    ),
                    _judged(
                        figures["recall"],
                        wanted.get("recall"),
                        document["details"][name]["recall_ci95"],
                    ),
                ]
                for name, figures in document["classes"].items()
            ],
        )
        ece = document["calibration"]
        lines += [
            "",
            f"Calibration: ECE {_at_most(ece['ece_operating'], wanted.get('ece', ECE_TARGET))} of "
            f"the {ece['n_operating']} detections that reach the threshold, "
            f"{_number(ece['ece'], 3)} of all {ece['n']} from a score of 0.05.",
        ]
    fire = document["fire_rate"]
    if fire["pictures"]:
        lines += [
            "",
            f"Fires on {fire['fires']} of {fire['pictures']} pictures without such a thing: "
            f"{_at_most(fire['share'], wanted.get('fires'), percent=True)}.",
        ]
    limits = document["threshold"]
    own = ", ".join(f"{name} {score:g}" for name, score in limits["per_class"].items())
    lines += [
        "",
        f"{document['model']}, {document['pictures']} pictures, score from {limits['score']:g}"
        + (f" ({own})" if own else "")
        + ".",
    ]
    if document["classes_only_in_labels"]:
        left_out = ", ".join(document["classes_only_in_labels"])
        lines += ["", f"Labelled, but not a class of this model, so not measured: {left_out}."]
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *body]


def _mark(reached: bool) -> str:
    return "✓" if reached else "✗"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _judged(
    value: float | None, target: float | None, interval: Sequence[float] | None = None
) -> str:
    if value is None:
        return "–"
    spread = f" ({interval[0]:.2f}–{interval[1]:.2f})" if interval else ""
    mark = "" if target is None else f"{_mark(value >= target)} "
    goal = "" if target is None or value >= target else f", wanted {target:g}"
    return f"{mark}{value:.3f}{spread}{goal}"


def _at_most(value: float | None, target: float | None, *, percent: bool = False) -> str:
    if value is None:
        return "–"
    shown = f"{value:.1%}" if percent else f"{value:.3f}"
    if target is None:
        return shown
    goal = f"{target:.0%}" if percent else f"{target:g}"
    return f"{_mark(value <= target)} {shown}" + ("" if value <= target else f" (wanted ≤ {goal})")
