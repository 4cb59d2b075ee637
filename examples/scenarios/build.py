"""Build the labelled video scenarios.

    apt-get install opencv-doc
    python examples/scenarios/build.py --core             # only what may ship
    python examples/scenarios/build.py --data DIR         # everything; DIR: see README.md
    python examples/scenarios/build.py --data DIR --days  # and the days on a street

Same input, same output: every random number is seeded, by the scenario's name.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _demo import SAMPLES
from _film import Scenario, build
from _world import World
from catalogue import DAYS, FIRST, FRESH, SCENARIOS, SEALED, SEALED_DAYS

ROOT = Path(__file__).resolve().parents[2]


SETS = {
    "first": FIRST, "fresh": FRESH, "days": DAYS, "sealed": SEALED, "sealed-days": SEALED_DAYS,
}  # fmt: skip


def with_days(sets: list[str]) -> list[str]:
    """The sets and the days that belong to them: the sealed set has its own."""
    own = ["sealed-days"] if "sealed" in sets else []
    return [*sets, *own, *(["days"] if set(sets) != {"sealed"} else [])]


def chosen(sets: list[str], only: list[str], *, core: bool, desk: bool) -> list[Scenario]:
    """Scenarios by the first letters of their names; those of the desk need its data."""
    every = [scenario for name in sets for scenario in SETS[name]]
    wanted = [s for s in every if s.core or (desk and not core)]
    if only:
        wanted = [s for s in wanted if any(s.name.startswith(name) for name in only)]
    return wanted


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / ".scenarios")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="names or their start"
    )
    parser.add_argument("--core", action="store_true", help="only what may ship")
    parser.add_argument("--days", action="store_true", help="the days on a street, too")
    parser.add_argument(
        "--sets", nargs="*", default=["first", "fresh"], choices=SETS, help="only these sets"
    )
    parser.add_argument("--data", type=Path, help="folder of the desk's data, for the rest")
    parser.add_argument("--list", action="store_true", help="print the README's table and end")
    parser.add_argument("--looks", type=int, help="stop each film after so many looks (a trial)")
    options = parser.parse_args()
    if options.list:
        print(table())
        return
    if not (SAMPLES / "vtest.avi").is_file():
        raise SystemExit(f"{SAMPLES / 'vtest.avi'}: not there; install Debian's opencv-doc")
    sets = dict.fromkeys(with_days(options.sets) if options.days else options.sets)
    wanted = chosen(list(sets), options.only, core=options.core, desk=options.data is not None)
    if not wanted:
        raise SystemExit(
            "no scenario has such a name; --list shows them (some need --data or --days)"
        )
    cv2.setNumThreads(1)
    world = World(options.data)
    for scenario in wanted:
        began = time.perf_counter()
        path = build(scenario, scenario.make(world), options.out, looks=options.looks)
        film = path.with_suffix(".mp4")
        looks = min(options.looks or scenario.looks, scenario.looks)
        kib = film.stat().st_size / looks / 1024
        spent = time.perf_counter() - began
        print(f"{scenario.name:34} {looks:4} looks of {kib:4.0f} KiB  {spent:5.1f} s", flush=True)


def table() -> str:
    """The README's table of scenarios."""
    rows = ["| scenario | split | ships | looks | shows |", "|---|---|---|---|---|"]
    for s in SCENARIOS + DAYS + SEALED + SEALED_DAYS:
        shows = ", ".join(s.tags)
        rows.append(
            f"| `{s.name}` | {s.split} | {'yes' if s.core else 'no'} "
            f"| {s.looks} at {s.cadence_s:g} s | {shows} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
