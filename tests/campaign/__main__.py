"""``python -m tests.campaign``: the delivery campaign; its last line is one JSON object.

Every part runs in a process of its own, from a warm fork, and says on stderr how it went. The
exit status is 1 when anything was lost or doubled, or when the control of the power cuts did
not fail.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.campaign import exact, storm
from tests.campaign.nursery import apart
from tests.campaign.powercut import power_cuts
from tests.campaign.story import story
from tests.campaign.weather import SCENES

Result = dict[str, object]
Scene = Callable[[Path, int, int], Result]
PARTS = ("kills", "syscalls", "power", "disk", "weather", "story")


def main() -> int:
    """Run the parts that were asked for."""
    options = _options()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="gridpatrol-campaign-"))
    total: Result = {"lost": 0, "doubled": 0, "wrong": 0}
    try:
        for name, work in _plan(options):
            place = folder / name.replace(" ", "-").replace(",", "")
            place.mkdir()
            result = apart(lambda work=work, place=place: work(place), folder, place.name)
            print(f"{name}: {json.dumps(result)}", file=sys.stderr, flush=True)
            _add(total, result)
            shutil.rmtree(place)
    except AssertionError as fault:
        print(fault, file=sys.stderr)
        total["failed"] = str(fault).splitlines()[0]
    total |= {"seed": options.seed, "seconds": round(time.monotonic() - began)}
    print(json.dumps(total))
    shutil.rmtree(folder, ignore_errors=True)
    bad = any(total[word] for word in ("lost", "doubled", "wrong"))
    return int(bad or "failed" in total or total.get("control_failed") is False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--offline", type=int, default=200, help="restarts without a broker")
    parser.add_argument("--every", type=int, default=1, help="every n-th use of a system call")
    parser.add_argument("--minutes", type=float, default=60, help="of each part with strace")
    parser.add_argument(
        "--lives", default=",".join(exact.LIVES), help="with strace: platform, or platform rename"
    )
    parser.add_argument("--errors", default="ENOSPC,EIO", help="of the disk")
    parser.add_argument("--cases", type=int, default=30, help="cases in a run that is cut")
    parser.add_argument("--subsets", type=int, default=3, help="random images at each cut")
    parser.add_argument("--weather", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--scene", default="", help="of the weather: those with this in the name")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _plan(o: argparse.Namespace) -> list[tuple[str, Callable[[Path], Result]]]:
    lives = tuple(o.lives.split(","))
    parts: dict[str, list[tuple[str, Callable[[Path], Result]]]] = {
        "kills": [
            ("kills", lambda at: storm.storm(at, o.kills, o.seed)),
            ("offline", lambda at: storm.offline(at, o.offline, o.seed)),
        ],
        "syscalls": [("syscalls", lambda at: exact.kills(at, lives, o.every, o.minutes))],
        "power": [("power", lambda at: power_cuts(at, o.cases, o.subsets, o.seed))],
        "disk": [
            (error, lambda at, error=error: exact.errors(at, error, lives, o.every, o.minutes))
            for error in o.errors.split(",")
        ],
        "weather": [
            (f"weather {name}", partial(_scene, scene, max(least, round(full * o.weather)), o.seed))
            for name, (scene, full, least) in SCENES.items()
            if o.scene in name
        ],
        "story": [("story", lambda _at: story(o.steps, o.seed))],
    }
    return [work for part in o.parts.split(",") for work in parts[part]]


def _scene(scene: Scene, count: int, seed: int, at: Path) -> Result:
    return scene(at, count, seed)


def _add(total: Result, result: Result) -> None:
    """Counts add up; details stay on stderr."""
    for word, value in result.items():
        if word in ("seed", "seconds", "words", "postman", "said", "struck"):
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            total[word] = value
        else:
            total[word] = int(str(total.get(word, 0))) + value


if __name__ == "__main__":
    sys.exit(main())
