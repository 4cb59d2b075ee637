"""The command ``gridpatrol``."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge import __version__
from edge.app.access_commands import app as access
from edge.app.commanding import DEFAULT_CONFIG, ConfigOption
from edge.app.export_commands import app as export
from edge.app.keeping_commands import app as keeping
from edge.app.key_commands import app as key
from edge.app.originals_commands import app as originals
from edge.app.signs_commands import app as signs
from edge.app.watching_commands import app as watching
from edge.errors import GridpatrolError
from edge.evaluation.commands import app as evaluation
from edge.review.commands import app as review
from uploader.ask_commands import app as ask
from uploader.outbox_commands import app as outbox

app = typer.Typer(
    help="AI video inspection for city management: street cameras in, provable case drafts out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(access)
app.add_typer(export)
app.add_typer(keeping)
app.add_typer(watching)
app.add_typer(key, name="key")
app.add_typer(signs, name="signs")
app.add_typer(originals, name="originals")
app.add_typer(evaluation, name="eval")
app.add_typer(review, name="review")
app.add_typer(outbox, name="outbox")
app.add_typer(ask, name="ask")


def main() -> None:
    """Run the command; a fault is one line on stderr and exit status 2."""
    try:
        app()
    except GridpatrolError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), markup=False)
        sys.exit(2)


@app.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    seconds: Annotated[
        float | None, typer.Option(help="Stop by itself after so long; default: never.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log every detail.")] = False,
) -> None:
    """Watch the cameras and push case drafts until stopped (Ctrl-C or SIGTERM).

    On a terminal a calm live status is shown; otherwise JSON log lines go to stderr.
    """
    from edge.app.run import open_edge
    from edge.config.load import load_settings
    from edge.console.terminal import TerminalStatus
    from edge.telemetry.logs import configure_logs

    live = sys.stdout.isatty()
    configure_logs(json_lines=not live, level="DEBUG" if verbose else "ERROR" if live else "INFO")
    settings = load_settings(config)
    stop = _stop_event(seconds)
    edge = open_edge(settings, config)
    if edge.invitation:
        typer.echo(f"first admin: {edge.invitation}", err=True)
    signal.signal(signal.SIGHUP, lambda _signal, _frame: edge.reread())
    if not live:
        edge.serve(stop)
        return
    worker = threading.Thread(target=edge.serve, args=(stop,), name="edge")
    worker.start()
    with TerminalStatus(edge.board, edge.url) as status:
        while worker.is_alive():
            status.refresh()
            worker.join(0.5)
    if edge.failure is not None:
        raise edge.failure


@app.command()
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Probe every stream in parallel; exits with 1 when any of them fails."""
    from edge.app.checking import check as check_all

    raise typer.Exit(0 if check_all(config) else 1)


@app.command()
def demo(
    seconds: Annotated[
        float | None, typer.Option(help="Stop by itself; exits 1 unless every kind arrived.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for state, logs and evidence.")] = Path(
        "demo-out"
    ),
) -> None:
    """Show the whole chain on this machine: RTSP cameras, edge, broker, consumer."""
    from edge.demo.show import run_demo

    stop = _stop_event(seconds)
    raise typer.Exit(run_demo(out, stop, must_find_all=seconds is not None))


