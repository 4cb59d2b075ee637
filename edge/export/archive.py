"""A ZIP of the same bytes for the same files, on the disk whole or not at all.

Nothing is compressed: pictures are already, and the bytes of deflate differ between zlib versions.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.files import sync_folder
from edge.sqlite import as_store_error

_WHEN = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o644 << 16


class Archive:
    """Takes files in; made by :func:`archive`.

    Attributes:
        sums: SHA-256 of every file so far, hex, by name.
    """

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        self._zip = zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED)
        self.sums: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        """Write a file.

        Raises:
            OSError: the disk refused.
        """
        info = zipfile.ZipInfo(name, _WHEN)
        info.create_system, info.external_attr = _UNIX, _MODE
        self._zip.writestr(info, data)
        self.sums[name] = hashlib.sha256(data).hexdigest()

    def finish(self) -> str:
        """Bring it to the disk, still under its temporary name; its SHA-256.

        Raises:
            OSError: the disk refused.
        """
        # The directory begins with what was written last, the listing: a directory that lost its
        # end, to a flipped bit or somebody's hand, must not lose the word on what else there was.
        self._zip.filelist.reverse()
        self._zip.close()
        with self._draft.open("r+b") as file:
            os.fsync(file.fileno())
            return hashlib.file_digest(file, "sha256").hexdigest()

    def abandon(self) -> None:
        """Let go of a file that will not be kept."""
        with suppress(OSError, ValueError):  # it wants to write its directory: no matter
            self._zip.close()


@contextmanager
def archive(path: Path) -> Iterator[Archive]:
    """A ZIP that gets its name when the block ends, readable by its owner only.

    Raises:
        StoreError: the disk refused; nothing is left of it.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        made = Archive(draft)
        try:
            yield made
            draft.replace(path)
            sync_folder(path.parent)
        except BaseException:
            made.abandon()
            raise
    except OSError as error:
        raise as_store_error(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
