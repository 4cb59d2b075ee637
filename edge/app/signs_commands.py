"""``gridpatrol signs``: what a zone watched for illegal ads may show."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(
    help="Signs a zone may show.", no_args_is_help=True, pretty_exceptions_enable=False
)

CameraOption = Annotated[str, typer.Option(help="Camera id.")]
ZoneOption = Annotated[str, typer.Option(help="Zone id, one watched for illegal ads.")]


@app.command("list")
def signs_list(
    camera: CameraOption, zone: ZoneOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """List what a zone may show: configured, learned, accepted; numbers stay hidden."""
    from edge.app.signs import signs_of
    from edge.config.load import load_settings

    table = Table("kind", "how", "place (x0 y0 x1 y1)", "text")
    for sign in signs_of(load_settings(config), camera, zone).signs:
        box = sign.box
        place = f"{box.x0:.3f} {box.y0:.3f} {box.x1:.3f} {box.y1:.3f}" if box else "anywhere"
        table.add_row(sign.kind, sign.how, place, sign.text.replace("[", r"\["))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@app.command("accept")
def signs_accept(
    camera: CameraOption,
    zone: ZoneOption,
    text: Annotated[str, typer.Option(help="The wording, as read or as the case shows it.")],
    box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(help="Where it hangs, x0 y0 x1 y1 in 0-1; default: anywhere in the zone."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Permit a sign from now on, a phone number on it included; a running edge takes it in."""
    from edge.app.signs import signs_of
    from edge.config.load import load_settings
    from edge.geometry import Box

    signs = signs_of(load_settings(config), camera, zone)
    try:  # a box out of order, or nothing to permit
        sign = signs.accept(text, Box(*box) if box else None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"permitted on {camera}/{zone}: {sign.text}")
