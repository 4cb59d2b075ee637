"""Evidence out of chunks, in any order, across restarts."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ContractError, GridpatrolError
from tests.campaign.nursery import spawn
from uploader.intake import blobs
from uploader.intake.blobs import FolderRoom

_CONTENT = random.Random(7).randbytes(1000)
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


def add(room: FolderRoom, start: int, end: int) -> bool:
    """Hand over a piece of the content."""
    return room.add(_SHA256, start, len(_CONTENT), _CONTENT[start:end])


def test_any_order_repeats_and_restart(tmp_path: Path) -> None:
    """Pieces out of order, twice, and by another process instance make the file."""
    assert not add(FolderRoom(tmp_path), 600, 1000)
    assert not add(FolderRoom(tmp_path), 600, 1000)
    assert not add(FolderRoom(tmp_path), 0, 300)
    room = FolderRoom(tmp_path)
    assert not room.has(_SHA256)
    assert add(room, 300, 600)
    assert room.path(_SHA256).read_bytes() == _CONTENT
    assert add(room, 0, 300)
    assert not list((tmp_path / "partial").iterdir())


def test_a_name_that_was_not_synced_is_synced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL between the rename and the sync of its folder: the next room makes that good.

    Found by the campaign's power cuts.
    """

    def killed() -> None:
        room = FolderRoom(tmp_path)
        monkeypatch.setattr(blobs, "sync_folder", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        add(room, 0, 1000)

    status = os.waitpid(spawn(killed, tmp_path / "log"), 0)[1]
    assert os.WIFSIGNALED(status)
    synced: list[Path] = []
    monkeypatch.setattr(blobs, "sync_folder", synced.append)
    room = FolderRoom(tmp_path)
    assert room.has(_SHA256)
    assert {room.path(_SHA256).parent, tmp_path / "evidence", tmp_path} <= set(synced)


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.tuples(st.integers(0, 999), st.integers(1, 400)), max_size=12), st.randoms())
def test_overlapping_pieces(
    tmp_path_factory: pytest.TempPathFactory, extra: list[tuple[int, int]], rng: random.Random
) -> None:
    """Chunk sizes may change between attempts: whole exactly when every byte was given."""
    room = FolderRoom(tmp_path_factory.mktemp("room"))
    pieces = [(start, min(1000, start + size)) for start, size in extra]
    pieces += [(start, start + 250) for start in range(0, 1000, 250)]
    rng.shuffle(pieces)
    given_bytes: set[int] = set()
    for start, end in pieces:
        given_bytes |= set(range(start, end))
        assert add(room, start, end) == (len(given_bytes) == 1000)
    assert room.path(_SHA256).read_bytes() == _CONTENT


def test_wrong_content_is_thrown_away(tmp_path: Path) -> None:
    """Chunks that give another file leave nothing, and the right ones still work."""
    room = FolderRoom(tmp_path)
    assert not room.add(_SHA256, 0, 1000, b"x" * 500)
    with pytest.raises(ContractError, match="MSG-002"):
        add(room, 500, 1000)
    assert not room.has(_SHA256)
    assert not add(room, 0, 500)
    assert add(room, 500, 1000)


def test_a_torn_piece_is_found_out(tmp_path: Path) -> None:
    """A piece a power cut emptied never becomes part of a file."""
    room = FolderRoom(tmp_path)
    add(room, 0, 500)
    next((tmp_path / "partial" / _SHA256).iterdir()).write_bytes(b"")
    with pytest.raises(ContractError, match="MSG-002"):
        add(room, 500, 1000)
    assert not room.has(_SHA256)


@pytest.mark.parametrize(
    ("offset", "total", "chunk"),
    [(-1, 10, b"x"), (0, 10, b""), (9, 10, b"xx"), (0, 2**40, b"x"), (0, 0, b"x")],
)
def test_numbers_that_make_no_sense(tmp_path: Path, offset: int, total: int, chunk: bytes) -> None:
    """A hostile box cannot make holes or giants."""
    with pytest.raises(ContractError, match="MSG-001"):
        FolderRoom(tmp_path).add(_SHA256, offset, total, chunk)


def test_old_pieces_are_forgotten(tmp_path: Path) -> None:
    """Pieces of files that never came do not fill the disk for ever."""
    add(FolderRoom(tmp_path), 0, 500)
    pieces = tmp_path / "partial" / _SHA256
    FolderRoom(tmp_path)
    assert pieces.exists()
    old = time.time() - 2 * 24 * 3600
    os.utime(pieces, (old, old))
    FolderRoom(tmp_path)
    assert not pieces.exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The disk's refusal is one of our errors."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GridpatrolError, match="STO-"):
        FolderRoom(tmp_path / "file" / "store")
