"""``gridpatrol originals``: clear pictures of cases, opened with a name and a reason."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(
    help="Clear pictures behind redacted evidence (evidence.keep_clear).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("open")
def originals_open(
    case: Annotated[str, typer.Argument(help="Case id.")],
    by: Annotated[str, typer.Option(help="Who wants to see it; written down.")],
    why: Annotated[str, typer.Option(help="By what order, or for what; written down.")],
    out: Annotated[Path, typer.Option(help="JPEG to write, readable by you only.")],
    revision: Annotated[int, typer.Option(help="Revision of the case.")] = 1,
    near: Annotated[bool, typer.Option(help="Of the older look that the near view is of.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Decrypt the picture of a case as the camera gave it; the access is written down first."""
    from edge.app.build import clear_originals
    from edge.config.load import load_settings
    from edge.evidence.access import looked_at
    from edge.review.sample import SpotCheck

    if not (by.strip() and why.strip()):
        raise typer.BadParameter("say who you are (--by) and for what you need it (--why)")
    settings = load_settings(config)
    state = settings.box.state_dir
    cameras = SpotCheck(state / "gridpatrol.db", state / "evidence").cameras(case)
    looked_at(state, by, "original", {case: cameras})
    data = clear_originals(settings).open(
        case, revision, by=by, why=why, view="near" if near else ""
    )
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be made: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    typer.echo(f"{case} r{revision}: {len(data)} bytes in {out}; the access is written down")


@app.command("log")
def originals_log(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Who opened which original, when and why."""
    from edge.app.build import clear_originals
    from edge.config.load import load_settings

    table = Table("when", "who", "why", "case", "revision")
    for access in clear_originals(load_settings(config)).accesses():
        words = (text.replace("[", r"\[") for text in (access.by, access.why))
        at = f"{access.at:%Y-%m-%d %H:%M:%S}Z"
        table.add_row(at, *words, access.case_id, f"r{access.revision}")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
