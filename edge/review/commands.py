"""``gridpatrol review``: verdicts in, precision and proposals out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from edge.config.model import Settings
    from edge.review.precision import Precision, Proposal
    from edge.review.verdicts import VerdictStore

app = typer.Typer(
    help="Learn from people's verdicts on cases; nothing changes unless asked for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The YAML file; configs/gridpatrol.yaml explains it.")
]
TargetOption = Annotated[
    float, typer.Option(min=0.01, max=0.999, help="Precision to keep, as its interval's lower end.")
]
ConfidenceOption = Annotated[
    float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")
]
LeastOption = Annotated[int, typer.Option(min=1, help="Verdicts a zone must have.")]
_CONFIG = Path("gridpatrol.yaml")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: case_id,verdict[,by,at,note].")],
    config: ConfigOption = _CONFIG,
) -> None:
    """Take in verdicts (right, wrong, duplicate, pointless); exits with 1 when a row was bad."""
    from edge.clock import utc_now
    from edge.review.table import import_csv

    with _store(config) as (settings, store):
        done = import_csv(file, store, time_zone=settings.box.time_zone, now=utc_now())
    for line in done.bad:
        typer.echo(line, err=True)
    typer.echo(
        f"{done.new} new, {done.changed} changed, {done.same} as before, {len(done.bad)} bad"
    )
    raise typer.Exit(1 if done.bad else 0)


@app.command()
def withdraw(
    case_ids: Annotated[list[str], typer.Argument(help="Full ids of cases of this box.")],
    because: Annotated[str, typer.Option(help="Why; the platform's people read it.")],
    config: ConfigOption = _CONFIG,
) -> None:
    """Take cases back at the platform (撤回): the running edge says so within seconds."""
    from edge.cases.withdrawals import Withdrawals
    from edge.clock import utc_now
    from edge.config.load import load_settings
    from edge.scenes.finding import Words

    settings = load_settings(config)
    reason = Words(f"人工撤回：{because}", f"withdrawn by hand: {because}")
    wishes = Withdrawals(settings.box.state_dir / "gridpatrol.db")
    try:
        new = wishes.ask(case_ids, reason, utc_now())
    finally:
        wishes.close()
    typer.echo(f"{new} case(s) will be withdrawn, {len(set(case_ids)) - new} asked for before")


@app.command()
def report(
    config: ConfigOption = _CONFIG,
    confidence: ConfidenceOption = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Precision of each camera and category, with its interval."""
    from edge.review.precision import by_camera_and_category

    with _store(config) as (_, store):
        rows = by_camera_and_category(store.judged(), confidence)
    if as_json:
        for row in rows:
            counts = {verdict.value: count for verdict, count in row.counts.items()}
            share = row.precision
            line = {"camera": row.camera_id, "kind": row.kind, "category": row.category, **counts}
            line |= {"precision": share.share, "low": share.low, "high": share.high}
            typer.echo(json.dumps(line))
        return
    table = Table(
        "camera", "kind", "code", "right", "wrong", "duplicate", "pointless",
        f"precision ({confidence:.0%} interval)",
    )  # fmt: skip
    for row in rows:
        counted = [str(count) for count in row.counts.values()]
        table.add_row(row.camera_id, row.kind, row.category, *counted, _shown(row.precision))
    _print(table)
    typer.echo(f"{sum(sum(row.counts.values()) for row in rows)} judged case(s)")


@app.command()
def propose(
    config: ConfigOption = _CONFIG,
    target: TargetOption = 0.9,
    confidence: ConfidenceOption = 0.95,
    least: LeastOption = 20,
) -> None:
    """Thresholds that would keep the precision, zone by zone, and what they would cost."""
    table = Table("camera / zone", "judged", "precision now", "proposal", "precision then", "lost")
    for p in _proposals(config, target, confidence, least):
        then, lost = "-", "-"
        if p.outcome == "raise":
            then, lost = _shown(p.after), f"{p.right_lost} of {p.before.right} right ones"
        table.add_row(
            f"{p.camera_id} / {p.zone_id}",
            str(p.before.judged),
            _shown(p.before),
            _in_words(p, target, least),
            then,
            lost,
        )
    _print(table)
    typer.echo("Nothing was changed; gridpatrol review apply shows the change to the file.")


@app.command()
def apply(  # noqa: PLR0917 - each is an option of its own
    config: ConfigOption = _CONFIG,
    target: TargetOption = 0.9,
    confidence: ConfidenceOption = 0.95,
    least: LeastOption = 20,
    zone: Annotated[
        list[str] | None, typer.Option(help="Only this one, CAMERA/ZONE; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the file; else only show.")] = False,
) -> None:
    """Show what the proposals would change in the YAML file; write it only with --yes."""
    from edge.review.apply import difference, with_thresholds, write

    wanted = {
        (p.camera_id, p.zone_id): p.min_score
        for p in _proposals(config, target, confidence, least)
        if p.min_score is not None and (not zone or f"{p.camera_id}/{p.zone_id}" in zone)
    }
    changed = with_thresholds(config, wanted)
    shown = difference(config, changed) if wanted else ""
    if not shown:
        typer.echo("No proposal changes anything.")
        return
    typer.echo(shown)
    if not yes:
        typer.echo("Nothing was changed; give --yes to write it.")
        return
    write(config, changed)
    typer.echo(f"Written; the file before is {config}.before. Restart gridpatrol to use it.")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder for images/, labels/, data.yaml, cases.csv.")],
    config: ConfigOption = _CONFIG,
) -> None:
    """Write the right and wrong cases as a training set in YOLO's layout."""
    from edge.review.export import export as export_to

    with _store(config) as (settings, store):
        done = export_to(store.judged(), settings.box.state_dir / "evidence", out)
    for line in done.left_out:
        typer.echo(f"left out {line}", err=True)
    typer.echo(f"{done.right} right, {done.wrong} wrong, {len(done.left_out)} left out, in {out}")


@contextmanager
def _store(config: Path) -> Iterator[tuple[Settings, VerdictStore]]:
    from edge.config.load import load_settings
    from edge.review.verdicts import VerdictStore

    settings = load_settings(config)
    store = VerdictStore(settings.box.state_dir / "gridpatrol.db")
    try:
        yield settings, store
    finally:
        store.close()


def _proposals(config: Path, target: float, confidence: float, least: int) -> list[Proposal]:
    """Proposals for the zones the file has, none below what it says already."""
    from edge.review.precision import propose as propose_for

    with _store(config) as (settings, store):
        judged = store.judged()
    now = {(c.id, z.id): z.min_score for c in settings.cameras for z in c.zones}
    judged = [case for case in judged if case.score >= now.get((case.camera_id, case.zone_id), 2.0)]
    return propose_for(judged, target=target, confidence=confidence, least=least)


def _shown(share: Precision) -> str:
    if share.share is None:
        return "-"
    return f"{share.share:.2f} ({share.low:.2f}-{share.high:.2f})"


def _in_words(proposal: Proposal, target: float, least: int) -> str:
    match proposal.outcome:
        case "raise":
            return f"min_score: {proposal.min_score:g}"
        case "holds":
            return f"none: at least {target:.2f} already"
        case "too_few":
            return f"none: fewer than {least} verdicts"
        case "out_of_reach":
            return "none: no threshold reaches it with so few or such verdicts"


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 160).print(table)
