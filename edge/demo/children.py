"""Child processes of the demo: started, watched, restarted, and never left behind."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_STOP_S = 12.0


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, *, timeout_s: float) -> bool:
    """Whether something on loopback accepts connections within the time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.5):
                return True
        except OSError:
            time.sleep(0.05)
    return False


class Child:
    """A Python child process.

    Args:
        arguments: after the interpreter, for example ``["-m", "edge.cli", "run"]``.
        log: receives stderr; None leaves it where ours goes.
        environment: the child's whole environment.
        stdout: where stdout goes; None inherits the terminal.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path | None,
        environment: Mapping[str, str],
        stdout: int | None = subprocess.DEVNULL,
    ) -> None:
        self._arguments = [sys.executable, *arguments]
        self._log = log
        self._environment = dict(environment)
        self._stdout = stdout
        self.restarts = 0
        self.process = self._start()

    @property
    def out(self) -> IO[str]:
        """The child's stdout, when it was asked for with PIPE."""
        assert self.process.stdout is not None  # noqa: S101 - only used with PIPE
        return self.process.stdout

    def revive(self) -> bool:
        """Start it again when it has ended, as systemd would; whether it had."""
        if self.process.poll() is None:
            return False
        self.restarts += 1
        self.process = self._start()
        return True

    def stop(self) -> None:
        """Ask it to end, then make it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _start(self) -> subprocess.Popen[str]:
        with nullcontext() if self._log is None else self._log.open("ab") as log:
            return subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=self._stdout,
                stderr=log,
                env=self._environment,
                text=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )


def _die_with_parent() -> None:
    """Even when the demo itself is killed, nothing is left running."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
