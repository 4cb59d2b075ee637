"""The surplus waits: within the quota, in order of priority, over restarts, and nothing is lost."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from typer.testing import CliRunner

from edge.cases.draft import CaseDraft, Status
from edge.cases.taxonomy import Urgency
from edge.cli import app
from edge.sqlite import transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.contract.messages import CaseEvent, ReceiptData, read
from uploader.keeping import Rules
from uploader.letters import Letters
from uploader.outbox import Outbox
from uploader.outbox_schema import open_outbox
from uploader.quota import Quota
from uploader.retention import Retention

ZONE = "Asia/Shanghai"
KINDS = ("street_vending", "piled_materials", "illegal_ads")


def draft_of(
    number: int,
    folder: Path,
    *,
    revision: int = 1,
    status: Status = "new",
    kind: str = "street_vending",
    urgency: Urgency = "normal",
    score: float = 0.9,
    pictures: int = 0,
) -> CaseDraft:
    """A case draft of any priority."""
    draft = make_draft(
        number, folder, revision=revision, status=status, pictures=pictures, size_bytes=50
    )
    return replace(draft, kind=kind, urgency=urgency, score=score)


class Desk:
    """An outbox with a quota and a clock of its own, and the connection of a case store."""

    def __init__(self, folder: Path, quota: Quota | None, now: datetime = NOON) -> None:
        self.folder = folder
        self.path = folder / "gridpatrol.db"
        self.quota = quota
        self.now = now
        self.open()

    def open(self) -> None:
        """Begin, or begin again, from the disk."""
        self.outbox = Outbox(
            self.path, city=CITY, node=NODE, clock=lambda: self.now, quota=self.quota
        )
        self.db = open_outbox(self.path)
        for db in (self.outbox._db, self.db):  # power cuts are the matter of other tests
            db.execute("PRAGMA synchronous=OFF")

    def close(self) -> None:
        """End."""
        self.outbox.close()
        self.db.close()

    def commit(self, draft: CaseDraft) -> None:
        """Commit a revision as the case store does."""
        with transaction(self.db, self.path) as tx:
            self.outbox.enqueue(tx, draft)

    def release(self, room: int = 1000) -> int:
        """What the uploader does at every turn."""
        return self.outbox.waiting.release(room, self.outbox.put)

    def told(self) -> list[tuple[str, int]]:
        """Cases and revisions in the outbox, in the order of their numbers, which have no gap."""
        rows = self.db.execute("SELECT * FROM outbox ORDER BY seq").fetchall()
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        for row in rows:
            event = read(CaseEvent, row["payload"], "row")
            assert (event.seq, event.data.revision) == (row["seq"], row["revision"])
            assert event.to_bytes() == row["payload"]
        return [(row["subject"], row["revision"]) for row in rows]

    def kept(self) -> list[tuple[str, int]]:
        """Cases and revisions that wait, or were gone before their turn."""
        rows = self.db.execute("SELECT subject, revision FROM waiting_letters")
        return [(row["subject"], row["revision"]) for row in rows]


def test_within_the_quota_nothing_waits(tmp_path: Path) -> None:
    """A quiet box is as it was: a case has its number with its commit."""
    desk = Desk(tmp_path, Quota(daily=2))
    desk.commit(draft_of(1, tmp_path))
    desk.commit(draft_of(1, tmp_path, revision=2, status="gone"))
    desk.commit(draft_of(2, tmp_path))
    assert desk.told() == [("case-1", 1), ("case-1", 2), ("case-2", 1)]
    assert desk.outbox.waiting.view().total == 0


def test_the_surplus_waits_for_the_box_s_midnight(tmp_path: Path) -> None:
    """In order: urgent, the configured kinds, the surer, the older; whole cases with all files."""
    quota = Quota(daily=1, time_zone=ZONE, always=(), first=("illegal_ads",))
    desk = Desk(tmp_path, quota)
    desk.commit(draft_of(1, tmp_path))
    desk.commit(draft_of(2, tmp_path, score=0.5))
    desk.commit(draft_of(3, tmp_path, score=0.9, pictures=2))
    desk.commit(draft_of(4, tmp_path, score=0.9))
    desk.commit(draft_of(5, tmp_path, kind="illegal_ads", score=0.4))
    desk.commit(draft_of(6, tmp_path, urgency="urgent", score=0.1))
    desk.commit(draft_of(3, tmp_path, revision=2, status="update", pictures=1))
    view = desk.outbox.waiting.view()
    assert view.by_kind == {"street_vending": 4, "illegal_ads": 1}
    assert (view.oldest_at, view.sent_today) == ("2026-11-24T04:00:00.000Z", 1)
    shelf = Letters(desk.path)
    assert [case.subject for case in shelf.waiting(9, quota)] == [
        f"case-{number}" for number in (6, 5, 3, 4, 2)
    ]
    assert desk.release() == 0
    desk.now = datetime(2026, 11, 24, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert desk.release() == 0
    for number in (6, 5, 3, 4, 2):
        desk.now = (desk.now + timedelta(days=1)).replace(hour=16, minute=0)
        assert desk.release() == 1
        assert desk.told()[-1][0] == f"case-{number}"
    assert desk.told()[3:5] == [("case-3", 1), ("case-3", 2)]
    rows = desk.outbox.due(desk.now, 9)
    assert {row.subject: len(row.evidence) for row in rows}["case-3"] == 2
    assert [row.waited for row in rows if row.subject == "case-1"] == [False]
    assert [row.waited for row in rows if row.subject == "case-2"] == [True]
    assert desk.kept() == []


def test_what_always_goes(tmp_path: Path) -> None:
    """Urgent cases and kinds named so: past the quota, but they take of it."""
    quota = Quota(daily=2, always=("urgent", "piled_materials"))
    desk = Desk(tmp_path, quota)
    desk.commit(draft_of(1, tmp_path))
    desk.commit(draft_of(2, tmp_path, urgency="urgent"))
    desk.commit(draft_of(3, tmp_path))
    desk.commit(draft_of(4, tmp_path, kind="piled_materials"))
    assert [case for case, _ in desk.told()] == ["case-1", "case-2", "case-4"]
    # It has become urgent while it waited.
    desk.commit(draft_of(3, tmp_path, revision=2, status="update", urgency="urgent"))
    assert desk.release() == 1
    assert desk.told()[-2:] == [("case-3", 1), ("case-3", 2)]


def test_what_was_asked_for_takes_a_turn(tmp_path: Path) -> None:
    """Let go together with others it leaves them so much less."""
    desk = Desk(tmp_path, Quota(daily=2))
    for number in range(6):
        desk.commit(draft_of(number, tmp_path))
    Letters(desk.path).release(["case-5"])
    desk.now += timedelta(days=1)
    assert desk.release() == 2
    assert {case for case, _ in desk.told()[2:]} == {"case-5", "case-2"}


def test_gone_before_its_turn(tmp_path: Path) -> None:
    """It is not sent, but counted, listed and kept; seen again it has its old place; asked for, it
    goes whole."""
    desk = Desk(tmp_path, Quota(daily=1, time_zone=ZONE))
    for number in range(4):
        desk.commit(draft_of(number, tmp_path))
    desk.commit(draft_of(1, tmp_path, revision=2, status="gone"))
    desk.commit(draft_of(2, tmp_path, revision=2, status="withdrawn"))
    view = desk.outbox.waiting.view()
    assert (view.total, view.unseen) == (1, 2)
    desk.now += timedelta(days=1)
    assert desk.release() == 1
    assert desk.told()[-1] == ("case-3", 1)
    desk.commit(draft_of(1, tmp_path, revision=3, status="update"))
    desk.commit(draft_of(5, tmp_path))
    desk.now += timedelta(days=1)
    assert desk.release() == 1
    assert desk.told()[-3:] == [("case-1", 1), ("case-1", 2), ("case-1", 3)]
    shelf = Letters(desk.path)
    assert [case.subject for case in shelf.waiting(9, unseen=True)] == ["case-2"]
    assert shelf.release(["case-2", "case-9"]) == ["case-2"]
    assert desk.release() == 1
    assert desk.told()[-2:] == [("case-2", 1), ("case-2", 2)]
    assert shelf.release(None) == ["case-5"]
    assert desk.release() == 1


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person at the box types, and sees."""
    config = tmp_path / "gridpatrol.yaml"
    configs = Path(__file__).parents[2] / "configs"
    text = (configs / "gridpatrol.yaml").read_text()
    text = text.replace("cells: grid.geojson", f"cells: {configs / 'grid.geojson'}")
    config.write_text(text.replace("  # state_dir: state ", f"  state_dir: {tmp_path} "))
    monkeypatch.setenv("CAMERA_PASSWORD", "x")
    desk = Desk(tmp_path, Quota(daily=1))
    for number in range(4):
        desk.commit(draft_of(number, tmp_path))
    desk.commit(draft_of(3, tmp_path, revision=2, status="gone"))

    def gridpatrol(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["outbox", *words, "--config", str(config)])
        return result.exit_code, result.output

    code, said = gridpatrol("waiting")
    assert (code, said.count("case-"), "2 waiting for their turn" in said) == (0, 2, True)
    assert "case-3" in gridpatrol("waiting", "--gone")[1]
    assert gridpatrol("release")[0] == 2
    assert gridpatrol("release", "case-0", "case-3") == (
        1,
        "case-0: does not wait\ncase-3: goes now\n",
    )
    assert gridpatrol("release", "--all") == (0, "case-1: goes now\ncase-2: goes now\n")
    assert desk.release() == 3


