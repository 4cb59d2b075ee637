"""The delivery machine of ``tests/uploader/test_exactly_once.py``, run long.

On tmpfs: each step ends in syncs, and a disk that forgets or fails is the matter of other parts
(``power``, ``disk``). What this part is about, the order of steps, does not depend on it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from tests.uploader.test_exactly_once import Delivery

_STORIES = 200
_LONGEST = 60


def story(steps: int, first_seed: int) -> dict[str, object]:
    """Random steps of box, network and platform until there are enough; each story is judged.

    Args:
        steps: rules taken and judged, those that begin and end a story not counted.
        first_seed: of the first round of stories; each next round adds one.

    Raises:
        AssertionError: a story broke a promise; Hypothesis prints the shortest one it finds, and
            the line before it the seed of the round.
    """
    began, taken, rounds = time.monotonic(), Counter[str](), 0

    class Counted(Delivery):
        @invariant()
        def one_more(self) -> None:
            taken["steps"] += 1

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "committed"):
                taken["steps"] -= 1  # its beginning is judged too, and is none
                taken["stories"] += 1
                taken["story_revisions"] += len(self.committed)

    many = settings(
        max_examples=max(5, min(_STORIES, steps // _LONGEST)),
        stateful_step_count=_LONGEST,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    if Path("/dev/shm").is_dir():
        tempfile.tempdir = "/dev/shm"
    try:
        while taken["steps"] < steps:
            print(f"{taken['steps']} steps; seed {first_seed + rounds}", file=sys.stderr)
            run_state_machine_as_test(seed(first_seed + rounds)(Counted), settings=many)
            rounds += 1
    finally:
        tempfile.tempdir = None
    return {
        **taken,
        "story_rounds": rounds,
        "seed": first_seed,
        "seconds": round(time.monotonic() - began, 1),
    }
