"""The commands ``gridpatrol purpose`` and ``access``. They may run while the box does."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from edge.app.commanding import DEFAULT_CONFIG, ConfigOption, days_of
from edge.clock import iso, utc_now
from edge.config.load import load_settings
from edge.config.model import PurposeSettings, Settings
from edge.errors import Code, HoldError
from edge.evidence.access import DATABASE, Access, AccessLog, sealed_days
from edge.evidence.chain import open_chain
from edge.evidence.purposes import Recorded, history
from edge.evidence.sources import DATABASE as CHAIN

app = typer.Typer()

CameraArgument = Annotated[
    str | None, typer.Argument(metavar="[CAMERA]", help="Of one camera; all without.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
_MOST = 100_000


@app.command()
def purpose(
    camera: CameraArgument = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Why each camera is watched and by whose authority, as sealed. 1: one has no purpose."""
    settings = load_settings(config)
    _check_camera(settings, camera)
    day = utc_now().astimezone(ZoneInfo(settings.box.time_zone)).date()
    with closing(open_chain(settings.box.state_dir / CHAIN)) as db:
        sealed = history(db, camera)
    rows, lacking = [], 0
    for each in settings.cameras:
        if camera not in (None, each.id):
            continue
        now = settings.purpose_of(each)
        in_force = now is not None and now.in_force(day)
        lacking += each.enabled and not in_force
        entries = [entry for entry in sealed if entry.camera_id == each.id]
        rows.append(_row(each.id, now, entries, in_force=in_force))
        if not as_json:
            _say(each.id, now, entries, in_force=in_force)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{len(rows)} camera(s), {lacking} without a purpose in force")
    if lacking:
        raise typer.Exit(1)


@app.command()
def access(
    camera: CameraArgument = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day, 2026-11-01.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day, included.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Who looked at which camera, newest first. 1: entries are not those that were sealed."""
    settings = load_settings(config)
    zone, state = ZoneInfo(settings.box.time_zone), settings.box.state_dir
    span = {}
    if first or last:
        start, end = days_of(first, last, _option)
        after = datetime.combine(end + timedelta(days=1), time(), zone)
        span = {"first": iso(datetime.combine(start, time(), zone)), "last": iso(after)}
    with closing(open_chain(state / CHAIN)) as db:
        links = sealed_days(db)
    with closing(AccessLog(state / DATABASE)) as log:
        entries = log.entries(camera, limit=_MOST, **span)
        altered = log.altered(links, keep_days=settings.purpose.access_days)
    if as_json:
        typer.echo(json.dumps([asdict(e) for e in entries], ensure_ascii=False, indent=2))
    else:
        for entry in entries:
            typer.echo(_line(entry, zone))
        typer.echo(f"{len(entries)} entries, {len(links)} day(s) sealed")
    for day in altered:
        typer.echo(f"{day}: the entries are not those that were sealed", err=True)
    if altered:
        raise typer.Exit(1)


def _row(
    camera: str, now: PurposeSettings | None, entries: list[Recorded], *, in_force: bool
) -> dict[str, object]:
    return {
        "camera": camera,
        "purpose": now.record() if now else None,
        "in_force": in_force,
        "sealed": [{"link": e.seq, "at": e.at, "record": e.record} for e in entries],
    }


def _say(
    camera: str, now: PurposeSettings | None, entries: list[Recorded], *, in_force: bool
) -> None:
    if now is None:
        typer.echo(f"{camera}: no purpose record")
    else:
        until = f", until {now.until}" if now.until else ""
        state = "" if in_force else "  NOT IN FORCE"
        words = " / ".join(filter(None, (now.why_zh, now.why_en)))
        typer.echo(f"{camera}: {words} ({now.authority}{until}){state}")
    for entry in entries:
        what = "ended" if entry.record is None else str(entry.record["why_zh"])
        typer.echo(f"    link {entry.seq}  {entry.at}  {what}")


def _line(entry: Access, zone: ZoneInfo) -> str:
    began = datetime.fromisoformat(entry.first_at).astimezone(zone)
    ended = datetime.fromisoformat(entry.last_at).astimezone(zone)
    who = entry.name + (f" ({entry.role}, {entry.address})" if entry.address else "")
    what = entry.what + (f" {entry.subject}" if entry.subject else "")
    span = f"{began:%Y-%m-%d %H:%M:%S}–{ended:%H:%M:%S}"
    return f"{span}  {entry.camera_id}  {who}  {what} x{entry.times}"


def _check_camera(settings: Settings, camera: str | None) -> None:
    if camera is not None and camera not in {each.id for each in settings.cameras}:
        raise _option(f"camera {camera!r}", "is not in the configuration")


def _option(where: str, what: str) -> HoldError:
    return HoldError(
        Code.HLD_OPTION, where, what, "A day is written as 2026-11-01; --help shows the rest"
    )
