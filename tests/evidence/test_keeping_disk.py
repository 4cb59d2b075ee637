"""Retention, holds and rebuilding on a disk that is really full, or may not be written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.app.sealing import Seals, held
from edge.errors import Code, StoreError
from edge.evidence.verify import Verifier
from tests.cases.test_desk import fill_disk, small_disk
from tests.evidence.box import SealingBox
from tests.evidence.test_chain import deliver
from tests.test_cli import gridpatrol, write_config
from uploader.retention import Retention

__all__ = ["small_disk"]
LATER = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture
def box(small_disk: Path) -> Iterator[SealingBox]:
    """Three delivered cases on 2 MB."""
    made = SealingBox(small_disk / "state", node="box-01", size_bytes=20_000)
    for number in (1, 2, 3):
        made.case(number)
    deliver(made)
    yield made
    with suppress(Exception):
        made.close()


def keeper(box: SealingBox) -> Retention:
    seals = Seals(box.sealer, box.chain, box.copies, box.folder)
    return Retention(box.database, held=held, journal=seals)


def remount(disk: Path, how: str) -> None:
    done = subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], capture_output=True)
    if done.returncode:
        pytest.skip("may not remount here")


def test_a_full_disk_is_made_room_on(box: SealingBox, small_disk: Path) -> None:
    """Not one byte is left; retention needs some to say what it removes, and has kept them back."""
    with closing(keeper(box)) as retention:
        retention.reserve()
        assert (box.state / ".reserve").stat().st_size == 2**20
        fill_disk(small_disk / "filler")
        with pytest.raises(StoreError) as full:
            box.case(4)
        assert full.value.code is Code.STO_FULL
        assert Verifier().check(box.state).findings == []
        assert retention.remove("case-1", LATER, short=True) is not None
        assert not (box.folder / "case-1").exists()
        box.copies.catch_up()
        assert Verifier().check(box.state).findings == []
        box.case(5)


def test_on_a_read_only_disk_nothing_goes(
    box: SealingBox, small_disk: Path, tmp_path: Path
) -> None:
    """Each command refuses with a code, nothing is half done; afterwards it goes on."""
    config = write_config(tmp_path, "a.mp4", "b.mp4", state=str(box.state))
    box.close()
    far = box.folder / "case-2/r1/far.jpg"
    far.write_bytes(far.read_bytes()[:10])
    remount(small_disk, "ro")
    who = ("--by", "x", "--why", "y")
    for command in (("hold", "case-1", *who), ("retention",), ("rebuild",)):
        done = gridpatrol(*command, "-c", config)
        assert done.returncode == 2, command
        assert done.stderr.startswith("[STO-00"), done.stderr
        assert done.stderr.count("\n") == 1
    with pytest.raises(StoreError):
        keeper(box)
    assert far.stat().st_size == 10
    remount(small_disk, "rw")
    done = gridpatrol("rebuild", "-c", config)
    assert done.returncode == 1
    assert "set aside evidence/case-2/r1/far.jpg: half-written: 10 of 20000 bytes" in done.stdout
    with closing(keeper(box)) as retention:
        assert retention.remove("case-1", LATER, short=True) is not None
