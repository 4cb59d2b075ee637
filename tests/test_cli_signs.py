"""``gridpatrol signs``: what a zone may show, listed and accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.test_load import MINIMAL, write
from tests.test_cli import gridpatrol

WHERE = ("--camera", "cam-1", "--zone", "z-1")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write(tmp_path, MINIMAL.replace("street_vending", "illegal_ads"))


def test_an_accepted_sign_is_listed_without_its_number(config: Path) -> None:
    """What stands in the clear on the command line is hidden on the disk."""
    done = gridpatrol("signs", "accept", "-c", config, *WHERE, "--text", "五金店 13900000001")
    assert done.returncode == 0, done.stderr
    listed = gridpatrol("signs", "list", "-c", config, *WHERE)
    assert listed.returncode == 0
    assert "五金店" in listed.stdout
    assert "139****0001" in listed.stdout
    kept = (config.parent / "state/signs/cam-1.z-1.json").read_text(encoding="utf-8")
    assert "13900000001" not in done.stdout + listed.stdout + kept


def test_an_unknown_zone_is_refused_with_those_there_are(config: Path) -> None:
    """One line that names them."""
    done = gridpatrol("signs", "list", "-c", config, "--camera", "cam-1", "--zone", "z-9")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cam-1/z-1" in done.stderr


@pytest.mark.parametrize(
    "what", [("--text", " "), ("--text", "五金店", "--box", "0.9", "0.1", "0.2", "0.3")]
)
def test_nothing_and_nowhere_are_refused(config: Path, what: tuple[str, ...]) -> None:
    """No wording at all, a box whose corners are out of order."""
    done = gridpatrol("signs", "accept", "-c", config, *WHERE, *what)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
