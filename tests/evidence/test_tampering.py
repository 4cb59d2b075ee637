"""Whatever is changed is found and named. The long ones: ``pytest -m slow tests/evidence``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.seal import flips, tamper


@pytest.mark.parametrize(
    ("cases", "changes"),
    [(12, 120), pytest.param(1000, 10_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
def test_random_changes(tmp_path: Path, cases: int, changes: int) -> None:
    """Bits flipped, files and folders deleted, contents swapped, links cut off, moved, repeated."""
    found = tamper(tmp_path, cases, changes, seed=7)
    assert found["examples"] == []
    assert found["total"] == changes


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_bit(tmp_path: Path) -> None:
    """Of every file of a small set, and of every link in the database."""
    assert flips(tmp_path)["examples"] == []
