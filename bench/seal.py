"""What sealing costs, and whether every change of sealed evidence is found and named.

``python -m bench.seal``            cost of sealing and of checking
``python -m bench.seal --tamper N`` N random changes of a chain of 1,000 cases
``python -m bench.seal --flips``    every bit and every length of a small set, in files and database
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from edge.evidence.verify import Verifier
from tests.evidence.box import SealingBox
from tests.evidence.tamper import Tamperer, flip_rows


def cost(folder: Path, cases: int) -> dict[str, float]:
    """Milliseconds a case with and without sealing, by turns, and of a whole check."""
    boxes = {name: SealingBox(folder / name, size_bytes=200_000) for name in ("without", "with")}
    boxes["without"].store._sealing = None
    wall: dict[str, list[float]] = {name: [] for name in boxes}
    cpu: dict[str, list[float]] = {name: [] for name in boxes}
    for number in range(cases):
        for name, box in boxes.items():
            began, spent = time.perf_counter(), time.process_time()
            box.case(number)
            wall[name].append((time.perf_counter() - began) * 1e3)
            cpu[name].append((time.process_time() - spent) * 1e3)
    found = {}
    for what, times in (("wall", wall), ("cpu", cpu)):
        for name in boxes:
            found[f"commit_{name}_{what}_ms"] = round(statistics.median(times[name]), 2)
        extra = [after - before for before, after in zip(*times.values(), strict=True)]
        found[f"sealing_{what}_ms"] = round(statistics.median(extra), 2)
        found[f"sealing_{what}_p95_ms"] = round(statistics.quantiles(extra, n=20)[18], 2)
    for box in boxes.values():
        box.close()
    before = time.perf_counter()
    report = Verifier().check(folder / "with")
    assert not report.findings
    found["verify_ms_per_case"] = round((time.perf_counter() - before) * 1e3 / cases, 2)
    found["link_bytes"] = (folder / "with/evidence/chain.jsonl").stat().st_size // (cases + 1)
    picture = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    picture = cv2.GaussianBlur(picture, (9, 9), 0)
    before = time.perf_counter()
    for _ in range(20):
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    found["jpeg_1080p_ms"] = round((time.perf_counter() - before) * 1e3 / 20, 2)
    return found


def tamper(folder: Path, cases: int, changes: int, seed: int) -> dict[str, object]:
    """Random changes of a chain, each checked and undone."""
    tamperer = _exported(folder, cases, seed)
    before = time.perf_counter()
    tamperer.at_random(changes)
    return _outcome(tamperer, time.perf_counter() - before)


def flips(folder: Path) -> dict[str, object]:
    """Every bit and every length of every file of a case and its chain, every bit of its links."""
    tamperer = _exported(folder, 1, 0)
    before = time.perf_counter()
    for path in tamperer.files:
        for bit in range(path.stat().st_size * 8):
            tamperer.flip(path, bit)
        for size in range(path.stat().st_size):
            tamperer.truncate(path, size)
    done, missed = flip_rows(folder / "state/gridpatrol.db", tamperer.point)
    tamperer.done["flip in the database"] = done
    tamperer.missed += missed
    return _outcome(tamperer, time.perf_counter() - before)


def _exported(folder: Path, cases: int, seed: int) -> Tamperer:
    box = SealingBox(folder / "state")
    for number in range(cases):
        box.case(number)
    point = box.checkpoint()
    box.close()
    shutil.copytree(box.folder, folder / "export/evidence")
    tamperer = Tamperer(folder / "export/evidence", point, seed)
    assert not tamperer.check().findings
    return tamperer


def _outcome(tamperer: Tamperer, seconds: float) -> dict[str, object]:
    assert not tamperer.check().findings, "a change was not undone"
    return {
        "changes": dict(tamperer.done),
        "total": tamperer.done.total(),
        "missed": len(tamperer.missed),
        "examples": tamperer.missed[:5],
        "seconds": round(seconds),
    }


def main() -> int:
    """Print one JSON object; 1 when a change was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tamper", type=int, metavar="N")
    parser.add_argument("--flips", action="store_true")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, object]
        if chosen.flips:
            found = flips(folder)
        elif chosen.tamper:
            found = tamper(folder, chosen.cases, chosen.tamper, chosen.seed)
        else:
            found = dict(cost(folder, min(chosen.cases, 300)))
    print(json.dumps(found, ensure_ascii=False))
    return 1 if found.get("missed") else 0


if __name__ == "__main__":
    sys.exit(main())
