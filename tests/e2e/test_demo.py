"""``gridpatrol demo``: the README's first command, as a newcomer runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(150)
def test_the_demo_shows_a_case_of_every_kind(tmp_path: Path) -> None:
    """Within 75 s; the last line is the summary, the pictures are where it says."""
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "demo", "--seconds", "75", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    log = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"console_open", "camera_up", "case_committed"} <= {line["event"] for line in log}
    summary = json.loads(done.stdout.splitlines()[-1])
    # One case each: two cameras see the pile and it is still one, and nothing passes for a case.
    assert summary["cases"] == {"street_vending": 1, "piled_materials": 1, "illegal_ads": 1}
    pictures = list(Path(summary["evidence_dir"]).rglob("far.jpg"))
    assert len(pictures) >= 3
    assert "plaza-clear" not in done.stdout
