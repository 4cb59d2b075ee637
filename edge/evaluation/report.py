"""A report of one run: a Markdown page beside its figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.evaluation.detector import DetectorResult
from edge.evaluation.markdown import cases_section, detector_section
from edge.evaluation.sheets import reliability_svg, worst_detections
from edge.sqlite import as_store_error


def detector_report(result: DetectorResult, document: Mapping[str, Any], folder: Path) -> None:
    """``report.md``, ``figures.json``, the worst mistakes, and how far scores can be believed.

    Raises:
        StoreError: the folder cannot be written.
    """
    lines = [f"# {document['model']} on {document['pictures_from']}", ""]
    lines += detector_section(document)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if document["calibration"]["n"]:
            diagram = reliability_svg(document["calibration"], document["model"])
            (folder / "reliability.svg").write_text(diagram, encoding="utf-8")
            lines += ["", "![Reliability of scores](reliability.svg)"]
        if worst_detections(result, folder / "worst.jpg"):
            lines += ["", "## Worst mistakes", "", "Red: wrong; yellow: missed; green: labels."]
            lines += ["", "![Worst mistakes](worst.jpg)"]
        _write(folder, lines, document)
    except OSError as error:
        raise as_store_error(folder, error) from error


def cases_report(document: Mapping[str, Any], folder: Path) -> None:
    """``report.md`` and ``figures.json`` beside ``mistakes/``, which the run has written.

    Raises:
        StoreError: the folder cannot be written.
    """
    off = ", ".join(document["without"])
    lines = ["# Cases" + (f", without {off}" if off else ""), "", *cases_section(document)]
    pictures = [name for row in document["scenarios"] for name in row["mistakes"]]
    if pictures:
        lines += ["", "## Mistakes", "", "Yellow: zone; red: finding; blue: other detections."]
        lines += [line for name in pictures for line in ("", f"![{name}](mistakes/{name})")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, lines, document)
    except OSError as error:
        raise as_store_error(folder, error) from error


def _write(folder: Path, lines: Sequence[str], document: Mapping[str, Any]) -> None:
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    (folder / "figures.json").write_text(text, encoding="utf-8")
