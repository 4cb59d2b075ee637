"""Delivered cases go in order, undelivered ones never, shared pictures last."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edge.app.build import while_there_is_room
from edge.cases.draft import CaseDraft
from edge.cases.store import OPEN_CASES
from edge.disk import DiskWatch, Level, Marks
from edge.errors import StoreError
from edge.sqlite import transaction
from edge.telemetry import metrics
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from tests.uploader.test_outbox import receipt
from uploader.contract.messages import ReceiptData, Result
from uploader.housekeeper import Housekeeper
from uploader.keeping import Rules
from uploader.outbox import Counts, Outbox
from uploader.outbox_schema import open_outbox
from uploader.retention import Retention

MB = 2**20


class House:
    """An outbox with a table of cases beside it, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.db"
        self.pictures = folder / "pictures"
        self.now = NOON
        self.outbox = Outbox(self.path, city=CITY, node=NODE, clock=lambda: self.now)
        self.db = open_outbox(self.path)
        self.db.execute("CREATE TABLE cases (case_id TEXT, state TEXT)")
        self.retention = Retention(self.path, open_cases=OPEN_CASES)

    def draft(self, number: int, revision: int = 1) -> CaseDraft:
        """A draft with its pictures laid out as the evidence room does."""
        folder = self.pictures / f"case-{number}" / f"r{revision}"
        draft = make_draft(number, folder, revision=revision, size_bytes=1000)
        (folder / "manifest.json").write_text("{}")
        return draft

    def commit(self, draft: CaseDraft, result: Result | None = "complete") -> None:
        """Enqueue a draft and answer it."""
        with transaction(self.db, self.path) as tx:
            seq = self.outbox.enqueue(tx, draft)
        if result is not None:
            (row,) = (r for r in self.outbox.due(self.now, 99) if r.seq == seq)
            self.outbox.settle(receipt(row, result, at=self.now))
        self.now += timedelta(hours=1)

    def remove_all(self, before: datetime) -> list[str]:
        """The cases that went because they were settled before that, in order."""
        ready = (k for k in self.retention.kept() if k.since is not None and k.since < before)
        asked = [kept.subject for kept in ready]
        return [name for name in asked if self.retention.remove(name, before, short=True)]

    def left(self) -> list[str]:
        """Folders of pictures."""
        return sorted(path.name for path in self.pictures.glob("case-*"))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty one."""
    return House(tmp_path)


def test_oldest_delivered_first_undelivered_never(house: House) -> None:
    """Pending and dead letters stay whatever their age, with every picture."""
    house.commit(house.draft(0), None)
    for number in (1, 2, 3):
        house.commit(house.draft(number))
    house.commit(house.draft(4), "rejected")
    assert house.remove_all(NOON + timedelta(hours=2, minutes=30)) == ["case-1", "case-2"]
    assert house.remove_all(datetime(9999, 1, 1, tzinfo=UTC)) == ["case-3"]
    assert house.left() == ["case-0", "case-4"]
    assert house.outbox.counts() == Counts(pending=1, done=0, dead=1)
    for row in house.outbox.due(house.now, 9):
        assert all(item.path.is_file() for item in row.evidence)


def test_a_case_goes_as_a_whole(house: House) -> None:
    """Not while one revision is undelivered, nor while the case is open."""
    house.commit(house.draft(1))
    house.commit(house.draft(1, revision=2), None)
    house.commit(house.draft(2))
    house.db.execute("INSERT INTO cases VALUES ('case-2', 'open'), ('case-1', 'gone')")
    anytime = datetime(9999, 1, 1, tzinfo=UTC)
    assert house.remove_all(anytime) == []
    house.db.execute("UPDATE cases SET state = 'gone'")
    assert house.remove_all(anytime) == ["case-2"]
    assert house.left() == ["case-1"]


def test_a_shared_picture_survives(house: House) -> None:
    """What another case's row refers to stays until that row goes, then it goes, too."""
    first = house.draft(1)
    house.commit(first)
    second = house.draft(2)
    house.commit(replace(second, evidence=(first.evidence[0], second.evidence[1])), None)
    anytime = datetime(9999, 1, 1, tzinfo=UTC)
    assert house.remove_all(anytime) == ["case-1"]
    assert first.evidence[0].path.is_file()
    assert not first.evidence[1].path.exists()
    (row,) = house.outbox.due(house.now, 9)
    receipt = ReceiptData(
        case_id=None, revision=None, payload_sha256=row.payload_sha256, result="complete",
        missing=(), reason=None, retry_after_s=None, at=house.now,
    )  # fmt: skip
    house.outbox.settle(receipt)
    assert house.remove_all(anytime) == ["case-2"]
    assert not first.evidence[0].path.exists()


