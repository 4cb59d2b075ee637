"""SIGKILL at random moments of boxes and of the platform, over a real broker."""

from __future__ import annotations

import math
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.brokers import start_broker
from tests.campaign import lives
from tests.campaign.ledger import Verdict, judge
from tests.campaign.nursery import end, spawn

_BOXES = 3
_BOX_LIFE_S = (0.002, 0.5)
_PLATFORM_LIFE_S = (0.01, 1.0)
_SETTLE_S = 900.0
_LONG_LIFE = 0.02
"""Share of lives that last long enough to deliver a good deal."""


@dataclass
class _Slot:
    live: Callable[[int], None]
    log: Path
    bounds_s: tuple[float, float]
    pid: int = 0
    until: float = 0.0

    def begin(self, rng: random.Random) -> None:
        seed = rng.randrange(2**32)
        low, high = self.bounds_s
        life_s = math.exp(rng.uniform(math.log(low), math.log(high)))
        if rng.random() < _LONG_LIFE:
            life_s += 2.0
        self.pid = spawn(lambda: self.live(seed), self.log)
        self.until = time.monotonic() + life_s


def storm(folder: Path, kills: int, seed: int, where: str | None = None) -> dict[str, object]:
    """Kill until the count is reached, let it settle, and judge.

    Args:
        folder: empty.
        kills: SIGKILLs that met a living process.
        seed: of every random choice but the scheduler's.
        where: the platform's store; a folder of its own when None.
    """
    began = time.monotonic()
    broker = start_broker(folder)
    book = folder / "platform.book"
    intake = where or str(folder / "platform")
    clock = lives.fast(time.time())
    sites = [lives.Site(folder / f"box-{n}", f"box-{n}", broker.port, clock) for n in range(_BOXES)]
    for site in sites:
        site.folder.mkdir()
    slots = [_box_slot(site) for site in sites]
    slots.append(
        _Slot(
            lambda _seed: _platform(intake, broker.port, book),
            folder / "platform.log",
            _PLATFORM_LIFE_S,
        )
    )
    done, ended = _rage(slots, kills, random.Random(seed))
    _settle(sites, slots[-1])
    verdict = judge([site.book for site in sites], lives.committed(sites), book)
    broker.stop()
    _check_store(intake, verdict)
    return {
        "kills": done,
        "ended_by_themselves": ended,
        "committed": len(verdict.committed),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "wrong": verdict.wrong,
        "again_before_answer": verdict.again,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
    }


def offline(folder: Path, restarts: int, seed: int) -> dict[str, object]:
    """A box is killed and started again without a broker; when one comes, all is delivered."""
    began, rng = time.monotonic(), random.Random(seed)
    broker = start_broker(folder)
    broker.stop()
    site = lives.Site(folder / "box-0", "box-0", broker.port, lives.fast(time.time()))
    site.folder.mkdir()
    slot = _box_slot(site)
    for _ in range(restarts):
        slot.begin(rng)
        time.sleep(rng.uniform(0.05, 0.6))
        end(slot.pid)
    broker.start()
    book, intake = folder / "platform.book", str(folder / "platform")
    platform = _Slot(lambda _seed: _platform(intake, broker.port, book), folder / "log", (1, 1))
    _settle([site], platform)
    verdict = judge([site.book], lives.committed([site]), book)
    broker.stop()
    _check_store(intake, verdict)
    return {
        "offline_restarts": restarts,
        "committed": len(verdict.committed),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "wrong": verdict.wrong,
        "seconds": round(time.monotonic() - began, 1),
    }


def _box_slot(site: lives.Site) -> _Slot:
    return _Slot(lambda seed: lives.box_life(site, seed), site.folder / "log", _BOX_LIFE_S)


def _platform(intake: str, port: int, book: Path) -> None:
    lives.platform_life(intake, port, book)


def _rage(slots: list[_Slot], kills: int, rng: random.Random) -> tuple[int, int]:
    """Kills done, and children that had ended by themselves (a fault: nobody told them to)."""
    done = ended = 0
    for slot in slots:
        slot.begin(rng)
    while done < kills:
        slot = min(slots, key=lambda s: s.until)
        time.sleep(max(0.0, slot.until - time.monotonic()))
        together = slots if rng.random() < 0.01 else [slot]  # now and then the power of all
        for victim in together:
            if end(victim.pid):
                done += 1
                if done % 1000 == 0:
                    print(f"{done} kills", flush=True)
            else:
                ended += 1
        for victim in together:
            victim.begin(rng)
    for slot in slots:
        end(slot.pid)
    return done, ended


def _settle(sites: list[lives.Site], platform: _Slot) -> None:
    """Nobody is killed any more: everything pending must arrive."""
    pids = [spawn(lambda: platform.live(0), platform.log)]
    for site in sites:
        life = lambda site=site: lives.box_life(site, 0, make=False)  # noqa: E731
        pids.append(spawn(life, site.folder / "log"))
    try:
        lives.until(lambda: not any(map(_pending, sites)), _SETTLE_S, "everything delivered")
    finally:
        for pid in pids:
            end(pid)


def _pending(site: lives.Site) -> int:
    db = sqlite3.connect(f"file:{site.database}?mode=ro", uri=True, timeout=10)
    try:
        query = "SELECT COUNT(*) FROM outbox WHERE state = 'pending'"
        return int(db.execute(query).fetchone()[0])
    finally:
        db.close()


def _check_store(intake: str, verdict: Verdict) -> None:
    """The platform's own store has each revision once, nothing refused, and names no gap."""
    store = lives.open_intake(intake)
    counts = store.counts()
    assert counts.refused == 0, counts
    assert counts.revisions == len(verdict.committed), (counts, len(verdict.committed))
    assert store.gaps() == []
    store.close()
