"""The commands ``gridpatrol export`` and ``exports``. They may run while the box does."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption, copies_follow, days_of
from edge.config.load import load_settings
from edge.errors import Code, ExportError
from edge.export.choose import Asked

app = typer.Typer()

_CASE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@app.command()
def export(  # noqa: PLR0917 - each is an option of its own
    by: Annotated[str, typer.Option(help="Who takes it out; stands in report and chain.")],
    purpose: Annotated[str, typer.Option(help="What for; stands in report and chain.")],
    case: Annotated[
        str | None, typer.Argument(metavar="[CASE]", help="Case id, or the beginning of it.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Or: first day, 2026-11-01.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day, included.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The ZIP to make.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Export a case, or all of some days, as a ZIP that proves itself, with a printable report."""
    from edge.app.sealing import box_key
    from edge.export.make import make_export
    from edge.export.report import Frame

    asked = _asked(case, first, last)
    box = load_settings(config).box
    name = "-".join(["gridpatrol", box.id, *(text[:12] for text in asked.to_json().values())])
    out = out or Path(f"{name}.zip")
    frame = Frame(f"{box.city}/{box.id}", by, purpose, box.time_zone)
    done = make_export(box.state_dir, frame, asked, box_key(box.state_dir), out)
    copies_follow(box.state_dir)
    for file, state in done.left_out:
        typer.echo(f"left out {file}: {state}", err=True)
    typer.echo(
        f"{done.path}: {done.cases} case(s), {len(done.left_out)} file(s) left out;"
        f" sha256 {done.sha256}; in the chain as link {done.seq}"
    )


@app.command()
def exports(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an export.")] = False,
) -> None:
    """List who exported evidence, when and why, as the chain has it."""
    from edge.export.log import read_log

    entries = read_log(load_settings(config).box.state_dir)
    for entry in entries:
        if as_json:
            typer.echo(json.dumps(asdict(entry), ensure_ascii=False))
            continue
        what = " to ".join(entry.asked.values())
        typer.echo(f"{entry.at}  {entry.by}  {what} ({entry.cases} case(s)): {entry.purpose}")
    if not as_json:
        typer.echo(f"{len(entries)} export(s)")


def _asked(case: str | None, first: str | None, last: str | None) -> Asked:
    """What the options ask for.

    Raises:
        ExportError: they do not fit (EXP-002).
    """
    if bool(case) == bool(first or last):
        raise _option("gridpatrol export", "give either a case, or --from and --to")
    if case:
        if not _CASE_ID.fullmatch(case):
            raise _option(f"case {case!r}", "is no case id")
        return Asked(case)
    start, end = days_of(first, last, _option)
    return Asked(first=start, last=end)


def _option(where: str, what: str) -> ExportError:
    return ExportError(Code.EXP_OPTION, where, what, "A day is written as 2026-11-01")
