"""The outbox by itself: atomic with its caller, patient, never forgetful."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import ContractError
from edge.sqlite import open_database, transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.contract.messages import CaseEvent, ReceiptData, Result
from uploader.outbox import SCHEMA, Counts, Outbox, OutboxRow, Settled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database file."""
    return tmp_path / "state.db"


@pytest.fixture
def outbox(path: Path) -> Outbox:
    """An outbox at noon."""
    return Outbox(path, city=CITY, node=NODE, clock=lambda: NOON)


def enqueue(outbox: Outbox, path: Path, *numbers: int) -> None:
    """Commit cases."""
    db = open_database(path, SCHEMA)
    for number in numbers:
        with transaction(db, path) as tx:
            outbox.enqueue(tx, make_draft(number, path.parent, pictures=1))


def receipt(row: OutboxRow, result: Result, **changes: object) -> ReceiptData:
    """An answer to a row."""
    made = ReceiptData(
        case_id=row.subject,
        revision=row.revision,
        payload_sha256=row.payload_sha256,
        result=result,
        missing=(),
        reason=None,
        retry_after_s=None,
        at=NOON,
    )
    return made.model_copy(update=changes)


def test_rolls_back_with_its_caller(outbox: Outbox, path: Path) -> None:
    """No row without the case, and the number is given to the next one."""
    db = open_database(path, SCHEMA + "CREATE TABLE IF NOT EXISTS cases (case_id TEXT)")

    class PowerCutError(Exception):
        pass

    def cut_short() -> None:
        with transaction(db, path) as tx:
            tx.execute("INSERT INTO cases VALUES ('case-1')")
            outbox.enqueue(tx, make_draft(1, path.parent))
            raise PowerCutError

    with pytest.raises(PowerCutError):
        cut_short()
    assert outbox.counts() == Counts(0, 0, 0)
    assert db.execute("SELECT COUNT(*) FROM cases").fetchone()[0] == 0
    assert db.execute("SELECT COUNT(*) FROM outbox_evidence").fetchone()[0] == 0
    with transaction(db, path) as tx:
        assert outbox.enqueue(tx, make_draft(1, path.parent)) == 1


def test_a_draft_that_misfits_is_refused(outbox: Outbox, path: Path) -> None:
    """A draft outside the contract never becomes a row."""
    db = open_database(path, SCHEMA)
    bad = replace(make_draft(1, path.parent), score=1.5)
    with pytest.raises(ContractError, match="MSG-001"), transaction(db, path) as tx:
        outbox.enqueue(tx, bad)
    assert outbox.counts() == Counts(0, 0, 0)


def test_payload_is_made_once(outbox: Outbox, path: Path) -> None:
    """The bytes and their number are the same at every attempt, also after a restart."""
    enqueue(outbox, path, 1)
    first = outbox.due(NOON, 10)[0]
    outbox.postpone(first.seq, timedelta(seconds=5))
    outbox.close()
    again = Outbox(path, city="other", node="other-node").due(NOON + timedelta(minutes=1), 10)[0]
    assert again.payload == first.payload
    assert again.attempts == 1
    assert hashlib.sha256(again.payload).hexdigest() == again.payload_sha256
    assert CaseEvent.model_validate_json(again.payload).seq == first.seq


def test_only_a_complete_receipt_ends_a_row(outbox: Outbox, path: Path) -> None:
    """Stored, retry-after and other people's hashes leave it pending."""
    enqueue(outbox, path, 1)
    row = outbox.due(NOON, 10)[0]
    other = receipt(row, "complete", payload_sha256="0" * 64)
    assert outbox.settle(other).outcome is Settled.UNKNOWN
    assert outbox.settle(receipt(row, "retry_after")).outcome is Settled.WAITING
    missing = (row.evidence[0].sha256,)
    assert outbox.settle(receipt(row, "stored", missing=missing)).outcome is Settled.WAITING
    assert outbox.due(NOON, 10)[0].missing == frozenset(missing)
    assert outbox.settle(receipt(row, "complete")).outcome is Settled.DONE
    assert outbox.settle(receipt(row, "rejected")).outcome is Settled.DONE
    assert outbox.counts() == Counts(pending=0, done=1, dead=0)


def test_rejected_keeps_the_words(outbox: Outbox, path: Path) -> None:
    """A dead letter says why."""
    enqueue(outbox, path, 1)
    row = outbox.due(NOON, 10)[0]
    outbox.settle(receipt(row, "rejected", reason="网格不存在"))
    assert outbox.counts() == Counts(pending=0, done=0, dead=1)
    stored = open_database(path, SCHEMA).execute("SELECT receipt FROM outbox").fetchone()[0]
    assert "网格不存在" in stored


def test_due_in_order_and_after_rest(outbox: Outbox, path: Path) -> None:
    """Longest due first; a resting row does not hold up the next; skipped rows stay out."""
    enqueue(outbox, path, 1, 2, 3)
    outbox.postpone(1, timedelta(seconds=30))
    assert [row.seq for row in outbox.due(NOON, 10)] == [2, 3]
    assert [row.seq for row in outbox.due(NOON, 10, skip=[2])] == [3]
    assert [row.seq for row in outbox.due(NOON + timedelta(seconds=31), 10)] == [2, 3, 1]
    assert [row.seq for row in outbox.due(NOON + timedelta(seconds=31), 1)] == [2]


@pytest.mark.parametrize("result", ["complete", "rejected", "stored"])
def test_revisions_in_order(outbox: Outbox, path: Path, result: Result) -> None:
    """A revision waits for the one before it, but not for that one's lost pictures."""
    db = open_database(path, SCHEMA)
    for revision in (1, 2):
        with transaction(db, path) as tx:
            outbox.enqueue(tx, make_draft(1, path.parent, revision=revision))
    first = outbox.due(NOON, 10)[0]
    assert [row.seq for row in outbox.due(NOON, 10)] == [1]
    outbox.postpone(1, timedelta(seconds=30))
    assert outbox.due(NOON, 10) == []
    outbox.settle(receipt(first, "retry_after"))
    assert outbox.due(NOON, 10) == []
    outbox.settle(receipt(first, result))
    assert [row.seq for row in outbox.due(NOON, 10)] == [2]


@pytest.mark.parametrize("jump", [timedelta(days=-365), timedelta(days=365)])
def test_clock_jumps_do_not_strand_a_row(outbox: Outbox, path: Path, jump: timedelta) -> None:
    """A clock set back by a year does not make a row wait for a year."""
    enqueue(outbox, path, 1)
    outbox.postpone(1, timedelta(days=3))
    assert not outbox.due(NOON + timedelta(minutes=1), 10)
    assert outbox.due(NOON + jump, 10)


def test_session_never_repeats(outbox: Outbox, path: Path) -> None:
    """Sessions grow across restarts."""
    assert [outbox.next_session(), outbox.next_session()] == [1, 2]
    outbox.close()
    assert Outbox(path, city=CITY, node=NODE).next_session() == 3
