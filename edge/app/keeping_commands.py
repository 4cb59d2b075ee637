"""The commands ``gridpatrol hold`` and ``retention``, also while the box runs, and ``rebuild``."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption, copies_follow, days_of
from edge.cases.store import OPEN_CASES
from edge.cases.store import SCHEMA as CASES
from edge.clock import iso, utc_now
from edge.config.load import load_settings
from edge.config.model import BoxSettings
from edge.errors import Code, HoldError
from edge.evidence.chain import Chain, begin, open_chain
from edge.evidence.holds import Hold, hold_case, hold_days, holds
from edge.evidence.holds import release as end_hold
from edge.evidence.sources import DATABASE
from edge.sqlite import open_database, transaction
from uploader.keeping import NEVER, Kept, Rules
from uploader.retention import Retention

app = typer.Typer()


@app.command()
def hold(  # noqa: PLR0917 - each is an option of its own
    case: Annotated[
        str | None, typer.Argument(metavar="[CASE]", help="Case id, or the beginning of it.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Or: first day, 2026-11-01.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day, included.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who wants it; stands in the chain.")] = "",
    why: Annotated[str, typer.Option(help="What for; stands in the chain.")] = "",
    release: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="End this hold instead.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the holds that stand.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as one JSON array.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Keep a case, or all of some days, whatever its age and however full the disk: legal hold."""
    box = load_settings(config).box
    if show:
        _list(box, as_json=as_json)
        return
    if not (by.strip() and why.strip()):
        raise _option("gridpatrol hold", "--by and --why are wanted: they stand in the chain")
    if sum((case is not None, bool(first or last), release is not None)) != 1:
        raise _option("gridpatrol hold", "give a case, or --from and --to, or --release, or --list")
    if release is not None:
        number = _write(box, partial(end_hold, number=release, by=by, why=why))
    elif first or last:
        days = days_of(first, last, _option)
        number = _write(box, partial(hold_days, days=days, time_zone=box.time_zone, by=by, why=why))
    else:
        number = _write(box, partial(hold_case, case=case or "", by=by, why=why))
    copies_follow(box.state_dir)
    if release is not None:
        typer.echo(f"hold {number} is released; what it held goes when its time is over")
        return
    typer.echo(f"hold {number}; --release {number} ends it")


@app.command()
def retention(
    config: ConfigOption = DEFAULT_CONFIG,
    within_days: Annotated[
        float, typer.Option(min=0, max=36500, help="What goes by age until then.")
    ] = 7.0,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is kept.")] = False,
) -> None:
    """Say what would go, when and why, and what must stay; nothing is removed."""
    settings = load_settings(config)
    box = settings.box
    with closing(open_database(_database(box), CASES)):
        pass  # the tables of an older file
    rules = Rules.of(settings.storage)
    with closing(_retention(box, rules)) as shelf:
        kept = shelf.kept()
        if as_json:
            rows = [
                _row(each, rules) | {"size_bytes": shelf.size_bytes(each.subject)} for each in kept
            ]
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        until, zone = utc_now() + timedelta(days=within_days), ZoneInfo(box.time_zone)
        soon = sorted((k for k in kept if rules.due(k) <= until), key=rules.due)
        for each in soon:
            says = f"{rules.due(each).astimezone(zone):%Y-%m-%d %H:%M}  {each.subject}"
            typer.echo(f"{says}  {each.kind} {each.status}: {rules.rule(each)[1]}")
        early = [k for k in kept if rules.due_for_room(k) <= utc_now()]
        stays = Counter(each.protected.split()[0] for each in kept if each.protected)
        size = sum(shelf.size_bytes(each.subject) for each in early)
    typer.echo(f"{len(soon)} of {len(kept)} go by age within {within_days:g} days")
    typer.echo(f"{len(early)} ({size // 2**20} MB) may go before their time when room is short")
    for why, count in sorted(stays.items()):
        typer.echo(f"{count} must stay: {why}")


@app.command()
def rebuild(
    config: ConfigOption = DEFAULT_CONFIG,
    anew: Annotated[
        bool, typer.Option(help="Set the database aside first: for one that is damaged.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Make the index of cases anew from manifests and pictures; the box must not run.

    What comes back counts as undelivered and is sent again. Exits with 1 when something is not
    whole, or was set aside.
    """
    from edge.app.rebuilding import rebuild as bring_back

    done = bring_back(load_settings(config), anew=anew)
    if as_json:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False, indent=2))
    else:
        for each in done.aside:
            typer.echo(f"set aside {each.path}: {each.why}; it is {each.now} now")
        for fault in done.faults:
            typer.echo(fault)
        typer.echo(
            f"{done.links} link(s), {done.cases} case(s), {done.revisions} revision(s) came back;"
            f" {len(done.faults)} fault(s), {len(done.aside)} set aside"
        )
    raise typer.Exit(1 if done.faults or done.aside else 0)


def _list(box: BoxSettings, *, as_json: bool) -> None:
    with closing(open_chain(_database(box))) as db:
        standing = holds(db)
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in standing], ensure_ascii=False, indent=2))
        return
    for each in standing:
        typer.echo(_line(each, box))
    typer.echo(f"{len(standing)} hold(s)")


def _line(each: Hold, box: BoxSettings) -> str:
    at = datetime.fromisoformat(each.at).astimezone(ZoneInfo(box.time_zone))
    return f"{each.number}  {at:%Y-%m-%d %H:%M}  {each.by}  {each.asked}: {each.why}"


def _write(box: BoxSettings, link: Callable[[sqlite3.Connection, Chain], int]) -> int:
    from edge.app.sealing import box_key

    path = _database(box)
    chain = Chain(f"{box.city}/{box.id}", box_key(box.state_dir))
    with closing(open_chain(path)) as db:
        begin(db, path, chain)
        with transaction(db, path) as tx:
            return link(tx, chain)


def _retention(box: BoxSettings, rules: Rules) -> Retention:
    from edge.app.sealing import held

    with closing(open_chain(_database(box))):
        pass
    return Retention(_database(box), rules, open_cases=OPEN_CASES, held=held)


def _row(kept: Kept, rules: Rules) -> dict[str, object]:
    due, early = rules.due(kept), rules.due_for_room(kept)
    return {
        "subject": kept.subject,
        "kind": kept.kind,
        "status": kept.status,
        "since": iso(kept.since) if kept.since else None,
        "protected": kept.protected or None,
        "rule": rules.rule(kept)[1],
        "goes_at": None if due == NEVER else iso(due),
        "for_room_from": None if early == NEVER else iso(early),
    }


def _database(box: BoxSettings) -> Path:
    path = box.state_dir / DATABASE
    if not path.is_file():
        raise HoldError(
            Code.HLD_NOTHING,
            str(path),
            "there is no database",
            "Give the --config of a box that has run; gridpatrol rebuild if it was lost",
        )
    return path


def _option(where: str, what: str) -> HoldError:
    return HoldError(
        Code.HLD_OPTION,
        where,
        what,
        "A day is written as 2026-11-01; gridpatrol hold --help shows the rest",
    )
