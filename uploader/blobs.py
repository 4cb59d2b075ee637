"""Evidence files put together again from chunks, under the name of their hash.

A name appears only by the rename that ends a verified, synced file, so the folder itself says
what is there: no index that could disagree with it. Pieces wait in ``partial/`` and survive a
restart; whatever a power cut does to them, the hash finds out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

from edge.errors import Code, ContractError
from edge.sqlite import as_store_error
from uploader.contract.messages import MAX_EVIDENCE_BYTES

_FORGET_PIECES_S = 24 * 3600.0


class BlobRoom:
    """Files by SHA-256.

    Args:
        folder: gets ``evidence/`` and ``partial/``.

    Raises:
        StoreError: the folders cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._whole = folder / "evidence"
        self._partial = folder / "partial"
        try:
            self._whole.mkdir(parents=True, exist_ok=True)
            self._partial.mkdir(exist_ok=True)
            self._forget_old_pieces()
        except OSError as error:
            raise as_store_error(folder, error) from error

    def path(self, sha256: str) -> Path:
        """Where the file lies, or will lie."""
        return self._whole / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the file is whole."""
        return self.path(sha256).is_file()

    def add(self, sha256: str, offset: int, total: int, chunk: bytes) -> bool:
        """Take a chunk; True when the file is whole. Repeats and any order are fine.

        Raises:
            ContractError: the numbers make no sense (MSG-001), or the whole has another hash
                (MSG-002) and was thrown away.
            StoreError: the disk refused.
        """
        if not (offset >= 0 and chunk and offset + len(chunk) <= total <= MAX_EVIDENCE_BYTES):
            raise ContractError(
                Code.MSG_SCHEMA,
                f"blob {sha256}",
                f"offset {offset}, total {total} and {len(chunk)} bytes do not fit together",
                f"0 <= offset < offset + bytes <= total <= {MAX_EVIDENCE_BYTES}",
            )
        if self.has(sha256):
            return True
        try:
            pieces = self._partial / sha256
            pieces.mkdir(exist_ok=True)
            piece = pieces / f"{offset}-{len(chunk)}"
            draft = pieces / f"{piece.name}.{os.getpid()}.tmp"
            draft.write_bytes(chunk)
            draft.replace(piece)
            parts = _cover(pieces, total)
            if parts is None:
                return False
            self._assemble(sha256, parts)
        except OSError as error:
            raise as_store_error(self._partial, error) from error
        return True

    def _assemble(self, sha256: str, parts: list[tuple[Path, int]]) -> None:
        target = self.path(sha256)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            _sync_folder(self._whole)
        digest = hashlib.sha256()
        draft = target.with_name(f"{sha256}.{os.getpid()}.tmp")
        with draft.open("wb") as out:
            for path, skip in parts:
                piece = path.read_bytes()[skip:]
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            draft.unlink()
            shutil.rmtree(self._partial / sha256)
            raise ContractError(
                Code.MSG_HASH,
                f"blob {sha256}",
                "its chunks give another file",
                "It was thrown away; the box sends it again",
            )
        draft.replace(target)
        _sync_folder(target.parent)
        shutil.rmtree(self._partial / sha256)

    def _forget_old_pieces(self) -> None:
        for pieces in self._partial.iterdir():
            if pieces.stat().st_mtime < time.time() - _FORGET_PIECES_S:
                shutil.rmtree(pieces)


def _cover(pieces: Path, total: int) -> list[tuple[Path, int]] | None:
    """Pieces that make the file, each with how much of it the one before gave already."""
    found = []
    for path in pieces.iterdir():
        start, _, size = path.name.partition("-")
        if size.isdigit():
            found.append((int(start), int(size), path))
    position = 0
    parts = []
    for offset, length, path in sorted(found, key=lambda piece: piece[:2]):
        if offset <= position < offset + length:
            parts.append((path, position - offset))
            position = offset + length
    return parts if position == total else None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
