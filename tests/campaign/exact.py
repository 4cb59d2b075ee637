"""SIGKILL, ENOSPC and EIO at every write-path system call of box and platform, by ``strace``.

Each call name alone, its k-th use (counted by thread, as strace does) for k = 1, 2, … until lives
make no more of them, and at least as many as an unhurt life makes. Three lives: *maker* (evidence,
cases and outbox rows), *uploader* (sends them, settles receipts), *platform* (takes in and answers
whatever is not answered yet). Box and platform keep their disks from run to run, so each life
begins on what the one before it left.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import GridpatrolError
from tests.brokers import start_broker
from tests.campaign import lives
from tests.campaign.ledger import Book, Verdict, judge, lines
from tests.campaign.nursery import Traced, end, spawn

CALLS = ("fsync", "fdatasync", "rename", "write", "mkdir", "ftruncate", "unlink", "pwrite64")
SENDS = ("sendto",)
LIVES = ("maker", "uploader", "platform")
_LIFE_S = 12.0
_SETTLE_S = 120.0
_CASES = 2


@dataclass
class Tally:
    """What was done, and what was wrong.

    Attributes:
        hurt: runs in which the injection struck, by life and call.
        faults: what must not be.
        said: how processes ended or refused, by error, call and word.
    """

    hurt: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)


@dataclass
class Stage:
    """A broker, a box and a platform, and which of the lives is to be hurt."""

    folder: Path
    site: lives.Site
    port: int

    @property
    def intake(self) -> str:
        """The platform's store."""
        return str(self.folder / "platform")

    @property
    def book(self) -> Path:
        """The platform's book."""
        return self.folder / "platform.book"

    def maker(self) -> int:
        """Commit a few revisions; 2: the disk ended it."""
        book = Book(self.site.book)
        try:
            maker = lives.Maker(self.site, time.time_ns(), pictures=(2, 2))
            for _ in range(_CASES):
                try:
                    maker.commit()
                except GridpatrolError as fault:
                    if fault.fatal:
                        raise
                    book.say("refused", str(fault.code))
        except GridpatrolError as fault:
            book.say("fatal" if fault.fatal else "refused", str(fault.code))
            return 2
        return 0

    def uploader(self) -> int:
        """Deliver what is pending."""
        return lives.deliver(self.site)

    def platform(self, cases: int = 0) -> int:
        """Take so many cases in and answer them, or go on until killed."""
        return lives.platform_life(self.intake, self.port, self.book, cases=cases)

    def life(self, name: str) -> tuple[Callable[[], int], list[Callable[[], int | None]]]:
        """One of the three, and what goes on beside it, after new cases for it."""
        cases = 0
        if name != "maker":
            assert self.maker() == 0
            cases = len(lives.committed([self.site]) - lives.answered(Path(self.intake)))
        deliver = lambda: lives.box_life(self.site, 0, make=False)  # noqa: E731
        beside: dict[str, list[Callable[[], int | None]]] = {
            "maker": [],
            "uploader": [self.platform],
            "platform": [deliver],
        }
        works = {
            "maker": self.maker,
            "uploader": self.uploader,
            "platform": lambda: self.platform(cases),
        }
        return works[name], beside[name]

    @contextmanager
    def beside(self, *works: Callable[[], int | None]) -> Iterator[None]:
        """Other lives go on beside, unhurt."""
        pids = [spawn(work, self.folder / "beside.log") for work in works]
        try:
            yield
        finally:
            for pid in pids:
                end(pid)

    def verdict(self) -> Verdict:
        """Let everything be delivered, unhurt, and compare the books."""
        box = lambda: lives.box_life(self.site, 0, make=False)  # noqa: E731
        outbox = self.site.outbox()
        with self.beside(box, self.platform):
            lives.until(lambda: outbox.counts().pending == 0, _SETTLE_S, "everything delivered")
        outbox.close()
        return judge([self.site.book], lives.committed([self.site]), self.book)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage with a real broker."""
    broker = start_broker(folder)
    clock = lives.fast(time.time())
    # What it sends before the platform is there goes nowhere, so it sends again soon.
    site = lives.Site(folder / "box-00", "box-00", broker.port, clock, receipt_timeout_s=0.2)
    site.folder.mkdir()
    try:
        yield Stage(folder, site, broker.port)
    finally:
        broker.stop()


def kills(folder: Path, which: tuple[str, ...], step: int, minutes: float) -> dict[str, object]:
    """SIGKILL at every ``step``-th use of each call; ``which``: lives, or ``maker write``."""
    plan = _plan(which, lambda life: CALLS + (SENDS if life != "maker" else ()))
    return _hurt(folder, "syscall_kills", "signal=SIGKILL", plan, step, minutes)


def errors(
    folder: Path, error: str, which: tuple[str, ...], step: int, minutes: float
) -> dict[str, object]:
    """The call fails instead of ending the process; ``error`` is ENOSPC or EIO."""
    plan = _plan(which, lambda _life: tuple(call for call in CALLS if call != "unlink"))
    return _hurt(folder, error.lower(), f"error={error}", plan, step, minutes)


def _plan(
    which: tuple[str, ...], calls_of: Callable[[str], tuple[str, ...]]
) -> list[tuple[str, str]]:
    every = [(life, call) for life in LIVES for call in calls_of(life)]
    return [(life, call) for life, call in every if {life, f"{life} {call}"} & set(which)]


def _hurt(
    folder: Path, name: str, what: str, plan: list[tuple[str, str]], step: int, minutes: float
) -> dict[str, object]:
    began, tally, left = time.monotonic(), Tally(), list(plan)
    with stage(folder) as here:
        while left and time.monotonic() - began < minutes * 60:
            life, call = left.pop(0)
            _each(here, life, call, what, step, tally)
            print(life, call, tally.hurt[f"{life} {call}"], tally.faults, flush=True)
        verdict = here.verdict()
        total = len(lives.committed([here.site]))
    return {
        name: sum(tally.hurt.values()),
        "committed": total,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "wrong": len(tally.faults) + verdict.wrong,
        "words": tally.faults[:10] + ([] if verdict.clean else [str(verdict)]),
        "struck": dict(tally.hurt),
        "not_reached": len(left),
        "said": dict(sorted(tally.said.items())),
        "seconds": round(time.monotonic() - began, 1),
    }


def _each(here: Stage, life: str, call: str, what: str, step: int, tally: Tally) -> None:
    usual = _usual(here, life, call)
    k, quiet = 1, 0
    while k <= usual or quiet < 2:  # twice: lives are not all alike
        struck = _run(here, life, call, what, k, tally)
        quiet = 0 if struck else quiet + 1
        tally.hurt[f"{life} {call}"] += struck
        k += step


def _usual(here: Stage, life: str, call: str) -> int:
    """Uses of a call by the thread of an unhurt life that makes the most of them."""
    trace = here.folder / "trace"
    for _ in range(2):  # the first clears away what hurt lives have left
        work, beside = here.life(life)
        with here.beside(*beside):
            assert Traced(work, trace, "-e", f"trace={call}").wait(_SETTLE_S) == 0
    begun = [line.split()[0] for line in trace.read_text().splitlines() if f" {call}(" in line]
    return max(Counter(begun).values(), default=0)


def _run(here: Stage, life: str, call: str, what: str, k: int, tally: Tally) -> bool:
    """Whether the injection struck."""
    work, beside = here.life(life)
    trace = here.folder / "trace"
    trace.unlink(missing_ok=True)
    marks = len(lines(here.site.book)), len(lines(here.book))
    with here.beside(*beside):
        inject = ("-e", f"trace={call}", "-e", f"inject={call}:{what}:when={k}")
        status = Traced(work, trace, *inject).wait(_LIFE_S)
    where = f"{life} {call} {k} {what}"
    if what.startswith("signal"):
        struck = status is not None and os.WIFSIGNALED(status)
    else:
        struck = _judge_error(here, where, status, trace, marks, tally)
    if status is None and life == "maker":
        tally.faults.append(f"{where}: did not end")
    tally.faults += [f"{where}: {fault}" for fault in _look(here)]
    return struck


def _judge_error(
    here: Stage, where: str, status: int | None, trace: Path, marks: tuple[int, int], tally: Tally
) -> bool:
    injected = [line for line in trace.read_text().splitlines() if "(INJECTED)" in line]
    if not injected:
        return False
    said = [
        f"{word} {about}"
        for book, mark in zip((here.site.book, here.book), marks, strict=True)
        for word, about in lines(book)[mark:]
        if word in ("fatal", "refused")
    ]
    life, call, _, what = where.split()
    for word in said or ["nothing"]:
        tally.said[f"{what.removeprefix('error=')} {life} {call}: {word}"] += 1
    if "EIO" in what and "sync" in call and not _of_a_folder(injected):
        code = os.WEXITSTATUS(status) if status is not None else None
        if (code, said) != (2, ["fatal STO-007"]):
            tally.faults.append(f"{where}: went on after it ({code}, {said}, {injected})")
    return True


def _of_a_folder(injected: list[str]) -> bool:
    """SQLite passes over an error in syncing the folder of its own database."""
    names = [line.partition("<")[2].partition(">")[0] for line in injected]
    return all(Path(name).is_dir() for name in names)


def _look(here: Stage) -> list[str]:
    """What is wrong on disk right after: both databases whole, every acknowledged case there."""
    found = []
    for path in (here.site.database, here.folder / "platform" / "intake.db"):
        if path.exists() and path.stat().st_size:
            db = sqlite3.connect(path, timeout=10)
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            db.close()
            if said != "ok":
                found.append(f"{path.name}: {said}")
    if here.site.database.exists() and here.site.database.stat().st_size:
        missing = {a for w, a in lines(here.site.book) if w == "committed"}
        missing -= lives.committed([here.site])
        if missing:
            found.append(f"acknowledged and not there: {sorted(missing)}")
    return found
