"""The short form of every part of the campaign; ``make campaign-delivery`` is the long one.

In processes of their own: children by fork come from a process without threads.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None,
        reason="mosquitto is not installed",
    ),
]
_ROOT = Path(__file__).parents[2]
_needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


def campaign(*options: str) -> dict[str, object]:
    """Run parts of it; the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaign", *options],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=220,
    )
    if "ptrace" in done.stderr:
        pytest.skip("may not trace here")
    result = dict(json.loads(done.stdout.splitlines()[-1]))
    assert done.returncode == 0, done.stderr
    assert (result["lost"], result["doubled"], result["wrong"]) == (0, 0, 0), done.stderr
    return result


def test_killed_at_random() -> None:
    """SIGKILL of boxes and platform at any moment, with and without a broker."""
    result = campaign("--parts", "kills", "--kills", "60", "--offline", "10")
    assert result["kills"] >= 60
    assert result["committed"] > 20, "too little happened to prove anything"


@_needs_strace
def test_killed_at_system_calls() -> None:
    """SIGKILL at some of the write-path calls of each life."""
    assert campaign("--parts", "syscalls", "--every", "25", "--minutes", "2")["syscall_kills"] >= 8


@_needs_strace
def test_power_cuts() -> None:
    """Every image recovers all that was acknowledged; with synchronous=NORMAL it does not."""
    result = campaign("--parts", "power", "--cases", "4", "--subsets", "1")
    assert result["power_cuts"] > 300
    assert result["control_failed"] is True


@_needs_strace
def test_disk_full_and_broken() -> None:
    """ENOSPC and EIO at some of the calls: said with its code, nothing acknowledged lost."""
    result = campaign("--parts", "disk", "--every", "30", "--minutes", "1")
    assert result["enospc"] >= 3
    assert result["eio"] >= 3


def test_weather() -> None:
    """Each scene once or twice."""
    result = campaign("--parts", "weather", "--weather", "0")
    assert result["broker_faults"] >= 10
    assert result["clock_jumps"] >= 4
