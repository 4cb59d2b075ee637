"""The commands ``gridpatrol key …``. All but ``show`` and ``backup`` need the box stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption
from edge.config.load import load_settings
from edge.config.model import Settings
from edge.evidence.copies import Copies
from edge.evidence.keys import KeyBox, copy_key

app = typer.Typer(
    help="The key that this box signs with: show, rotate, renew, revoke, backup, restore.",
    invoke_without_command=True,
)


@app.callback()
def key(context: typer.Context, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the public key that this box signs with (made now, if there is none), for enrolment."""
    if context.invoked_subcommand is None:
        show(config)


@app.command()
def show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the public key that this box signs with (made now, if there is none), for enrolment."""
    from edge.app.uplink import evidence_signer

    signer = evidence_signer(load_settings(config))
    typer.echo(f"kid {signer.kid}\n{signer.public_pem}", nl=False)


@app.command()
def rotate(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Hand on to a new key; the old one vouches for it in the evidence chain and is deleted."""
    with _stopped(config) as (box, _):
        sealed, signer = box.rotate()
    typer.echo(f"link {sealed.seq}: from now on kid {signer.kid}\n{signer.public_pem}", nl=False)


@app.command()
def renew(
    reason: Annotated[str, typer.Option(help="What became of the old key; stands in the chain.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Go on with a new key although the old one is lost: people have to vouch for it."""
    with _stopped(config) as (box, _):
        sealed, signer = box.renew(reason)
    typer.echo(f"link {sealed.seq}: from now on kid {signer.kid}\n{signer.public_pem}", nl=False)


@app.command()
def revoke(
    kid: Annotated[str, typer.Argument(help="Short name of an earlier key of this box.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the chain.")],
    from_seq: Annotated[
        int | None, typer.Option(min=1, help="First link not to believe; default: none so far.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say in the chain that an earlier key counts no more."""
    with _stopped(config) as (box, _):
        sealed = box.revoke(kid, reason, from_seq)
    typer.echo(f"link {sealed.seq}: key {kid} is revoked")


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A file that only its owner may read is made.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Copy the private key; keep the copy offline, it signs in this box's name."""
    from edge.app.uplink import key_path

    copy_key(key_path(load_settings(config).box.state_dir), to)
    typer.echo(f"{to}: copied")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What backup made.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the private key back, if the evidence chain goes on with it."""
    with _stopped(config) as (box, _):
        signer = box.restore(source)
    typer.echo(f"kid {signer.kid} is back")


@contextmanager
def _stopped(config: Path) -> Iterator[tuple[KeyBox, Settings]]:
    """The key box of a state folder that nobody else uses; its copies follow at the end.

    Raises:
        StoreError: the box runs (STO-004).
    """
    from edge.app.locking import lock_state
    from edge.app.uplink import key_path

    settings = load_settings(config)
    box, state = settings.box, settings.box.state_dir
    with lock_state(state):
        database = state / "gridpatrol.db"
        yield KeyBox(key_path(state).parent, database, f"{box.city}/{box.id}"), settings
        copies = Copies(database, state / "evidence")
        copies.catch_up()
        copies.close()
