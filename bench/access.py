"""What log-in costs: a password, and a request by session against one without log-in.

Run from the repository: ``python -m bench.access``. Medians, over real HTTP on loopback.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from edge.config.console import ConsoleSettings
from edge.console.access.passwords import hashed, matches
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.views import CameraView
from edge.console.web import ConsoleServer
from tests.console.visitor import PASSWORD, Visitor


def main() -> None:
    """Print the figures of ``docs/console.md``."""
    kept = hashed(PASSWORD)
    print(f"a password: {_median_ms(lambda: matches(PASSWORD, kept), 15):.0f} ms")
    for mode in ("local", "login"):
        print(f"/api/status, {mode}: {_status_ms(mode):.1f} ms")


def _status_ms(mode: Literal["local", "login"]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        access = Access(ConsoleSettings(access=mode), Path(folder))
        board = Board("box-01", [CameraView("cam-1", "一号", "One")])
        server = ConsoleServer("127.0.0.1", 0, board, access=access)
        visitor = Visitor(server.start())
        try:
            if mode == "login":
                visitor.log_in(access, "li", "viewer")
            return _median_ms(lambda: visitor.get("/api/status"), 200)
        finally:
            server.stop()


def _median_ms(call: Callable[[], object], count: int) -> float:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


if __name__ == "__main__":
    main()
