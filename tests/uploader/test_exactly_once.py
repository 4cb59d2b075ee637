"""Outbox and intake under a hostile network: each revision has one effect, none is missing.

No broker here: the network is a list that drops, doubles and reorders, which no broker can be
asked to do on demand. Everything else is the real thing on a real disk.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

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

from edge.errors import StoreError
from edge.sqlite import open_database, transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.contract.messages import ReceiptData, ReceiptEvent, read
from uploader.intake.records import Answer, StoredCase, Verdict
from uploader.intake.sqlite import SqliteStore
from uploader.lanes import Lane
from uploader.outbox import SCHEMA, Outbox
from uploader.packets import Packet, packets
from uploader.retention import Retention
from uploader.topics import BoxTopics, read_up

_TOPICS = BoxTopics("gridpatrol", CITY, NODE)


class PowerCutError(Exception):
    """The platform's machine goes dark in the middle of a commit."""


class Delivery(RuleBasedStateMachine):
    """A box, a platform, and a network between them that does what it likes."""

    @initialize()
    def begin(self) -> None:
        """Fresh stores."""
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.now = NOON
        self.committed: dict[str, set[str]] = {}
        self.revisions: dict[int, int] = {}
        self.told: list[str] = []
        self.up: list[Packet] = []
        self.down: list[ReceiptData] = []
        self.receipts: dict[str, bytes] = {}
        self.hand: list[StoredCase] = []
        self.removed = 0
        self._open()

    def _open(self) -> None:
        self.path = self.folder / "box" / "state.db"
        self.outbox = Outbox(self.path, city=CITY, node=NODE, clock=self._clock)
        self.db = open_database(self.path, SCHEMA)
        self.retention = Retention(self.path)
        self.intake = SqliteStore(self.folder / "platform", self._clock, self._seconds)

    def _clock(self) -> datetime:
        return self.now

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _close(self) -> None:
        self.outbox.close()
        self.retention.close()
        self.db.close()
        self.intake.close()

    @rule(pictures=st.integers(0, 2), number=st.integers(0, 4))
    def commit(self, pictures: int, number: int) -> None:
        """A new case, or the next revision of a known one."""
        revision = self.revisions.get(number, 0) + 1
        self.revisions[number] = revision
        draft = make_draft(
            number, self.folder / "pictures", revision=revision, pictures=pictures, size_bytes=250
        )
        with transaction(self.db, self.path) as tx:
            self.outbox.enqueue(tx, draft)
        self.committed[f"{draft.case_id}-r{revision}"] = {e.sha256 for e in draft.evidence}

    @rule()
    def send(self) -> None:
        """Everything due goes onto the network."""
        for row in self.outbox.due(self.now, 3):
            self.up.extend(packets(row, _TOPICS, 100, _no_fault))
            self.outbox.postpone(row.seq, timedelta(seconds=5))

    @precondition(lambda self: self.up)
    @rule(data=st.data(), keep=st.booleans())
    def arrive(self, data: st.DataObject, keep: bool) -> None:
        """Any packet arrives, perhaps to arrive again later."""
        index = data.draw(st.integers(0, len(self.up) - 1))
        packet = self.up[index] if keep else self.up.pop(index)
        self._take(packet)

    @precondition(lambda self: self.up)
    @rule(data=st.data(), count=st.integers(2, 5), power_cut=st.booleans())
    def arrive_together(self, data: st.DataObject, count: int, power_cut: bool) -> None:
        """Packets share a commit, or are lost with it: no receipt of it goes out then."""
        before = dict(self.receipts)
        down = list(self.down)
        with suppress(PowerCutError), self.intake.together():
            for _ in range(min(count, len(self.up))):
                self._take(self.up.pop(data.draw(st.integers(0, len(self.up) - 1))))
            if power_cut:
                raise PowerCutError
        if power_cut:
            self.receipts, self.down = before, down

    @rule(lane=st.sampled_from(Lane), boundary=st.integers(0, 12))
    def send_lane(self, lane: Lane, boundary: int) -> None:
        """One row of one lane goes onto the network."""
        for row in self.outbox.due(self.now, 1, lane=lane, boundary=boundary):
            assert (row.seq > boundary) == (lane is Lane.LIVE)
            self.up.extend(packets(row, _TOPICS, 100, _no_fault))
            self.outbox.postpone(row.seq, timedelta(seconds=5))

    @rule()
    def tidy(self) -> None:
        """A delivered case goes from the box; what is undelivered keeps its pictures."""
        oldest = next((kept.subject for kept in self.retention.kept() if not kept.protected), "")
        gone = self.retention.remove(oldest, datetime(9999, 1, 1, tzinfo=UTC))
        self.removed += gone.rows if gone else 0

    @precondition(lambda self: self.up)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """Any packet is lost."""
        self.up.pop(data.draw(st.integers(0, len(self.up) - 1)))

    @precondition(lambda self: self.down)
    @rule(data=st.data(), keep=st.booleans(), lose=st.booleans())
    def receipt(self, data: st.DataObject, keep: bool, lose: bool) -> None:
        """Any receipt arrives, is lost, or arrives twice."""
        index = data.draw(st.integers(0, len(self.down) - 1))
        found = self.down[index] if keep else self.down.pop(index)
        if not lose:
            self.outbox.settle(found)

    @rule(seconds=st.integers(-100, 100))
    def time_passes(self, seconds: int) -> None:
        """The clock moves, sometimes back."""
        self.now += timedelta(seconds=seconds)

    @rule(hold_s=st.integers(0, 50))
    def offer(self, hold_s: int) -> None:
        """The application gets what is complete; perhaps twice, when its hold ends."""
        self.hand.extend(self.intake.claim("me", 3, hold_s))

    @precondition(lambda self: self.hand)
    @rule(data=st.data(), forget=st.booleans())
    def accept(self, data: st.DataObject, forget: bool) -> None:
        """It accepts any of them, or dies with it in hand."""
        case = self.hand.pop(data.draw(st.integers(0, len(self.hand) - 1)))
        if not forget:
            self._accept(case)

    @rule()
    def restart(self) -> None:
        """Both ends start again from their disks."""
        self._close()
        self._open()
        self.hand.clear()

    @invariant()
    def nothing_twice(self) -> None:
        """No revision is told twice, and none that was never committed."""
        assert len(self.told) == len(set(self.told))
        assert set(self.told) <= set(self.committed)

    @invariant()
    def done_means_received(self) -> None:
        """A row is done only when the platform holds the revision with all its files."""
        counts = self.outbox.counts()
        assert counts.done <= len(self.told)
        assert counts.pending + counts.done + self.removed == len(self.committed)

    def teardown(self) -> None:
        """Once the network heals, everything is there exactly once."""
        if not hasattr(self, "scratch"):
            return
        for _ in range(20 + len(self.committed)):  # three rows at a time
            if not self.outbox.counts().pending:
                break
            self.now += timedelta(minutes=10)
            self.send()
            while self.up:
                self._take(self.up.pop(0))
            for case in self.intake.claim("me", 100, 0):
                self._accept(case)
            while self.down:
                self.outbox.settle(self.down.pop(0))
        assert self.outbox.counts().pending == 0
        assert sorted(self.told) == sorted(self.committed)
        assert self.intake.counts().refused == 0
        assert self.intake.gaps() == []
        self._close()
        self.scratch.cleanup()

    def _take(self, packet: Packet) -> None:
        topic = read_up(packet.topic)
        assert topic is not None
        if topic.what == "case":
            taken = self.intake.take(topic, packet.payload)
        else:
            offset, total = int(packet.user["offset"]), int(packet.user["total"])
            taken = self.intake.take_chunk(topic, offset, total, packet.payload)
        for answer in taken.answers:
            self._answered(answer)

    def _accept(self, case: StoredCase) -> None:
        """The application's effect is keyed by the id, as the library asks for."""
        wanted = {item.sha256 for item in case.event.data.evidence}
        assert wanted == self.committed[case.event.id]
        for sha256 in wanted:
            assert hashlib.sha256(self.intake.blobs.read(sha256)).hexdigest() == sha256
        if case.event.id not in self.told:
            self.told.append(case.event.id)
        self._answered(self.intake.settle(case.row, Verdict("complete")))

    def _answered(self, answer: Answer) -> None:
        """A receipt goes out; the last word on a message is always the same bytes."""
        data = read(ReceiptEvent, answer.payload, "receipt").data
        if data.result == "complete":
            first = self.receipts.setdefault(data.payload_sha256, answer.payload)
            assert answer.payload == first
        self.down.append(data)


def _no_fault(fault: StoreError) -> None:
    raise fault


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, database=None
)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_steps() -> None:
    """The same machine until it has taken so many steps; says how many it was."""
    from tests.campaign.story import story  # it imports the machine

    print(story(100_000, random.SystemRandom().randrange(10**6)))
