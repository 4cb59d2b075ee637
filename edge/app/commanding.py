"""What several commands have in common: days as options, the chain's copies afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from edge.app.locking import lock_state
from edge.errors import Code, GridpatrolError, StoreError
from edge.evidence.copies import Copies

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The YAML file; configs/gridpatrol.yaml explains it.")
]
DEFAULT_CONFIG = Path("gridpatrol.yaml")

Refuse = Callable[[str, str], GridpatrolError]
"""The error for an option (where, what is wrong with it)."""


def days_of(first: str | None, last: str | None, refuse: Refuse) -> tuple[date, date]:
    """First and last day as ``--from`` and ``--to`` give them, both included.

    Raises:
        GridpatrolError: one is missing or no date, or they are the wrong way round.
    """
    if not (first and last):
        raise refuse("--to" if first else "--from", "is missing")
    start, end = _day("--from", first, refuse), _day("--to", last, refuse)
    if end < start:
        raise refuse("--to", f"{end} is before {start}")
    return start, end


def _day(name: str, text: str, refuse: Refuse) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(name, f"{text!r} is no date") from None


def copies_follow(state: Path) -> None:
    """The chain's file gets the new link: from the box if it runs, from here if it does not.

    Raises:
        StoreError: the disk failed.
    """
    try:
        with lock_state(state):
            copies = Copies(state / "gridpatrol.db", state / "evidence")
            copies.catch_up()
            copies.sync()
            copies.close()
    except StoreError as error:
        if error.code is not Code.STO_LOCKED:
            raise
