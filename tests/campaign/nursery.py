"""Children by fork of a warm process: a life costs milliseconds, not the seconds of an import."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PR_SET_PTRACER = 0x59616D61
_PR_SET_PDEATHSIG = 1
_ATTACH_TIMEOUT_S = 20.0


def spawn(work: Callable[[], int | None], log: Path) -> int:
    """Run ``work`` in a child; returns its pid. The caller must have no threads."""
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # never to be left behind
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        status = work() or 0
    except BaseException:  # noqa: BLE001 - it is the end of this process
        traceback.print_exc()
    finally:
        os._exit(status)


def end(pid: int) -> bool:
    """SIGKILL a child and reap it; False: it had ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def reap(pid: int, timeout_s: float) -> int | None:
    """The wait status of a child that ends by itself; None: not in time, and it lives on."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.002)
    return None


def apart(work: Callable[[], dict[str, object]], folder: Path, name: str) -> dict[str, object]:
    """What ``work`` returns, from a process of its own: its threads stay out of ours.

    Raises:
        AssertionError: it failed; the text ends with its log.
    """
    answer, log = folder / f"{name}.json", folder / f"{name}.log"

    def child() -> None:
        answer.write_text(json.dumps(work()))

    status = os.waitpid(spawn(child, log), 0)[1]
    assert status == 0, f"{name} failed:\n{log.read_text()[-6000:]}"
    return dict(json.loads(answer.read_text()))


class Traced:
    """A child that begins its work once ``strace`` has it: the k-th call is the k-th of the work.

    Args:
        work: what it does.
        trace: gets strace's lines.
        options: of strace: what to trace and what to inject.
    """

    def __init__(self, work: Callable[[], int | None], trace: Path, *options: str) -> None:
        gate, opener = os.pipe()

        def gated() -> int | None:
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, -1)
            os.close(opener)
            os.read(gate, 1)
            return work()

        self.pid = spawn(gated, trace.with_suffix(".log"))
        os.close(gate)
        command = ["strace", "-f", "-qq", "-y", "-o", str(trace), *options, "-p", str(self.pid)]
        self._strace = subprocess.Popen(command, stderr=subprocess.PIPE)
        until = time.monotonic() + _ATTACH_TIMEOUT_S
        while not self._attached():
            if self._strace.poll() is not None or time.monotonic() > until:
                end(self.pid)
                said = self._strace.communicate()[1].decode()
                raise RuntimeError(f"strace did not attach: {said}")
            time.sleep(0.001)
        os.write(opener, b"x")
        os.close(opener)

    def wait(self, timeout_s: float) -> int | None:
        """The wait status; None: it was still at work after the time, and was ended."""
        status = reap(self.pid, timeout_s)
        if status is None:
            end(self.pid)
        self._strace.wait(20)
        assert self._strace.stderr is not None
        self._strace.stderr.close()
        return status

    def _attached(self) -> bool:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return "TracerPid:\t0\n" not in status
