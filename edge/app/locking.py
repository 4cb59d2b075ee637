"""One process for a state folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from edge.errors import Code, StoreError


def lock_state(state: Path) -> IO[str]:
    """Keep others out while the file is open: two processes would open each case twice.

    Raises:
        StoreError: the folder cannot be written, or another process has it (STO-004).
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = (state / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            Code.STO_OPEN,
            str(state),
            f"cannot be written ({error.strerror})",
            "Give box.state_dir a writable folder",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreError(
            Code.STO_LOCKED,
            str(state),
            "another gridpatrol uses this state folder",
            "Stop the other one, or give this one its own box.state_dir",
        ) from error
    return file
