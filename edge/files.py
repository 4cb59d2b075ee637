"""Folders as the disk sees them."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk: a new name may be lost at a power cut until then.

    Raises:
        OSError: it cannot be opened or synced.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def own_file(path: Path) -> None:
    """Make a file that only the box's user may read, unless it is there.

    A command under sudo must not leave a file that the box cannot open: root gives it to whom the
    folder belongs.

    Raises:
        OSError: it cannot be made.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.fchown(handle, folder.st_uid, folder.st_gid)
    finally:
        os.close(handle)
