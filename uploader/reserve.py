"""Some bytes of the disk, kept back so that there is room to say what is deleted to make room."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NAME = ".reserve"
_SIZE = 1 << 20
"""Several times what the rows and the link of a removal take."""


class Reserve:
    """A file beside the database that is there only for the room it takes.

    Args:
        folder: where the database lies.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def keep(self) -> None:
        """Take the room, if it is not taken and there is some. Refusals are for the next time."""
        with suppress(OSError):
            if self._path.exists():
                return
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, _SIZE)
            except OSError:
                self._path.unlink()
                raise
            finally:
                os.close(handle)

    def give(self) -> bool:
        """Give the room back; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
