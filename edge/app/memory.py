"""Give memory back that is free: glibc keeps what backgrounds and pictures have left behind.

A camera's learned background takes 5 MB while it is learned and 0.7 MB afterwards; without this the
rest stays with the process (``docs/scaling.md``: 6 MB a patrolled camera instead of 3.5).
"""

from __future__ import annotations

import ctypes
import threading

_EVERY_S = 60.0


class Trimmer:
    """Gives free memory back once a minute, in a thread of its own: it takes milliseconds."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trimmer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; safe to call when it never began."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            trim()


def trim() -> bool:
    """Give back what is free now; False where the C library has no such call (musl, macOS)."""
    call = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if call is None:
        return False
    call(0)
    return True
