"""The delivery machine of ``tests/uploader/test_exactly_once.py``, run long."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.uploader.test_exactly_once import Delivery


def story(steps: int, first_seed: int) -> dict[str, object]:
    """Random steps of box, network and platform until there are enough; each story is judged.

    Raises:
        AssertionError: a story broke a promise; Hypothesis prints the shortest one it finds.
    """
    began, taken, rounds = time.monotonic(), [0], 0
    if Path("/dev/shm").is_dir():  # its disk is not the question here, and every step syncs
        tempfile.tempdir = "/dev/shm"

    class Counted(Delivery):
        def check_invariants(self, *words: object, **named: object) -> None:
            taken[0] += 1
            super().check_invariants(*words, **named)

    many = settings(
        max_examples=max(5, min(200, steps // 60)),
        stateful_step_count=60,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while taken[0] < steps:
        machine = seed(first_seed + rounds)(Counted)
        run_state_machine_as_test(machine, settings=many)
        rounds += 1
    tempfile.tempdir = None
    return {
        "steps": taken[0],
        "rounds": rounds,
        "seed": first_seed,
        "cores": os.cpu_count(),
        "seconds": round(time.monotonic() - began, 1),
    }
