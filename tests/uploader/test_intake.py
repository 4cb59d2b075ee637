"""The platform's store by itself: one effect per message, the same answer every time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cases.draft import CaseDraft
from edge.errors import ContractError
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.contract.build import from_draft, state_event
from uploader.intake import IntakeStore
from uploader.topics import BoxTopics, UpTopic

_BOX = BoxTopics("gridpatrol", CITY, NODE)
_CASE = UpTopic(_BOX, "case")


@pytest.fixture
def store(tmp_path: Path) -> IntakeStore:
    """An empty store."""
    return IntakeStore(tmp_path / "platform", clock=lambda: NOON)


def payload(draft: CaseDraft, seq: int = 1, node: str = NODE) -> bytes:
    """The bytes a box sends."""
    return from_draft(draft, city=CITY, node=node, seq=seq).to_bytes()


def send_files(store: IntakeStore, draft: CaseDraft) -> list[str]:
    """Every file in one chunk; the results of the receipts it brought."""
    results = []
    for item in draft.evidence:
        topic = UpTopic(_BOX, "blob", item.sha256)
        content = item.path.read_bytes()
        for answer in store.take_chunk(topic, 0, len(content), content):
            results.append(answer.receipt.result)
    return results


def refused(folder: Path) -> list[str]:
    """Why messages were refused."""
    db = sqlite3.connect(folder / "platform" / "intake.db")
    return [reason for (reason,) in db.execute("SELECT reason FROM refused ORDER BY id")]


def test_files_after_the_case(store: IntakeStore, tmp_path: Path) -> None:
    """The case is stored, says what it lacks, and the last file brings the final receipt."""
    draft = make_draft(1, tmp_path)
    first = store.take_case(_CASE, payload(draft)).receipt
    assert first.result == "stored"
    assert set(first.missing) == {item.sha256 for item in draft.evidence}
    assert store.untold() == []
    assert send_files(store, draft) == ["complete"]
    assert [case.event.id for case in store.untold()] == ["case-1-r1"]


def test_repeats_get_the_same_answer(store: IntakeStore, tmp_path: Path) -> None:
    """A repeat is counted, answered alike, and not told again, even with the files archived."""
    draft = make_draft(1, tmp_path)
    send_files(store, draft)
    first = store.take_case(_CASE, payload(draft)).receipt
    (case,) = store.untold()
    store.mark_told(case.row)
    for path in case.evidence:
        path.unlink()
    assert store.take_case(_CASE, payload(draft)).receipt == first
    assert first.result == "complete"
    assert store.untold() == []
    counts = store.counts()
    assert (counts.revisions, counts.complete, counts.repeats) == (1, 1, 1)


def test_same_id_with_other_content(store: IntakeStore, tmp_path: Path) -> None:
    """What was stored first stays; the second is refused with its reason and kept."""
    draft = make_draft(1, tmp_path, pictures=0)
    store.take_case(_CASE, payload(draft))
    other = store.take_case(_CASE, payload(replace(draft, score=0.1))).receipt
    assert other.result == "rejected"
    assert "MSG-002" in str(other.reason)
    assert store.take_case(_CASE, payload(draft)).receipt.result == "complete"
    assert [reason[:9] for reason in refused(tmp_path)] == ["[MSG-002]"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data.replace(NODE.encode(), b"box-08"),
        lambda data: b"",
        lambda data: b"\xff" + data,
        lambda data: data.replace(b'"seq":1,', b""),
    ],
)
def test_misfits_are_refused_once(
    store: IntakeStore, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """Broken messages and other boxes' names are refused, kept once, and never stored."""
    message = change(payload(make_draft(1, tmp_path, pictures=0)))
    for _ in range(2):
        receipt = store.take_case(_CASE, message).receipt
        assert receipt.result == "rejected"
        assert "MSG-001" in str(receipt.reason)
    assert store.counts().revisions == 0
    assert len(refused(tmp_path)) == 1


def test_two_boxes_may_use_one_case_id(store: IntakeStore, tmp_path: Path) -> None:
    """Ids are unique per box: another box is no repeat."""
    draft = make_draft(1, tmp_path, pictures=0)
    other = UpTopic(BoxTopics("gridpatrol", CITY, "box-08"), "case")
    store.take_case(_CASE, payload(draft))
    assert store.take_case(other, payload(draft, node="box-08")).receipt.result == "complete"
    assert store.counts().revisions == 2


def test_one_file_completes_several_cases(store: IntakeStore, tmp_path: Path) -> None:
    """A picture two revisions share is needed once."""
    draft = make_draft(1, tmp_path, pictures=1)
    store.take_case(_CASE, payload(draft))
    store.take_case(_CASE, payload(replace(draft, revision=2, status="update"), seq=2))
    assert send_files(store, draft) == ["complete", "complete"]


def test_presence_of_an_old_session_is_ignored(store: IntakeStore) -> None:
    """A Will that comes late does not mark a box that is back as lost."""

    def state(session: int, reason: str) -> bytes:
        made = state_event(CITY, NODE, session=session, at=NOON, version="1", reason=reason)  # type: ignore[arg-type]  # a literal
        return made.to_bytes()

    topic = UpTopic(_BOX, "state")
    assert store.take_state(topic, state(1, "online"))
    assert store.take_state(topic, state(2, "online"))
    assert store.take_state(topic, state(1, "lost")) is None
    assert store.take_state(topic, state(2, "online")) is None
    assert store.take_state(topic, state(2, "lost"))
    with pytest.raises(ContractError):
        store.take_state(topic, b"{}")
