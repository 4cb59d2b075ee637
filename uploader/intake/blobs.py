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
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from edge.errors import Code, ContractError, StoreError
from edge.files import sync_folder
from edge.sqlite import as_store_error
from uploader.contract.messages import MAX_EVIDENCE_BYTES

_SYNCS_AT_ONCE = 8
_FORGET_PIECES_S = 24 * 3600.0


class BlobRoom(Protocol):
    """Evidence by SHA-256, whole or in the making."""

    def add(self, sha256: str, offset: int, total: int, chunk: bytes) -> bool:
        """Take a chunk; True when the file is whole. Repeats and any order are fine.

        Raises:
            ContractError: the numbers make no sense (MSG-001), or the whole has another hash
                (MSG-002) and was thrown away.
            StoreError: it cannot be kept; the box sends it again.
        """

    def together(self) -> AbstractContextManager[None]:
        """Files that become whole in the block are synced at its end, all at once.

        Raises:
            StoreError: none of them counts.
        """

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Those that are not whole, each once.

        Raises:
            StoreError: the store cannot be read.
        """

    def read(self, sha256: str) -> bytes:
        """The bytes of a whole file.

        Raises:
            StoreError: it is not there (EVI-001), or cannot be read.
        """


class FolderRoom:
    """Files in a folder; workers that share it complete each other's.

    Args:
        folder: gets ``evidence/`` and ``partial/``.

    Raises:
        StoreError: the folders cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._whole = folder / "evidence"
        self._partial = folder / "partial"
        self._syncers = ThreadPoolExecutor(_SYNCS_AT_ONCE, thread_name_prefix="evidence-sync")
        self._gathering = False
        self._unsynced: dict[str, Path] = {}
        self._folders: set[Path] = set()
        try:
            self._whole.mkdir(parents=True, exist_ok=True)
            self._partial.mkdir(exist_ok=True)
            self._forget_old_pieces()
            # Also names that whoever was killed here had given and not synced.
            self._each(sync_folder, [folder, self._whole, *self._whole.iterdir()])
        except OSError as error:
            raise as_store_error(folder, error) from error

    def path(self, sha256: str) -> Path:
        """Where the file lies, or will lie."""
        return self._whole / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the file is whole, or will be when :meth:`together` ends."""
        return sha256 in self._unsynced or self.path(sha256).is_file()

    @contextmanager
    def together(self) -> Iterator[None]:
        """See :class:`BlobRoom`."""
        self._gathering = True
        try:
            yield
            self._sync()
        finally:
            self._gathering = False
            for draft in self._unsynced.values():
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
            self._unsynced.clear()

    def _sync(self) -> None:
        """Every draft to the disk, then to its name, then the folders: many syncs cost the disk
        little more than one."""
        found = {self.path(sha256): draft for sha256, draft in self._unsynced.items()}
        try:
            self._each(_sync_file, found.values())
            for target, draft in found.items():
                draft.replace(target)
            self._folders |= {target.parent for target in found}
            self._each(sync_folder, self._folders)
        except OSError as error:
            raise as_store_error(self._whole, error) from error
        self._unsynced.clear()
        self._folders.clear()

    def _each(self, sync: Callable[[Path], None], paths: Collection[Path]) -> None:
        if len(paths) > 1:
            list(self._syncers.map(sync, paths))
        else:
            for path in paths:
                sync(path)

    def missing(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """See :class:`BlobRoom`."""
        return tuple(sha256 for sha256 in dict.fromkeys(wanted) if not self.has(sha256))

    def read(self, sha256: str) -> bytes:
        """See :class:`BlobRoom`."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise not_there(sha256, str(self._whole)) from error
        except OSError as error:
            raise as_store_error(self._whole, error) from error

    def add(self, sha256: str, offset: int, total: int, chunk: bytes) -> bool:
        """See :class:`BlobRoom`."""
        check_numbers(sha256, offset, total, chunk)
        if self.has(sha256):
            return True
        try:
            if len(chunk) == total:
                self._finish(sha256, (chunk,))
                return True
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
        pieces = self._partial / sha256
        try:
            self._finish(sha256, (path.read_bytes()[skip:] for path, skip in parts))
        finally:
            # Whole or wrong, they are of no more use; after a full disk the box sends them again.
            shutil.rmtree(pieces)

    def _finish(self, sha256: str, parts: Iterable[bytes]) -> None:
        """Write the file, check it, give it its name now or when :meth:`together` ends."""
        target = self.path(sha256)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            self._folders.add(self._whole)
        digest = hashlib.sha256()
        draft = self._partial / f"{sha256}.{os.getpid()}.whole"
        with draft.open("wb") as out:
            for part in parts:
                digest.update(part)
                out.write(part)
        if digest.hexdigest() != sha256:
            draft.unlink()
            raise another_file(sha256)
        self._unsynced[sha256] = draft
        if not self._gathering:
            with self.together():
                pass

    def _forget_old_pieces(self) -> None:
        for pieces in self._partial.iterdir():
            if pieces.stat().st_mtime < time.time() - _FORGET_PIECES_S:
                if pieces.is_dir():
                    shutil.rmtree(pieces)
                else:  # whole, but the power went before it was synced
                    pieces.unlink()


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def check_numbers(sha256: str, offset: int, total: int, chunk: bytes) -> None:
    """Refuse a chunk whose numbers make no sense (MSG-001)."""
    if not (offset >= 0 and chunk and offset + len(chunk) <= total <= MAX_EVIDENCE_BYTES):
        raise ContractError(
            Code.MSG_SCHEMA,
            f"blob {sha256}",
            f"offset {offset}, total {total} and {len(chunk)} bytes do not fit together",
            f"0 <= offset < offset + bytes <= total <= {MAX_EVIDENCE_BYTES}",
        )


def another_file(sha256: str) -> ContractError:
    """The chunks of a file do not give that file (MSG-002)."""
    return ContractError(
        Code.MSG_HASH,
        f"blob {sha256}",
        "its chunks give another file",
        "It was thrown away; the box sends it again",
    )


def not_there(sha256: str, where: str) -> StoreError:
    """A file that was asked for is not in the room (EVI-001)."""
    return StoreError(
        Code.EVI_MISSING,
        where,
        f"evidence {sha256[:12]} is not here",
        "Was it archived?",
    )


def cover(pieces: Iterable[tuple[int, int]], total: int) -> list[tuple[int, int, int]] | None:
    """Which pieces make the file.

    Args:
        pieces: offset and length of each, in any order, overlapping as they like.
        total: bytes of the whole.

    Returns:
        Offset, length, and how much of it the pieces before gave already; None: not whole yet.
    """
    position = 0
    parts = []
    for offset, length in sorted(pieces):
        if offset <= position < offset + length:
            parts.append((offset, length, position - offset))
            position = offset + length
    return parts if position == total else None


def _cover(pieces: Path, total: int) -> list[tuple[Path, int]] | None:
    found = {}
    for path in pieces.iterdir():
        start, _, size = path.name.partition("-")
        if size.isdigit():
            found[int(start), int(size)] = path
    parts = cover(found, total)
    return None if parts is None else [(found[start, size], skip) for start, size, skip in parts]
