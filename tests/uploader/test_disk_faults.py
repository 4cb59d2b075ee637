"""Errors of the disk at the system calls that write: what was acknowledged is there.

``strace`` makes the k-th call of its kind fail, as a full or dying disk would.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.uploader.helpers import CITY, NODE
from uploader.outbox import Outbox

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]
_ROOT = Path(__file__).parents[2]
_CASES = 6


def hurt(folder: Path, call: str, error: str, when: str) -> tuple[int, list[str]]:
    """Exit status and lines of a committer whose calls fail."""
    command = [
        *("strace", "-f", "-qq", "-o", str(folder / "trace"), "-e", f"trace={call}"),
        *("-e", f"inject={call}:error={error}:when={when}"),
        *(sys.executable, "-m", "tests.uploader.committer", str(folder), str(_CASES)),
    ]
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=_ROOT, env=env, capture_output=True, text=True, timeout=60)
    if "ptrace" in done.stderr:
        pytest.skip("may not trace here")
    return done.returncode, done.stdout.split("\n")[:-1]


def check(folder: Path, lines: list[str]) -> None:
    """Every acknowledged case is there, whole, with whole pictures."""
    acked = [line.split()[1] for line in lines if line.startswith("ack")]
    outbox = Outbox(folder / "state.db", city=CITY, node=NODE)
    rows = {row.subject: row for row in outbox.due(datetime.now(UTC), 99)}
    assert set(acked) <= set(rows)
    for row in rows.values():
        assert hashlib.sha256(row.payload).hexdigest() == row.payload_sha256
        for item in row.evidence:
            assert hashlib.sha256(item.path.read_bytes()).hexdigest() == item.sha256
    assert outbox._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    outbox.close()


# Each case syncs two pictures, their folder, those above it, and the log of the database.
# SQLite itself passes over an error in syncing the folder of the database (fdatasync 2, 6, 9), and
# stays with its other, equally durable journal when the switch to WAL fails (1, 3, 4).
_SHORT = [("fsync", 2), ("fsync", 9), ("fdatasync", 8), ("fdatasync", 11), ("pwrite64", 100)]
_LONG = [("fsync", k) for k in range(1, 42)] + [("fdatasync", k) for k in range(1, 16)]
_LONG += [("pwrite64", k) for k in range(1, 110, 3)] + [("write", k) for k in range(1, 30)]


@pytest.mark.parametrize(("call", "k"), _SHORT)
def test_a_failing_disk_ends_the_process(tmp_path: Path, call: str, k: int) -> None:
    """EIO: no acknowledgement after it, exit status 2, nothing acknowledged lost."""
    status, lines = hurt(tmp_path, call, "EIO", f"{k}")
    assert (status, lines[-1]) == (2, "fatal STO-007"), lines
    check(tmp_path, lines)
    status, lines = hurt(tmp_path, call, "EIO", "9999")  # the next start, on a disk put right
    assert status == 0, lines


@pytest.mark.parametrize(
    ("call", "when"), [("fsync", "3+11"), ("pwrite64", "100+40"), ("write", "2+3")]
)
def test_a_full_disk_refuses_and_goes_on(tmp_path: Path, call: str, when: str) -> None:
    """ENOSPC: that case is refused, the next is tried, nothing acknowledged is lost."""
    _status, lines = hurt(tmp_path, call, "ENOSPC", when)
    assert "refused STO-002" in lines, lines
    after = lines[lines.index("refused STO-002") :]
    assert any(line.startswith("ack") for line in after), lines
    check(tmp_path, lines)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(("call", "k"), _LONG)
def test_every_write(tmp_path: Path, call: str, k: int, error: str) -> None:
    """Each write and sync of the first cases, one after the other."""
    _status, lines = hurt(tmp_path, call, error, f"{k}")
    if (tmp_path / "state.db").exists():
        check(tmp_path, lines)