@app.command()
def consume(  # noqa: PLR0917 - each is an option of its own
    host: Annotated[str, typer.Option(help="Broker host.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Broker port.")] = 1883,
    username: Annotated[str | None, typer.Option(help="Broker user.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds the password.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="CA certificate: turns TLS on.")] = None,
    root: Annotated[str, typer.Option(help="First topic level.")] = "gridpatrol",
    out: Annotated[Path, typer.Option(help="Folder for cases and pictures.")] = Path("platform"),
    seconds: Annotated[float | None, typer.Option(help="Stop by itself.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a case.")] = False,
) -> None:
    """The reference consumer: validates, stores once, keeps pictures, sends receipts."""
    from edge.telemetry.logs import configure_logs
    from uploader.consume import run_consumer
    from uploader.settings import Downlink

    configure_logs(json_lines=not sys.stdout.isatty(), level="INFO")
    password = password_file.read_text(encoding="utf-8").strip() if password_file else None
    settings = Downlink(
        host=host, port=port, username=username, password=password, ca_file=ca_file, root=root
    )
    run_consumer(settings, out, seconds=None, as_json=as_json, stop=_stop_event(seconds))


@app.command()
def bridge(
    config: ConfigOption = Path("bridge.yaml"),
    check: Annotated[
        bool, typer.Option("--check", help="Read configuration and mapping, make no call.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(help="Stop by itself.")] = None,
) -> None:
    """Bring cases into the intake that a city runs today (V22 over HTTP, GA/T 1400)."""
    from edge.telemetry.logs import configure_logs
    from uploader.bridge.bridge import check_bridge, run_bridge
    from uploader.bridge.settings import load_bridge

    settings = load_bridge(config)
    if check:
        check_bridge(settings)
        typer.echo(f"{config}: in order; cases would go to {settings.http.url}")
        return
    configure_logs(json_lines=not sys.stdout.isatty(), level="INFO")
    run_bridge(settings, _stop_event(seconds))


@app.command()
def suppressed(
    config: ConfigOption = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    pictures: Annotated[
        Path | None, typer.Option(help="Write their pictures into this folder.")
    ] = None,
) -> None:
    """List findings that were not sent because they did not hold at the second look, and why."""
    from edge.cases.suppressed import SuppressedStore
    from edge.config.load import load_settings

    shelf = SuppressedStore(load_settings(config).box.state_dir / "gridpatrol.db")
    items = shelf.newest(limit)
    shelf.close()
    table = Table("no.", "last seen", "camera / zone", "kind", "times", "why it fired", "why held")
    for item in items:
        table.add_row(
            str(item.id),
            f"{item.last_seen.astimezone():%m-%d %H:%M:%S}",
            f"{item.camera_id} / {item.zone_id}",
            item.kind,
            str(item.times),
            "\n".join(f"{words.zh} {words.en}" for words in item.rule_reasons),
            "\n".join(f"{words.zh} {words.en}" for words in item.second_reasons),
        )
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / f"suppressed-{item.id}.jpg").write_bytes(item.picture)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    typer.echo(f"{len(items)} suppressed finding(s)")


@app.command()
def verify(  # noqa: PLR0917 - each is an option of its own
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH|CASE",
            help="A file, a case, a state folder, an export (folder or ZIP), or a case id.",
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    key: Annotated[
        list[Path] | None, typer.Option(help="Public key (PEM) that must have signed.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="The platform's checkpoints, one a line.")
    ] = None,
    revoked: Annotated[
        list[str] | None, typer.Option(help="Short name (kid) of a key that counts no more.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was found, file by file.")] = False,
) -> None:
    """Check evidence offline; exits with 1 when anything is not as it was sealed."""
    from edge.app.verifying import verified

    report = verified(what, config, key or (), checkpoint or (), revoked or ())
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        for line in (*report.findings, *(f"note: {note}" for note in report.notes)):
            typer.echo(str(line))
        typer.echo(
            f"{report.cases} case(s), {report.links} link(s), {len(report.whole)} file(s) whole,"
            f" {len(report.findings)} fault(s), {len(report.removed)} deleted by retention"
        )
    raise typer.Exit(1 if report.findings else 0)


@app.command()
def models(
    models_dir: Annotated[
        Path | None, typer.Option(help="The site's own folder of models, beside the shipped ones.")
    ] = None,
) -> None:
    """List the models with licence and state; loads each once, exits with 1 if one is refused."""
    from edge.detectors.card import load_card
    from edge.detectors.naming import Namer
    from edge.detectors.objects import ObjectDetector
    from edge.shipped import shipped

    table = Table("model", "layout", "input", "classes", "licence", "state")
    refused = 0
    for folder in _model_folders(shipped("models"), models_dir):
        try:
            classifies = load_card(folder).output.layout == "classifier"
            card = (Namer if classifies else ObjectDetector)(folder, provider="cpu").card
        except GridpatrolError as error:
            refused += 1
            table.add_row(folder.name, "-", "-", "-", "-", str(error).replace("[", r"\["))
            continue
        table.add_row(
            card.title,
            card.output.layout,
            f"{card.input.width}x{card.input.height}",
            str(len(card.output.classes)),
            card.licence,
            "[green]ready[/]",
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    raise typer.Exit(1 if refused else 0)


@app.command()
def version(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print the version."""
    typer.echo(json.dumps({"gridpatrol": __version__}) if as_json else f"gridpatrol {__version__}")


def _model_folders(*places: Path | None) -> list[Path]:
    return sorted(
        card.parent for place in places if place is not None for card in place.glob("*/model.toml")
    )


def _stop_event(seconds: float | None) -> threading.Event:
    """Set by Ctrl-C, SIGTERM, or when the time is up."""
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    if seconds is not None:
        timer = threading.Timer(seconds, stop.set)
        timer.daemon = True
        timer.start()
    return stop


if __name__ == "__main__":
    main()