def test_hours_are_paced(tmp_path: Path) -> None:
    """Never more in 60 minutes, however fast they come."""
    desk = Desk(tmp_path, Quota(per_hour=2))
    for number in range(5):
        desk.commit(draft_of(number, tmp_path))
        desk.now += timedelta(minutes=10)
    assert len(desk.told()) == 2
    desk.now = NOON + timedelta(minutes=59)
    assert desk.release() == 0
    desk.now = NOON + timedelta(minutes=60)
    assert desk.release() == 1
    desk.now = NOON + timedelta(minutes=75)
    assert desk.release() == 1


def test_a_clock_that_jumps(tmp_path: Path) -> None:
    """A day ahead gives that day's quota and no more; set back, it is not blocked for long."""
    desk = Desk(tmp_path, Quota(daily=2, per_hour=2, time_zone=ZONE))
    for number in range(20):
        desk.commit(draft_of(number, tmp_path))
    desk.now = NOON + timedelta(days=3650)
    assert desk.release() == 2
    for _ in range(10):  # to and fro: each day has its quota once
        desk.now = NOON
        assert desk.release() == 0
        desk.now = NOON + timedelta(days=3650)
        assert desk.release() == 0
    desk.now = NOON + timedelta(days=1)
    assert desk.release() == 2


