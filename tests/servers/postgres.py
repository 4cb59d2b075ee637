"""A real PostgreSQL of our own: a fresh cluster in a temporary folder, on a Unix socket only."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

_USER = "gridpatrol"
_START_TIMEOUT_S = 30.0


def find_server() -> Path | None:
    """The folder of ``postgres`` and ``initdb``; None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


class Postgres:
    """One cluster.

    Raises:
        RuntimeError: it did not start; the text holds its log.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="gp-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0
        # PostgreSQL refuses to run as root.
        self._as: dict[str, object] = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._run("initdb", "-A", "trust", "-U", _USER, "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def dsn(self) -> str:
        """How to reach it."""
        return f"host={self._folder} user={_USER} dbname=postgres"

    def fresh(self) -> str:
        """Make an empty schema; how to reach it."""
        import psycopg

        self._schemas += 1
        name = f"test{self._schemas}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self.dsn()} options='-c search_path={name}'"

    def start(self) -> None:
        """Start it and wait until it answers."""
        import psycopg

        log = self._folder / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    *(self._binaries / "postgres", "-D", self._data, "-k", self._folder),
                    *("-c", "listen_addresses=", "-c", "max_connections=50"),
                ],
                stdout=out,
                stderr=out,
                cwd=self._folder,
                **self._as,  # type: ignore[call-overload]  # a user of its own
            )
        atexit.register(self.end)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
                time.sleep(0.05)
            else:
                return

    def crash(self) -> None:
        """End it at once, as a power cut would for its clients (SIGQUIT: no shutdown work)."""
        self._end(signal.SIGQUIT)

    def end(self) -> None:
        """Stop it and remove the cluster; safe to call twice."""
        self._end(signal.SIGQUIT)  # no checkpoint: everything is thrown away
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
        self._process = None

    def _run(self, name: str, *options: str) -> None:
        done = subprocess.run(
            [self._binaries / name, "-D", self._data, *options],
            capture_output=True,
            cwd=self._folder,
            text=True,
            **self._as,  # type: ignore[call-overload]  # a user of its own
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr}")
