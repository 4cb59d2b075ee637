"""Whatever happens to a box: nothing protected is deleted, nothing is gone unsaid, all is whole.

Real store, outbox, chain, files, holds, housekeeper and rebuilding; only the free space of the
disk and the clock are the story's.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge.app.sealing import Seals, held
from edge.cases.draft import Status
from edge.cases.store import OPEN_CASES
from edge.disk import DiskWatch, Marks
from edge.errors import HoldError
from edge.evidence.chain import links_after, open_chain
from edge.evidence.copies import recover
from edge.evidence.holds import hold_case, hold_days, release
from edge.evidence.removals import removals
from edge.evidence.salvage import is_sealed
from edge.evidence.verify import Verifier
from edge.sqlite import transaction
from tests.evidence.box import SealingBox
from tests.uploader.test_outbox import receipt
from uploader.housekeeper import Housekeeper
from uploader.keeping import Rules
from uploader.rebuild import Rebuilder, lost
from uploader.retention import Retention

MB = 2**20
ZONE = "Asia/Shanghai"
WHO = {"by": "张三", "why": "诉讼"}
RULES = Rules(days=30, by_status={"withdrawn": 10}, at_least_days=2)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Told:
    """What the story knows of a case that is still on the box."""

    revision: int = 0
    open: bool = True
    owed: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    files: dict[Path, bytes] = field(default_factory=dict)


class Keeping(RuleBasedStateMachine):
    """A box over months."""

    happened: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        """An empty box on a disk with room."""
        self.scratch = tempfile.TemporaryDirectory()
        self.state = Path(self.scratch.name) / "state"
        self.free = 100 * MB
        self.cases: dict[int, Told] = {}
        self.ever: dict[Path, int] = {}
        self.holds: dict[int, int | tuple[date, date]] = {}
        self.backup: Path | None = None
        self.numbers = count()
        self.box = SealingBox(self.state)
        self._rooms()

    def _rooms(self) -> None:
        self.seals = Seals(self.box.sealer, self.box.chain, self.box.copies, self.box.folder)
        self.retention = Retention(
            self.box.database, RULES, open_cases=OPEN_CASES, held=held, journal=self.seals
        )
        ticks = count(step=1000)
        watch = DiskWatch(
            self.state,
            Marks(30 * MB, 20 * MB, 10 * MB),
            free=lambda: self.free,
            ticks=lambda: float(next(ticks)),
        )
        self.keeper = Housekeeper(
            lambda: self.retention,
            watch,
            clock=lambda: self.box.now,
            ticks=lambda: float(next(ticks)),
        )

    def _restart(self, damage: Literal["none", "index", "backup"] = "none") -> None:
        now = self.box.now
        self.retention.close()
        self.box.close()
        if damage != "none":
            for path in self.state.glob("gridpatrol.db*"):
                path.unlink()
        if damage == "backup" and self.backup is not None:
            shutil.copy(self.backup, self.state / "gridpatrol.db")
        recovered = recover(self.state / "gridpatrol.db", self.state / "evidence")
        self.box = SealingBox(self.state)
        self.box.now = now
        if lost(self.box.database, self.box.store) or recovered:
            self.happened["rebuilt"] += 1
            done = Rebuilder(
                self.state, self.box.chain, self.box.store, self.box.outbox, clock=lambda: now
            ).run(recovered)
            assert done.faults == []
        self.box.copies.catch_up()
        self.box.copies.mend_folders()
        self._rooms()

    # What the cameras and the platform do.

    @rule(pictures=st.integers(1, 2))
    def open_case(self, pictures: int) -> None:
        """Something new."""
        self.cases[next(self.numbers)] = Told()
        self._commit(max(self.cases), "new", pictures)

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), status=st.sampled_from(["update", "gone", "gone", "withdrawn"]))
    def revise(self, data: st.DataObject, status: Status) -> None:
        """Seen again, gone, or taken back; also what is gone already."""
        number = data.draw(st.sampled_from(sorted(self.cases)))
        if status == "withdrawn":
            self._withdraw(number)
        else:
            self._commit(number, status, 1)

    def _withdraw(self, number: int) -> None:
        """As the desk does: the case stays open, or gone, as it was."""
        was_open = self.cases[number].open
        self._commit(number, "withdrawn", 0)
        record = self.box.store.case(f"case-{number}")
        assert record is not None
        self.box.store.touch(replace(record, state="open" if was_open else "gone"))
        self.cases[number].open = was_open

    def _commit(self, number: int, status: Status, pictures: int) -> None:
        told = self.cases[number]
        told.revision += 1
        draft = self.box.case(number, told.revision, status, pictures)
        told.open = status != "gone"
        told.owed.add(told.revision)
        told.days.add(self.box.now.astimezone(ZoneInfo(ZONE)).date())
        told.files |= {item.path: item.path.read_bytes() for item in draft.evidence}
        self.ever |= {item.path: draft.revision for item in draft.evidence}

    @rule(cases=st.integers(1, 3), last=st.sampled_from(["gone", "gone", "withdrawn"]))
    def whole_lives(self, cases: int, last: Status) -> None:
        """Seen, gone, perhaps taken back, and the platform has all of it."""
        for _ in range(cases):
            self.open_case(1)
            self._commit(max(self.cases), "gone", 1)
            if last == "withdrawn":
                self._withdraw(max(self.cases))
        self._deliver(99, "complete")

    @rule(how_many=st.sampled_from([1, 99]), rejected=st.integers(0, 4))
    def deliver(self, how_many: int, rejected: int) -> None:
        """The platform answers for the oldest letters."""
        self._deliver(how_many, "complete" if rejected else "rejected")

    def _deliver(self, how_many: int, result: Literal["complete", "rejected"]) -> None:
        """A revision is due once the one before it is settled."""
        while due := self.box.outbox.due(self.box.now, min(how_many, 99)):
            for row in due:
                self.box.outbox.settle(receipt(row, result, at=self.box.now))
                told = self.cases[int(row.subject.removeprefix("case-"))]
                told.owed.discard(row.revision)
                if result == "rejected":
                    told.rejected.add(row.revision)
            how_many -= len(due)
            if how_many < 1:
                return

    # What people do.

    @precondition(lambda self: self.cases)
    @rule(data=st.data())
    def hold_one(self, data: st.DataObject) -> None:
        """A case that is here can be held."""
        number = data.draw(st.sampled_from(sorted(self.cases)))
        with closing(open_chain(self.box.database)) as db, transaction(db, self.box.database) as tx:
            self.holds[hold_case(tx, self.box.chain, f"case-{number}", **WHO)] = number
        self.box.copies.catch_up()

    @rule(ago=st.integers(0, 20), long=st.integers(0, 5))
    def hold_some_days(self, ago: int, long: int) -> None:
        """Days, past or to come."""
        last = (self.box.now - timedelta(days=ago)).date()
        days = (last - timedelta(days=long), last)
        with closing(open_chain(self.box.database)) as db, transaction(db, self.box.database) as tx:
            self.holds[hold_days(tx, self.box.chain, days, ZONE, **WHO)] = days
        self.box.copies.catch_up()

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def end_hold(self, data: st.DataObject) -> None:
        """Nobody needs it any more."""
        number = data.draw(st.sampled_from(sorted(self.holds)))
        with closing(open_chain(self.box.database)) as db, transaction(db, self.box.database) as tx:
            release(tx, self.box.chain, number, **WHO)
            with pytest.raises(HoldError):
                release(tx, self.box.chain, number, **WHO)
        del self.holds[number]
        self.box.copies.catch_up()

    # What time and the disk do.

    @rule(hours=st.sampled_from([1, 30, 24 * 9, 24 * 31]))
    def time_passes(self, hours: int) -> None:
        """Hours or a month; then the housekeeper looks."""
        self.box.now += timedelta(hours=hours)
        self._tidy()

    @rule(free=st.sampled_from([5 * MB, 15 * MB, 25 * MB, 100 * MB]))
    def disk(self, free: int) -> None:
        """Fills up, or has room again."""
        self.free = free
        self._tidy()

    @rule()
    def killed_in_a_removal(self) -> None:
        """After a month; decided and signed, and no file deleted yet."""
        self.box.now += timedelta(days=31)

        def die() -> None:
            if list(self.retention._db.execute("SELECT 1 FROM leaving")):
                self.happened["killed"] += 1
                raise Killed

        self.retention.finish = die  # type: ignore[method-assign]
        with suppress(Killed):
            self._step()
        self._restart()
        self._tidy()

    @rule(number=st.integers(0, 9))
    def killed_before_a_commit(self, number: int) -> None:
        """Pictures without a case, and a file that has no name yet."""
        folder = self.box.folder / f"orphan-{number}" / "r1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".far.jpg.part").write_bytes(b"half")
        self._restart()

    @rule()
    def back_up(self) -> None:
        """A copy of the database, as an administrator makes it."""
        self.backup = Path(self.scratch.name) / "backup.db"
        self.backup.unlink(missing_ok=True)
        self.box.store._db.execute("VACUUM INTO ?", (str(self.backup),))

    @rule(damage=st.sampled_from(["index", "index", "backup"]))
    def lose_the_index(self, damage: Literal["index", "backup"]) -> None:
        """The database is gone, or an older one is put back; the box starts."""
        if damage == "backup" and self.backup is None:
            return
        before = {path for told in self.cases.values() for path in told.files}
        self._restart(damage)
        assert all(path.is_file() for path in before)
        with closing(open_chain(self.box.database)) as db:
            rows = db.execute("SELECT subject, revision, state FROM outbox").fetchall()
        for told in self.cases.values():
            told.owed.clear()
            told.rejected.clear()
        for row in rows:
            told = self.cases[int(row["subject"].removeprefix("case-"))]
            if row["state"] != "done":
                {"pending": told.owed, "dead": told.rejected}[row["state"]].add(row["revision"])
        if damage == "index":  # nobody knows any more what was delivered
            for number, told in self.cases.items():
                mine = {r["revision"] for r in rows if r["subject"] == f"case-{number}"}
                assert mine == told.owed, number

    def _tidy(self) -> None:
        for _ in range(20):
            if not self._step():
                return

    def _step(self) -> bool:
        busy = self.keeper.step(self.retention)
        self._forget_what_went()
        return busy

    def _forget_what_went(self) -> None:
        for number, told in list(self.cases.items()):
            gone = [path for path in told.files if not path.exists()]
            if not gone:
                continue
            assert not self._protected(number), f"case-{number} was protected"
            assert len(gone) == len(told.files), "a case goes as a whole"
            del self.cases[number]
            self.happened["removed"] += 1

    def _protected(self, number: int) -> bool:
        told = self.cases[number]
        return bool(told.open or told.owed or told.rejected or self._held(number))

    def _held(self, number: int) -> bool:
        return any(
            hold == number
            if isinstance(hold, int)
            else any(hold[0] <= day <= hold[1] for day in self.cases[number].days)
            for hold in self.holds.values()
        )

    @invariant()
    def nothing_is_gone_unsaid(self) -> None:
        """What is not there was removed by a link; what is protected is there, byte for byte."""
        for number, told in self.cases.items():
            if self._protected(number):
                assert all(path.read_bytes() == data for path, data in told.files.items())
        with closing(open_chain(self.box.database)) as db:
            links = [link for link, _ in links_after(db, 0)]
        by_seq = {link.seq: link.revision for link in links}
        said = {by_seq[seq] for removal in removals(links) for seq in removal.links}
        for path, revision in self.ever.items():
            assert path.exists() or (path.parent.parent.name, revision) in said, path

    @invariant()
    def all_is_whole(self) -> None:
        """As anybody sees it from outside."""
        report = Verifier().check(self.state)
        assert report.findings == []
        assert all(is_sealed(path.parent) for path in self.ever if path.exists())

    def teardown(self) -> None:
        """Let go."""
        with suppress(Exception):
            self.retention.close()
            self.box.close()
        self.scratch.cleanup()


def test_story() -> None:
    """The same stories each time, in which what they are about does happen."""
    Keeping.happened.clear()
    tell(stories=25, steps=25)
    assert all(Keeping.happened[what] > 1 for what in ("removed", "rebuilt", "killed"))


def tell(stories: int, steps: int, *, derandomize: bool = True) -> None:
    """Play stories; ``python -m tests.evidence.test_keeping_story STORIES STEPS``: new ones."""
    chosen = settings(
        max_examples=stories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Keeping, settings=chosen)


if __name__ == "__main__":
    tell(int(sys.argv[1]), int(sys.argv[2]), derandomize=False)
    print(dict(Keeping.happened))