def test_a_clock_set_back_blocks_for_an_hour(tmp_path: Path) -> None:
    """What went in a future that is none any more counts from now on: neither free nor for ever."""
    desk = Desk(tmp_path, Quota(per_hour=2), NOON + timedelta(days=3650))
    for number in range(4):
        desk.commit(draft_of(number, tmp_path))
    desk.now = NOON
    assert desk.release() == 0
    desk.now += timedelta(minutes=59)
    assert desk.release() == 0
    desk.now += timedelta(minutes=1)
    assert desk.release() == 2


def test_no_quota_any_more(tmp_path: Path) -> None:
    """Switched off, everything that waited goes; a revision of what waits stays behind it."""
    desk = Desk(tmp_path, Quota(daily=1))
    for number in range(3):
        desk.commit(draft_of(number, tmp_path))
    desk.close()
    desk.quota = None
    desk.open()
    desk.commit(draft_of(2, tmp_path, revision=2, status="update"))
    desk.commit(draft_of(3, tmp_path))
    assert desk.release() == 2
    assert desk.told()[-2:] == [("case-2", 1), ("case-2", 2)]


def test_attached_cases_do_not_wait(tmp_path: Path) -> None:
    """The desk has them already: their first revision is an update."""
    desk = Desk(tmp_path, Quota(daily=1))
    desk.commit(draft_of(1, tmp_path))
    desk.commit(draft_of(2, tmp_path, status="update"))
    assert desk.told() == [("case-1", 1), ("case-2", 1)]


