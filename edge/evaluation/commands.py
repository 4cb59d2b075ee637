"""``gridpatrol eval``: how well detectors detect, and how well cases fit the truth."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.errors import Code, EvaluationError, StoreError

app = typer.Typer(
    help="Measure accuracy: detectors on labelled pictures, cases on labelled videos.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)

JsonOption = Annotated[Path, typer.Option("--json", help="File that gets the figures.")]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Folder for a readable report with pictures.")
]
ModelsDirOption = Annotated[
    Path | None, typer.Option(help="The site's own folder of models, beside the shipped ones.")
]


@app.callback()
def whole(  # noqa: PLR0917 - each is an option of its own
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Measure everything, write accuracy.md anew.")
    ] = False,
    scenarios: Annotated[
        list[Path] | None,
        typer.Option(help="--all: a folder of scenarios, default .scenarios; may be repeated."),
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="--all: a folder of data sets; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="--all: gets accuracy.md and accuracy/.")] = Path(
        "docs"
    ),
    plan: Annotated[
        Path | None, typer.Option(help="--all: what to measure; see configs/evaluation.yaml.")
    ] = None,
    models_dir: ModelsDirOption = None,
    cache: Annotated[Path, typer.Option(help="--all: keeps detections for the next run.")] = Path(
        "eval-cache"
    ),
    processes: Annotated[int, typer.Option(min=1, max=64, help="--all: at a time.")] = 2,
) -> None:
    """Measure accuracy: detectors on labelled pictures, cases on labelled videos."""
    if context.invoked_subcommand is not None:
        return
    if not everything:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    from edge.evaluation.plan import load_plan
    from edge.evaluation.whole import Whole, run_whole
    from edge.shipped import shipped

    _quiet()
    page = run_whole(
        Whole(
            plan=load_plan(plan or shipped("configs") / "evaluation.yaml"),
            scenarios=tuple(scenarios or (Path(".scenarios"),)),
            data=tuple(data or ()),
            out=out,
            models_dir=models_dir,
            memory=cache,
            processes=processes,
            tell=_tell,
        )
    )
    typer.echo(str(page))


@app.command()
def detector(  # noqa: PLR0917 - each is an option of its own
    model: Annotated[str, typer.Option(help="Name of a model, or a path to its folder.")],
    data: Annotated[
        Path, typer.Option(help="images/, labels/ and data.yaml; or COCO annotations.")
    ],
    json_file: JsonOption,
    class_map: Annotated[
        str | None,
        typer.Option("--map", help="OLD=NEW,OLD=NEW,OLD= or a YAML or JSON file of it."),
    ] = None,
    models_dir: ModelsDirOption = None,
    split: Annotated[str | None, typer.Option(help="Split, where data has several.")] = None,
    exclude: Annotated[
        str | None, typer.Option(help="File that lists pictures to leave out, one a line.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="File that lists those to take; or FILE.csv:COLUMN=VALUE.")
    ] = None,
    ordinary: Annotated[
        bool, typer.Option("--ordinary", help="The pictures show none of the model's classes.")
    ] = False,
    report: ReportOption = None,
) -> None:
    """Measure a model on labelled pictures: AP, precision, recall, calibration, fire rate.

    Precision and recall hold at the card's operating threshold with IoU 0.5; AP counts every
    detection from a score of 0.001. Labels refer to the upright picture (EXIF applied). Classes
    that only labels or only the model have are named and not measured. Figures that would divide
    by nothing are null.
    """
    from edge.evaluation.classes import read_map
    from edge.evaluation.dataset import load_dataset
    from edge.evaluation.detector import detector_figures, run_detector
    from edge.evaluation.plan import stems
    from edge.evaluation.report import detector_report

    _quiet()
    mapping = read_map(class_map)
    chosen = load_dataset(
        data,
        split=split,
        exclude=stems(exclude),
        only=stems(only) if only else None,
        ordinary=ordinary,
    )
    result = run_detector(model, chosen, mapping, models_dir=models_dir, tell=_tell)
    document = detector_figures(result)
    _write_json(json_file, document)
    if report is not None:
        detector_report(result, document, report)
    for kind in ("labels", "model"):
        if names := document[f"classes_only_in_{kind}"]:
            _tell(f"only in the {kind}, not measured: {', '.join(names[:12])}")
    if chosen.unlabelled:
        _tell(f"{chosen.unlabelled} picture(s) without a label file count as showing nothing")
    _show(document["classes"])
    _show({"fire rate": document["fire_rate"]})


@app.command()
def cases(  # noqa: PLR0917 - each is an option of its own
    scenarios: Annotated[Path, typer.Option(help="Folder with scenario YAML files, any depth.")],
    json_file: JsonOption,
    split: Annotated[str, typer.Option(help="report, tuning or all.")] = "all",
    report: ReportOption = None,
    without: Annotated[
        str, typer.Option(help="Stages to switch off: zones,dwell,second_look,dedup,bare,gate.")
    ] = "",
    models: Annotated[
        str, typer.Option(help="Object models instead of the configured ones: a,b.")
    ] = "",
    models_dir: ModelsDirOption = None,
    only: Annotated[str, typer.Option(help="Only scenarios whose name holds this.")] = "",
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps detections for the next run.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Scenarios at a time.")] = 2,
) -> None:
    """Run labelled video scenarios through the real rooms and compare the cases with the truth.

    Every scenario is checked before any is run. Figures that would divide by nothing are null.
    """
    from edge.evaluation.cases import run_cases, summary
    from edge.evaluation.load import load_scenarios
    from edge.evaluation.report import cases_report
    from edge.evaluation.variants import Variant, stages

    _quiet()
    variant = Variant(stages(without.split(",")), _listed(models), models_dir)
    if split not in ("report", "tuning", "all"):
        raise EvaluationError(
            Code.EVL_OPTION, "--split", f"{split!r} is no split", "Use report, tuning or all"
        )
    chosen = [s for s in load_scenarios(scenarios, split) if only in s.name]
    if not chosen:
        raise EvaluationError(
            Code.EVL_OPTION, "--only", f"no scenario's name holds {only!r}", "Use another word"
        )
    pictures = report / "mistakes" if report is not None else None
    judged = run_cases(
        chosen, variant, pictures=pictures, memory=cache, processes=processes, tell=_tell
    )
    document = summary(judged) | {"without": sorted(variant.without), "split": split}
    _write_json(json_file, document)
    if report is not None:
        cases_report(document, report)
    _show(document["categories"])


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _quiet() -> None:
    from edge.telemetry.logs import configure_logs

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes are the parallelism
    configure_logs(json_lines=True, level="ERROR")


def _show(rows: dict[str, dict[str, Any]]) -> None:
    """The main figures on stdout, one line a category or class."""
    for name, figures in rows.items():
        flat = ", ".join(
            f"{key} {'-' if value is None else value}"
            for key, value in figures.items()
            if value is None or isinstance(value, int | float)
        )
        typer.echo(f"{name}: {flat}")


def _write_json(path: Path, document: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps(document, ensure_ascii=False, indent=2, sort_keys=False) + "\n", "utf-8"
        )
    except OSError as error:
        raise StoreError(
            Code.STO_OPEN, str(path), f"cannot be written ({error.strerror})", "Choose another file"
        ) from error
