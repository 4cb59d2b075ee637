"""``gridpatrol outbox``: what waits for the platform, what it rejected, and sending that again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from uploader.letters import Letters, LetterView, State
from uploader.waiting_view import WaitingCase

app = typer.Typer(help="What waits for the platform, and what it rejected.", no_args_is_help=True)
ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The YAML file; configs/gridpatrol.yaml explains it.")
]
LimitOption = Annotated[int, typer.Option(min=1, help="How many.")]
_DEFAULT_CONFIG = Path("gridpatrol.yaml")


@app.command("list")
def list_waiting(config: ConfigOption = _DEFAULT_CONFIG, limit: LimitOption = 20) -> None:
    """List what waits for the platform's receipt, the oldest first."""
    _show(config, "pending", limit)


@app.command("dead")
def list_dead(config: ConfigOption = _DEFAULT_CONFIG, limit: LimitOption = 20) -> None:
    """List what the platform rejected, the newest first, with its words."""
    _show(config, "dead", limit)


@app.command("waiting")
def list_queue(
    config: ConfigOption = _DEFAULT_CONFIG,
    limit: LimitOption = 20,
    gone: Annotated[
        bool, typer.Option("--gone", help="Those that were gone before their turn.")
    ] = False,
) -> None:
    """List new cases that wait for their turn (`cases.pace`), in the order in which they go."""
    from edge.config.load import load_settings
    from uploader.quota import quota_of

    shelf = _open(config)
    found = shelf.waiting(limit, quota_of(load_settings(config)), unseen=gone)
    shelf.close()
    table = Table("id", "kind", "urgent", "score", "since", "gone", "status", "rev.", "asked for")
    for case in found:
        table.add_row(*_case_cells(case))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    typer.echo(f"{len(found)} {'gone before their turn' if gone else 'waiting for their turn'}")


@app.command()
def release(
    case: Annotated[list[str] | None, typer.Argument(help="Ids from `outbox waiting`.")] = None,
    config: ConfigOption = _DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="All that wait for a turn.")] = False,
) -> None:
    """Send cases before their turn; a running edge takes them up within a second."""
    if bool(case) == everything:
        raise typer.BadParameter("give case ids, or --all")
    shelf = _open(config)
    going = shelf.release(None if everything else case)
    shelf.close()
    for name in case or going:
        typer.echo(f"{name}: {'goes now' if name in going else 'does not wait'}")
    raise typer.Exit(0 if everything or len(going) == len(set(case or ())) else 1)


@app.command()
def resend(
    seq: Annotated[list[int], typer.Argument(help="Numbers from `gridpatrol outbox dead`.")],
    config: ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """Send rejected letters again, unchanged; a running edge takes them up within a second."""
    shelf = _open(config)
    again = shelf.resend(seq)
    shelf.close()
    for number in seq:
        typer.echo(f"{number}: {'due again' if number in again else 'not a dead letter'}")
    raise typer.Exit(0 if len(again) == len(set(seq)) else 1)


def _open(config: Path) -> Letters:
    from edge.config.load import load_settings

    return Letters(load_settings(config).box.state_dir / "gridpatrol.db")


def _show(config: Path, state: State, limit: int) -> None:
    shelf = _open(config)
    found = shelf.find(state, limit)
    shelf.close()
    table = Table("no.", "what", "id", "rev.", "status", "kind", "made", "files", "tries", "said")
    for letter in found:
        table.add_row(*_cells(letter))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    typer.echo(f"{len(found)} {'waiting' if state == 'pending' else 'rejected'}")


def _cells(letter: LetterView) -> tuple[str, ...]:
    return (
        str(letter.seq),
        letter.what,
        letter.subject,
        str(letter.revision),
        letter.status,
        letter.kind,
        letter.created_at,
        str(letter.files),
        str(letter.attempts),
        letter.reason.replace("[", r"\["),
    )


def _case_cells(case: WaitingCase) -> tuple[str, ...]:
    return (
        case.subject,
        case.kind,
        "yes" if case.urgent else "",
        f"{case.score:.2f}",
        case.since,
        case.unseen_at or "",
        case.status,
        str(case.revisions),
        "yes" if case.asked else "",
    )