def test_what_was_never_seen_goes_by_age(tmp_path: Path) -> None:
    """With its files, once it is over; what waits and what shares a file stays."""
    desk = Desk(tmp_path, Quota(daily=1))
    for number in range(3):
        desk.commit(draft_of(number, tmp_path, pictures=2))
    desk.commit(draft_of(1, tmp_path, revision=2, status="gone"))
    retention = Retention(desk.path, Rules(days=0))
    used = retention.used_bytes()
    assert [(k.subject, k.protected) for k in retention.kept()] == [
        ("case-1", ""), ("case-2", "waiting"), ("case-0", "undelivered"),
    ]  # fmt: skip
    assert retention.remove("case-1", NOON) is None
    assert retention.remove("case-2", NOON + timedelta(days=8)) is None
    removed = retention.remove("case-1", NOON + timedelta(days=8))
    assert removed is not None
    assert (removed.subject, removed.rows, len(removed.files)) == ("case-1", 2, 2)
    assert retention.remove("case-1", NOON + timedelta(days=8)) is None
    assert retention.used_bytes() <= used - 2 * 50
    assert desk.kept() == [("case-2", 1)]
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == [
        "0-1-0.jpg",
        "0-1-1.jpg",
        "2-1-0.jpg",
        "2-1-1.jpg",
    ]


def test_a_dead_line_is_not_fed(tmp_path: Path) -> None:
    """Only as many are let go as have room beside what was never tried."""
    desk = Desk(tmp_path, Quota(daily=1, time_zone=ZONE))
    for number in range(30):
        desk.commit(draft_of(number, tmp_path))
    desk.close()
    desk.quota = Quota(daily=100, time_zone=ZONE)
    desk.open()
    assert desk.release(room=5) == 4
    assert desk.release(room=5) == 0
    for row in desk.outbox.due(desk.now, 2):
        _complete(desk.outbox, row.subject, row.revision, row.payload_sha256)
    assert desk.release(room=5) == 2


def _complete(outbox: Outbox, subject: str, revision: int, sha256: str) -> None:
    receipt = ReceiptData(
        case_id=subject,
        revision=revision,
        payload_sha256=sha256,
        result="complete",
        missing=(),
        reason=None,
        retry_after_s=None,
        at=NOON,
    )
    outbox.settle(receipt)


_DAILY = 4