def test_interrupted_between_files_and_rows(house: House) -> None:
    """A commit that fails leaves rows that were delivered; the next try ends the work."""
    house.commit(house.draft(1))
    house.db.execute(
        "CREATE TRIGGER no BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    anytime = datetime(9999, 1, 1, tzinfo=UTC)
    with pytest.raises(StoreError):
        house.retention.remove("case-1", anytime)
    assert house.outbox.counts().done == 1
    assert house.left() == ["case-1"]
    assert list((house.pictures / "case-1/r1").glob("*.jpg"))
    house.db.execute("DROP TRIGGER no")
    assert house.remove_all(anytime) == ["case-1"]


def test_numbers_go_on_after_everything_went(house: House) -> None:
    """The platform's account of the sequence has no break."""
    for number in range(3):
        house.commit(house.draft(number))
    house.remove_all(datetime(9999, 1, 1, tzinfo=UTC))
    house.commit(house.draft(9), None)
    assert [row.seq for row in house.outbox.due(house.now, 9)] == [4]


def housekeeper(house: House, free: list[int], **watch: int) -> tuple[Housekeeper, DiskWatch]:
    """A housekeeper on a disk whose free bytes are ``free[0]``."""
    marks = Marks(early=30 * MB, tight=20 * MB, full=10 * MB)
    seen = DiskWatch(house.path.parent, marks, free=lambda: free[0], ticks=lambda: 0.0, **watch)
    house.retention.rules = Rules(days=1.0)
    keeper = Housekeeper(lambda: house.retention, seen, clock=lambda: house.now)
    return keeper, seen


def test_the_order_of_giving_up(house: House) -> None:
    """Early: said. Tight: delivered cases before their time. Full: new drafts refused."""
    for number in range(3):
        house.commit(house.draft(number))
    house.commit(house.draft(3), None)
    free = [100 * MB]
    keeper, watch = housekeeper(house, free)
    keeper.step(house.retention)
    assert (keeper.status().level, len(house.left())) == (Level.OK, 4)
    free[0] = 25 * MB
    keeper.step(house.retention)
    assert (keeper.status().level, len(house.left())) == (Level.EARLY, 4)
    watch.admit()
    before = metrics.RETENTION_REMOVED.labels(what="rows", why="room")._value.get()
    free[0] = 15 * MB
    keeper.step(house.retention)
    assert (keeper.status().level, house.left()) == (Level.TIGHT, ["case-3"])
    assert metrics.RETENTION_REMOVED.labels(what="rows", why="room")._value.get() == before + 3
    watch.admit()
    free[0] = 5 * MB
    keeper.step(house.retention)
    assert (keeper.status().level, house.left()) == (Level.FULL, ["case-3"])
    with pytest.raises(StoreError, match="STO-006"):
        watch.admit()
    free[0] = 10 * MB + 1  # a tenth more is wanted before it is believed
    assert watch.level(fresh=True) is Level.FULL
    free[0] = 100 * MB
    assert watch.level(fresh=True) is Level.OK
    watch.admit()


def test_days_and_quota(house: House) -> None:
    """Old ones go by age; the quota counts as the end of the disk."""
    for number in range(3):
        house.commit(house.draft(number))
    house.now = NOON + timedelta(days=1, hours=1, minutes=30)
    keeper, _watch = housekeeper(house, [10**12])
    keeper.step(house.retention)
    assert house.left() == ["case-2"]
    keeper, watch = housekeeper(house, [10**12], quota_bytes=25 * MB)
    house.commit(house.draft(5), None)
    with sqlite3.connect(house.path) as db:
        db.execute("UPDATE outbox_evidence SET size_bytes = ?", (5 * MB,))
    keeper.step(house.retention)
    assert house.left() == ["case-5"]
    assert watch.level() is Level.TIGHT


def test_when_nothing_may_go_it_is_said_and_nothing_goes(house: House) -> None:
    """STO-008, until there is room again or something may go."""
    house.commit(house.draft(0), None)
    house.commit(house.draft(1))
    keeper, _ = housekeeper(house, free := [15 * MB])
    house.retention.rules = Rules(days=30.0, at_least_days=1.0)
    keeper.step(house.retention)
    stuck = keeper.status().stuck
    assert stuck is not None
    assert str(stuck.code) == "STO-008"
    assert house.left() == ["case-0", "case-1"]
    free[0] = 100 * MB
    keeper.step(house.retention)
    assert keeper.status().stuck is None
    free[0] = 15 * MB
    house.now += timedelta(days=1)
    keeper.step(house.retention)
    assert (keeper.status().stuck, house.left()) == (None, ["case-0"])


def test_clear_originals_are_the_first_thing_not_kept(house: House) -> None:
    """Below the second mark, and counted; the case goes on without."""
    _, watch = housekeeper(house, free := [100 * MB])
    kept: list[str] = []
    keep = while_there_is_room(watch, lambda case_id, *_: kept.append(case_id))
    picture = np.zeros((2, 2, 3), np.uint8)
    keep("case-1", 1, picture, "far")
    free[0] = 15 * MB
    watch.level(fresh=True)
    counter = metrics.STORAGE_REFUSED.labels(what="clear_original")
    before = counter._value.get()
    keep("case-2", 1, picture, "far")
    assert (kept, counter._value.get()) == (["case-1"], before + 1)
