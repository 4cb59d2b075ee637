"""``python -m examples.platform``: a broker's cases on http://127.0.0.1:8480."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn

from edge.errors import Code, GridpatrolError
from edge.telemetry.logs import configure_logs
from examples.platform.desk import Desk
from examples.platform.office import Office
from examples.platform.web import make_app
from uploader.intake.postgres import PostgresStore
from uploader.intake.sqlite import SqliteStore
from uploader.receiver import Receiver
from uploader.settings import Downlink

_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.platform", description=__doc__)
    parser.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    parser.add_argument("--username", help="the password is read from GRIDPATROL_PASSWORD")
    parser.add_argument("--ca-file", type=Path, help="turns TLS on")
    parser.add_argument("--root", default="gridpatrol", help="first topic level")
    parser.add_argument("--group", help="shared subscription, for several of these on one store")
    parser.add_argument("--store", default="platform-data", help="folder for SQLite and pictures")
    parser.add_argument("--postgres", metavar="DSN", help="everything into PostgreSQL instead")
    parser.add_argument("--require-signatures", action="store_true")
    parser.add_argument("--signing-key", type=Path, help="private key for receipts and requests")
    parser.add_argument("--grid", type=Path, help="GeoJSON of the unit grid, for the map")
    parser.add_argument("--port", type=int, default=8480, help="of the pages, on loopback")
    parser.add_argument("--host", action="append", default=[], help="another name of the pages")
    return parser.parse_args()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        where = f"127.0.0.1:{port}"
        fix = "Choose another with --port"
        raise GridpatrolError(Code.RUN_PORT, where, str(error), fix) from error


async def serve(chosen: argparse.Namespace) -> None:
    """Receive and show until stopped."""
    host, _, port = chosen.broker.rpartition(":")
    settings = Downlink(
        host=host,
        port=int(port),
        username=chosen.username,
        password=os.environ.get("GRIDPATROL_PASSWORD"),
        ca_file=chosen.ca_file,
        root=chosen.root,
        group=chosen.group,
        signatures="require" if chosen.require_signatures else "flag",
        signing_key=chosen.signing_key,
    )
    where: Path | str = chosen.postgres or Path(chosen.store)
    store = PostgresStore(where) if isinstance(where, str) else SqliteStore(where)
    grid = json.loads(chosen.grid.read_text(encoding="utf-8")) if chosen.grid else {}
    desk = Desk(where)
    async with Receiver(settings, store) as receiver, Office(receiver, desk) as office:
        app = make_app(receiver, desk, office, grid=grid, hosts=[*_LOOPBACK, *chosen.host])
        with _listen(chosen.port) as door:
            sys.stdout.write(f"http://127.0.0.1:{door.getsockname()[1]}\n")
            sys.stdout.flush()
            await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve([door])
    await desk.close()


if __name__ == "__main__":
    configure_logs(json_lines=not sys.stdout.isatty(), level="INFO")
    try:
        asyncio.run(serve(options()))
    except GridpatrolError as fault:
        sys.exit(str(fault))