class Arrivals(RuleBasedStateMachine):
    """Cases of any kind in any order, a clock that does what it likes, restarts."""

    @initialize(hourly=st.sampled_from((None, 3)))
    def begin(self, hourly: int | None) -> None:
        """A box with an empty outbox."""
        self.hourly = hourly or 10**6
        self.scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        quota = Quota(_DAILY, hourly, ZONE, first=("piled_materials", "street_vending"))
        self.desk = Desk(Path(self.scratch.name), quota)
        self.cases: dict[str, CaseDraft] = {}
        self.order: list[str] = []
        self.committed: set[tuple[str, int]] = set()
        self.asked: set[str] = set()
        self.gone_ahead: set[str] = set()
        self.turns: list[datetime] = []
        self.days: Counter[object] = Counter()

    def _after(self, before: list[str]) -> None:
        """Check what a step let go against the rules, told in another way."""
        desk, waiting = self.desk, list(before)
        told = [case for case, revision in desk.told() if revision == 1]
        new = told[len(self.gone_ahead) :]
        now = desk.now
        day = now.astimezone(ZoneInfo(ZONE)).date()
        held = [name for name in waiting if name not in new]
        for name in new:
            draft = self.cases[name]
            if name not in self.asked and draft.urgency != "urgent":
                assert self.days[day] < _DAILY, "more than a day's quota"
                hour = [at for at in self.turns if now - timedelta(hours=1) < at <= now]
                assert len(hour) < self.hourly, "more than an hour's pace"
                assert all(self._rank(name) < self._rank(other) for other in held), "overtaken"
            self.turns.append(now)
            self.days[day] += 1
        self.gone_ahead.update(new)

    def _rank(self, name: str) -> tuple[bool, int, float, int]:
        draft = self.cases[name]
        place = {"piled_materials": 0, "street_vending": 1}.get(draft.kind, 2)
        return (draft.urgency != "urgent", place, -round(draft.score, 1), self.order.index(name))

    def _live(self) -> list[str]:
        """Cases that wait, and are there."""
        return [
            name
            for name, draft in self.cases.items()
            if name not in self.gone_ahead and draft.status in ("new", "update")
        ]

    def _commit(self, draft: CaseDraft) -> None:
        self.desk.commit(draft)
        self.cases[draft.case_id] = draft
        self.committed.add((draft.case_id, draft.revision))
        self._after(self._live())

    @rule(
        kind=st.sampled_from(KINDS),
        urgency=st.sampled_from(("normal", "normal", "normal", "urgent")),
        score=st.sampled_from((0.31, 0.34, 0.5, 0.92)),
        pictures=st.integers(0, 1),
    )
    def commit(self, kind: str, urgency: Urgency, score: float, pictures: int) -> None:
        """A new case."""
        number = len(self.cases)
        self.order.append(f"case-{number}")
        self._commit(
            draft_of(
                number,
                self.desk.folder,
                kind=kind,
                urgency=urgency,
                score=score,
                pictures=pictures,
            )
        )

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), status=st.sampled_from(("update", "gone", "withdrawn")))
    def revise(self, data: st.DataObject, status: Status) -> None:
        """The next revision of any case."""
        draft = data.draw(st.sampled_from(sorted(self.cases.values(), key=lambda d: d.case_id)))
        if draft.status != "withdrawn":
            self._commit(replace(draft, revision=draft.revision + 1, status=status, evidence=()))

    @rule(room=st.integers(1, 6))
    def release(self, room: int) -> None:
        """The uploader's turn, after the platform has answered all there was."""
        for row in self.desk.outbox.due(self.desk.now + timedelta(days=9999), 1000):
            _complete(self.desk.outbox, row.subject, row.revision, row.payload_sha256)
        before = self._live()
        self.desk.release(room)
        self._after(before)

    @precondition(lambda self: self.cases)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """The operator wants one now."""
        name = data.draw(st.sampled_from(self.order))
        shelf = Letters(self.desk.path)
        assert shelf.release([name]) == ([] if name in self.gone_ahead else [name])
        shelf.close()
        self.asked.add(name)

    @rule(
        minutes=st.sampled_from((0, 7, 61, 400, 1000)),
        days=st.sampled_from((0, 0, 0, 0, 1, -1, 400, -400)),
    )
    def time_passes(self, minutes: int, days: int) -> None:
        """The clock moves, sometimes back, sometimes far."""
        self.desk.now += timedelta(minutes=minutes, days=days)

    @rule()
    def restart(self) -> None:
        """The box starts again from its disk."""
        self.desk.close()
        self.desk.open()

    @invariant()
    def nothing_lost_nothing_twice(self) -> None:
        """Every committed revision is in one place, with its case's others."""
        if not hasattr(self, "scratch"):
            return
        told, kept = self.desk.told(), self.desk.kept()
        assert sorted(told + kept) == sorted(self.committed)
        assert not {case for case, _ in told} & {case for case, _ in kept}

    def teardown(self) -> None:
        """With days enough everything that is still there is told; what is gone is kept."""
        if not hasattr(self, "scratch"):
            return
        for _ in range(3 * len(self.cases) + 3):
            self.desk.now += timedelta(days=1)
            self.release(6)
        kept = {case for case, _ in self.desk.kept()}
        assert kept == {
            name
            for name in self.order
            if name not in self.gone_ahead and self.cases[name].status in ("gone", "withdrawn")
        }
        assert self.desk.outbox.waiting.view().unseen == len(kept)
        self.desk.close()
        self.scratch.cleanup()


TestArrivals = Arrivals.TestCase
TestArrivals.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, database=None
)


def test_an_older_file_begins_to_wait(tmp_path: Path) -> None:
    """Rows of the version before stay as they are; new surplus waits behind nothing of them."""
    path = tmp_path / "gridpatrol.db"
    with sqlite3.connect(path) as db:
        db.executescript(Path(__file__).with_name("outbox_v1.sql").read_text())
    db.close()
    desk = Desk(tmp_path, Quota(daily=1))
    desk.commit(draft_of(20, tmp_path))
    desk.commit(draft_of(21, tmp_path))
    numbers = [row["seq"] for row in desk.db.execute("SELECT seq FROM outbox ORDER BY seq")]
    assert numbers == [7, 8, 9, 10]
    assert desk.kept() == [("case-21", 1)]
    payload = desk.db.execute("SELECT payload FROM waiting_letters").fetchone()["payload"]
    assert json.loads(payload)["data"]["case_id"] == "case-21"
