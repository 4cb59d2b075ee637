"""Free memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge.app.memory import Trimmer, trim

_HOLES = """
import numpy as np
from edge.app.memory import trim

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024

np.zeros(1 << 24, np.uint8)[:] = 1  # freed: from now on arrays of this size come from the heap
kept, gone = [], []
for _ in range(200):
    gone.append(np.ones(600_000, np.uint8))
    kept.append(np.ones(60_000, np.uint8))
gone.clear()
before = resident()
trim()
print(before - resident())
"""


@pytest.mark.skipif(not trim(), reason="the C library has no malloc_trim")
def test_what_is_free_between_what_is_kept_goes_back() -> None:
    """In a process of its own: 120 MB are freed, in holes."""
    done = subprocess.run(
        [sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 60


def test_it_stops_whether_it_began_or_not() -> None:
    Trimmer().stop()
    begun = Trimmer(0.01)
    begun.start()
    begun.stop()
    assert not begun._thread.is_alive()
