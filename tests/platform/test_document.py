"""The code in docs/platform.md is run as it stands, but for the broker's port."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Broker, start_broker
from tests.platform.box import FakeBox
from tests.servers.postgres import Postgres, find_server
from tests.uploader.helpers import CITY, NODE

pytestmark = pytest.mark.e2e
_ROOT = Path(__file__).resolve().parents[2]
_BLOCKS = dict(
    re.findall(
        r"```python\n# (\w+\.py)\n(.*?)```",
        (_ROOT / "docs/platform.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker."""
    running = start_broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def box(broker: Broker, tmp_path: Path) -> FakeBox:
    """A box that answers."""
    made = FakeBox(broker, tmp_path / "box")
    made.start()
    return made


def start(name: str, folder: Path, broker: Broker, *options: str) -> subprocess.Popen[str]:
    """Run a block of the document in a folder of its own."""
    script = folder / name
    script.write_text(_BLOCKS[name].replace("1883", str(broker.port)), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, script, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )


def test_every_block_is_known_here() -> None:
    """A new block needs a test."""
    assert set(_BLOCKS) == {"intake.py", "verify.py", "worker.py"}


def test_cases_into_a_table_then_verify(tmp_path: Path, broker: Broker, box: FakeBox) -> None:
    """Two cases, four pictures; the second script asks about one of them."""

    intake = start("intake.py", tmp_path, broker)
    box.send_until_answered()
    intake.kill()
    intake.wait()
    with sqlite3.connect(tmp_path / "mine.db") as db:
        rows = list(db.execute("SELECT case_id, status, code FROM cases ORDER BY case_id"))
    assert rows == [("case-1", "new", "0406"), ("case-2", "new", "0406")]
    assert len(list((tmp_path / "pictures").rglob("*.jpg"))) == 4

    verify = start("verify.py", tmp_path, broker, f"{CITY}/{NODE}", "case-1")
    said, _ = verify.communicate(timeout=60)
    assert "gone 三次巡看均未见" in said
    assert (tmp_path / "before.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (tmp_path / "after.jpg").exists()


def test_workers_on_postgresql(tmp_path: Path, broker: Broker, box: FakeBox) -> None:
    """Two of them share what comes; each case is printed once."""
    binaries = find_server()
    if binaries is None:
        pytest.skip("PostgreSQL's server is not installed")
    server = Postgres(binaries)
    try:
        dsn = server.fresh()
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        workers = [start("worker.py", folder, broker, dsn) for folder in folders]
        box.send_until_answered()
        for worker in workers:
            worker.kill()
        lines = [line for worker in workers for line in worker.communicate()[0].splitlines()]
        said = sorted(line for line in lines if line.startswith(CITY))
        assert said == [f"{CITY}/{NODE} case-1", f"{CITY}/{NODE} case-2"]
    finally:
        server.end()
