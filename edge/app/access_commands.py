"""The commands ``gridpatrol users …`` and ``audit``. They may run while the box does."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from edge.config.console import Role
    from edge.config.model import Settings
    from edge.console.access.accounts import Accounts

app = typer.Typer()
users = typer.Typer(help="Who may log in to the console.", no_args_is_help=True)
app.add_typer(users, name="users")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="a-z 0-9 . _ -, up to 40.")]


class RoleName(StrEnum):
    """As the command line takes it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@users.command("add")
def add(
    name: NameArgument,
    role: Annotated[RoleName, typer.Option(help="Sees, acts, or manages users.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a user and print the one-time link by which they choose a password."""
    with _accounts(config, "user.add", f"{name} {role}") as (settings, accounts):
        _print_link(settings, accounts.add(name, _role(role)))


@users.command("list")
def list_users(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the users."""
    with _accounts(config) as (_settings, accounts):
        found = accounts.users()
    if as_json:
        typer.echo(json.dumps([asdict(user) for user in found], indent=2))
        return
    table = Table("name", "role", "password", "since")
    for user in found:
        table.add_row(user.name, user.role, "set" if user.ready else "not yet", user.made_at)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


@users.command("role")
def change_role(
    name: NameArgument,
    role: Annotated[RoleName, typer.Argument(help="The new one.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a user another role; whoever is logged in by that name must log in again."""
    with _accounts(config, "user.role", f"{name} {role}") as (_settings, accounts):
        accounts.set_role(name, _role(role))


@users.command("remove")
def remove(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove a user; sessions and links end at once."""
    with _accounts(config, "user.remove", name) as (_settings, accounts):
        accounts.remove(name)


@users.command("link")
def link(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print a new one-time link, for a forgotten password or a link that got lost."""
    with _accounts(config, "user.link", name) as (settings, accounts):
        _print_link(settings, accounts.link(name))


@app.command()
def audit(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show who did what on the console, when, and from where."""
    from edge.config.load import load_settings
    from edge.console.access.audit import Audit

    entries = Audit(load_settings(config).box.state_dir).newest(limit)
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(asdict(entry), ensure_ascii=False))
        return
    table = Table("when", "who", "role", "from", "what", "about", "outcome")
    for entry in entries:
        row = (entry.at, entry.who, entry.role, entry.address, entry.action, entry.about)
        table.add_row(*(escape(value) for value in (*row, entry.outcome)))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@contextmanager
def _accounts(
    config: Path, action: str = "", about: str = ""
) -> Iterator[tuple[Settings, Accounts]]:
    """The users of the box with this configuration; what was done goes into the audit log."""
    from edge.config.load import load_settings
    from edge.console.access.accounts import Accounts
    from edge.console.access.audit import Audit

    settings = load_settings(config)
    accounts = Accounts(settings.box.state_dir)
    try:
        yield settings, accounts
    finally:
        accounts.close()
    if action:
        Audit(settings.box.state_dir).write(
            f"cli:{_os_user()}", action, about, role="admin", address="-"
        )


def _os_user() -> str:
    """Who is at the terminal, also through sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        return str(os.getuid())


def _role(name: RoleName) -> Role:
    return name.value


def _print_link(settings: Settings, token: str) -> None:
    from edge.console.access.accounts import LINK_HOURS
    from edge.console.access.invitation import link_at

    typer.echo(link_at(settings.console, token))
    typer.echo(f"works once, within {LINK_HOURS} hours", err=True)
