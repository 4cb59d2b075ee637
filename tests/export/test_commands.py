"""``gridpatrol export`` and ``exports`` as people call them, also while the box runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.evidence.verify import Verifier
from tests.evidence.box import SealingBox
from tests.test_cli import gridpatrol, write_config

WHO = ("--by", "张三", "--purpose", "行政复议")
DAYS = ("--from", "2026-11-24", "--to", "2026-11-24")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a box that has sealed two cases and stopped."""
    box = SealingBox(tmp_path / "state", node="box-01")
    box.case(1)
    box.case(2)
    box.close()
    return write_config(tmp_path, "a.mp4", "b.mp4")


def test_exported_verified_and_listed(config: Path, tmp_path: Path) -> None:
    """The copies of the chain follow, although the box does not run."""
    out = tmp_path / "all.zip"
    done = gridpatrol("export", *DAYS, *WHO, "--out", out, "-c", config)
    assert done.returncode == 0, done.stderr
    assert "2 case(s), 0 file(s) left out" in done.stdout
    key = tmp_path / "box.pub.pem"
    key.write_text(gridpatrol("key", "-c", config).stdout.split("\n", 1)[1], encoding="utf-8")
    checked = gridpatrol("verify", out, "--key", key)
    assert checked.returncode == 0, checked.stdout
    out.unlink()
    (tmp_path / "state/evidence/case-1/r1/far.jpg").unlink()
    again = gridpatrol("export", "case-1", *WHO, "--out", out, "-c", config)
    assert again.returncode == 0
    assert again.stderr == "left out evidence/case-1/r1/far.jpg: missing\n"
    listed = gridpatrol("exports", "--json", "-c", config)
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(row["by"], row["asked"]) for row in rows] == [
        ("张三", {"from": "2026-11-24", "to": "2026-11-24"}),
        ("张三", {"case": "case-1"}),
    ]
    assert "2 export(s)" in gridpatrol("exports", "-c", config).stdout
    whole = Verifier().check(tmp_path / "state")
    assert [finding.path for finding in whole.findings] == ["evidence/case-1/r1/far.jpg"]
    assert not any("behind" in note for note in whole.notes)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("case-9",), "EXP-001"),
        (("--from", "2020-01-01", "--to", "2020-01-02"), "EXP-001"),
        ((), "EXP-002"),
        (("case-1", *DAYS), "EXP-002"),
        (("--from", "2026-11-24"), "EXP-002"),
        (("--from", "24.11.2026", "--to", "2026-11-24"), "EXP-002"),
        (("--from", "2026-11-25", "--to", "2026-11-24"), "EXP-002"),
        (("../case-1",), "EXP-002"),
    ],
)
def test_one_line_and_a_code(config: Path, options: tuple[str, ...], code: str) -> None:
    """Exit status 2; no file, no entry."""
    done = gridpatrol("export", *options, *WHO, "--out", config.parent / "x.zip", "-c", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"[{code}]")
    assert done.stderr.count("\n") == 1
    assert not list(config.parent.glob("*.zip"))


def test_it_may_be_made_while_the_box_runs(config: Path, tmp_path: Path) -> None:
    """The box keeps its state folder, its chain goes on from the export's link."""
    running = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "run", "-c", str(config)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ.copy(),
    )
    assert running.stderr is not None
    try:
        running.stderr.readline()  # it logs once it is open
        for number in range(2):
            out = tmp_path / f"{number}.zip"
            done = gridpatrol("export", "case-1", *WHO, "--out", out, "-c", config)
            assert done.returncode == 0, done.stderr
        assert running.poll() is None
    finally:
        running.terminate()
        running.wait(60)
        running.stderr.close()
    assert running.returncode == 0
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    report = Verifier().check(tmp_path / "state")
    assert not report.findings
    assert not any("behind" in note for note in report.notes)
