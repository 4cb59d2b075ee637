"""A disk that fails under a running box: the process ends, and says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.e2e.edge import ROOT, make_still, write_config
from tests.uploader.helpers import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


def test_a_failed_sync_ends_the_box(tmp_path: Path) -> None:
    """EIO from the next sync of the database: exit status 2 with STO-007, within seconds."""
    street = make_still(tmp_path / "street.mp4", boxes=False)
    config = write_config(tmp_path, [str(street)], free_port())
    log = tmp_path / "edge.log"
    with log.open("wb") as out:
        edge = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "run", "--config", str(config)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )
    try:
        # No broker: each attempt to connect takes a number of its own, and commits it.
        wait_until(lambda: "MQT-001" in log.read_text(), 60.0)
        with subprocess.Popen(
            [
                *("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-p", str(edge.pid)),
                *("-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        ) as tracer:
            try:
                status = edge.wait(60)
            except subprocess.TimeoutExpired:
                tracer.terminate()
                if tracer.stderr is not None and "ptrace" in tracer.stderr.read():
                    pytest.skip("may not trace here")
                raise
        assert status == 2, log.read_text()[-2000:]
        assert "[STO-007]" in log.read_text().splitlines()[-1]
    finally:
        edge.kill()
        edge.wait(10)
