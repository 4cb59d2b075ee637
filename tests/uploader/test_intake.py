"""The platform's store by itself: one effect per message, the same answer every time."""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.cases.draft import CaseDraft, Seal
from edge.errors import ContractError, StoreError
from tests.uploader.helpers import CITY, NODE, NOON, MakeStore, make_draft
from uploader.contract.build import from_draft, reply_event, state_event
from uploader.contract.messages import BilingualText, ReceiptData, ReceiptEvent, ReplyData, read
from uploader.intake import ranges
from uploader.intake.events import GapClosed, GapFound, GapWatch
from uploader.intake.records import Gap, Taken, Verdict
from uploader.intake.store import IntakeStore
from uploader.topics import BoxTopics, UpTopic

_BOX = BoxTopics("gridpatrol", CITY, NODE)
_CASE = UpTopic(_BOX, "case")
_ME = "worker-1"
_ACCEPT = Verdict("complete")


@pytest.fixture
def store(make_store: MakeStore) -> Iterator[IntakeStore]:
    """An empty store."""
    made = make_store(lambda: NOON)
    yield made
    made.close()


def payload(draft: CaseDraft, seq: int = 1, node: str = NODE) -> bytes:
    """The bytes a box sends."""
    return from_draft(draft, city=CITY, node=node, seq=seq).to_bytes()


def said(taken: Taken) -> list[ReceiptData]:
    """The receipts that go out."""
    return [read(ReceiptEvent, made.payload, "receipt").data for made in taken.answers]


def results(taken: Taken) -> list[str]:
    """Their results."""
    return [receipt.result for receipt in said(taken)]


def send_files(store: IntakeStore, draft: CaseDraft) -> list[Taken]:
    """Every file in one chunk."""
    found = []
    for item in draft.evidence:
        content = item.path.read_bytes()
        topic = UpTopic(_BOX, "blob", item.sha256)
        found.append(store.take_chunk(topic, 0, len(content), content))
    return found


def accept_all(store: IntakeStore, worker: str = _ME) -> list[str]:
    """Claim and accept until nothing is left; the ids."""
    ids = []
    while claimed := store.claim(worker, 10, 30):
        for case in claimed:
            store.settle(case.row, _ACCEPT)
            ids.append(case.event.id)
    return ids


def test_files_after_the_case(store: IntakeStore, tmp_path: Path) -> None:
    """Stored, saying what it lacks; ready with the last file; complete once it is accepted."""
    draft = make_draft(1, tmp_path)
    (first,) = said(store.take(_CASE, payload(draft)))
    assert first.result == "stored"
    assert set(first.missing) == {item.sha256 for item in draft.evidence}
    assert store.claim(_ME, 10, 30) == []
    assert [taken.ready for taken in send_files(store, draft)] == [False, True]
    (case,) = store.claim(_ME, 10, 30)
    assert case.event.id == "case-1-r1"
    for item in draft.evidence:
        assert store.blobs.read(item.sha256) == item.path.read_bytes()
    receipt = read(ReceiptEvent, store.settle(case.row, _ACCEPT).payload, "receipt").data
    assert (receipt.result, receipt.case_id, receipt.revision) == ("complete", "case-1", 1)


def test_no_receipt_before_the_application_has_answered(store: IntakeStore, tmp_path: Path) -> None:
    """A repeat meanwhile hears that it is stored and lacks nothing, in the same bytes."""
    message = payload(make_draft(1, tmp_path, pictures=0))
    assert store.take(_CASE, message).answers == ()
    first = store.take(_CASE, message)
    assert results(first) == ["stored"]
    assert said(first)[0].missing == ()
    assert store.take(_CASE, message).answers == first.answers


def test_repeats_get_the_first_receipt_byte_for_byte(store: IntakeStore, tmp_path: Path) -> None:
    """Also after the verdict was given twice; nothing is offered again."""
    draft = make_draft(1, tmp_path)
    send_files(store, draft)
    store.take(_CASE, payload(draft))
    (case,) = store.claim(_ME, 10, 30)
    first = store.settle(case.row, _ACCEPT)
    assert store.settle(case.row, Verdict("rejected", "changed my mind")) == first
    assert store.take(_CASE, payload(draft)).answers == (first,)
    assert store.claim(_ME, 10, 30) == []
    counts = store.counts()
    assert (counts.revisions, counts.complete, counts.repeats) == (1, 1, 1)


def test_a_rejection_is_the_applications_word(store: IntakeStore, tmp_path: Path) -> None:
    """It goes out with its reason, at every repeat."""
    message = payload(make_draft(1, tmp_path, pictures=0))
    store.take(_CASE, message)
    (case,) = store.claim(_ME, 10, 30)
    first = store.settle(case.row, Verdict("rejected", "unknown grid cell"))
    again = store.take(_CASE, message)
    assert again.answers == (first,)
    assert said(again)[0].reason == "unknown grid cell"


def test_a_rejected_message_sent_again_later_is_offered_again(
    make_store: MakeStore, tmp_path: Path
) -> None:
    """The cause was put right and the box told to resend: the application is asked anew."""
    store = make_store(reconsider_s=0.0)
    message = payload(make_draft(1, tmp_path, pictures=0))
    store.take(_CASE, message)
    (case,) = store.claim(_ME, 10, 30)
    store.settle(case.row, Verdict("rejected", "unknown grid cell"))
    assert store.take(_CASE, message) == Taken(ready=True)
    assert accept_all(store) == ["case-1-r1"]
    assert results(store.take(_CASE, message)) == ["complete"]
    store.close()


def test_later_offers_it_again(store: IntakeStore, tmp_path: Path) -> None:
    """The box is told to wait; the store offers it when the time has come."""
    store.take(_CASE, payload(make_draft(1, tmp_path, pictures=0)))
    (case,) = store.claim(_ME, 10, 30)
    made = store.settle(case.row, Verdict("retry_after", None, 3600))
    assert said(Taken((made,)))[0].retry_after_s == 3600
    assert store.claim(_ME, 10, 30) == []
    store.take(_CASE, payload(make_draft(2, tmp_path, pictures=0), seq=2))
    (other,) = store.claim(_ME, 10, 30)
    store.settle(other.row, Verdict("retry_after", None, 0))
    assert [case.event.id for case in store.claim(_ME, 10, 30)] == ["case-2-r1"]


def test_what_a_worker_has_in_hand_no_other_gets(
    store: IntakeStore, make_store: MakeStore, tmp_path: Path
) -> None:
    """Until its hold ends, or it gives back; and a living worker renews its hold."""
    other = make_store()
    for number in range(3):
        store.take(_CASE, payload(make_draft(number, tmp_path, pictures=0), seq=number + 1))
    mine = store.claim(_ME, 2, 0.0)
    assert [case.event.id for case in mine] == ["case-0-r1", "case-1-r1"]
    store.hold(_ME, 60.0)
    assert [case.event.id for case in other.claim("other", 9, 60.0)] == ["case-2-r1"]
    store.release(_ME)
    assert len(other.claim("other", 9, 0.0)) == 2
    time.sleep(0.05)  # the two connections may read the same moment
    assert len(store.claim(_ME, 9, 60.0)) == 2, "the hold of the other was over at once"
    other.close()


def test_revisions_are_offered_one_after_the_other(store: IntakeStore, tmp_path: Path) -> None:
    """In order of revision, also when they came the other way round."""
    for seq, revision in enumerate((2, 1, 3), start=1):
        draft = make_draft(1, tmp_path, revision=revision, status="update", pictures=0)
        store.take(_CASE, payload(draft, seq))
    assert len(store.claim(_ME, 10, 0.0)) == 1
    assert accept_all(store) == ["case-1-r1", "case-1-r2", "case-1-r3"]


def test_a_revision_waits_for_the_files_of_the_one_before(
    store: IntakeStore, tmp_path: Path
) -> None:
    """What is complete does not overtake what is not: nothing is gone before it was new.

    Found by the campaign: a disk error between the files of revision 1 and its row.
    """
    first = make_draft(1, tmp_path)
    last = make_draft(1, tmp_path, revision=2, status="gone", pictures=0)
    store.take(_CASE, payload(first, 1))
    store.take(_CASE, payload(last, 2))
    assert accept_all(store) == []
    send_files(store, first)
    assert accept_all(store) == ["case-1-r1", "case-1-r2"]


def test_same_id_with_other_content(store: IntakeStore, tmp_path: Path) -> None:
    """What was stored first stays; the second is refused with its reason, once."""
    draft = make_draft(1, tmp_path, pictures=0)
    store.take(_CASE, payload(draft))
    other = store.take(_CASE, payload(replace(draft, score=0.1)))
    assert results(other) == ["rejected"]
    assert "MSG-002" in str(other.refused)
    assert accept_all(store) == ["case-1-r1"]
    assert results(store.take(_CASE, payload(draft))) == ["complete"]
    assert store.counts().refused == 1


def test_a_rebuilt_outbox_sends_the_same_seal_under_another_number(
    store: IntakeStore, tmp_path: Path
) -> None:
    """The same sealed revision: nothing is told twice, and the answer is for the new bytes."""
    seal = Seal(7, "ab" * 32, '{"kind":"case"}')
    draft = replace(make_draft(1, tmp_path, pictures=1), seal=seal)
    first, again = payload(draft, 5), payload(draft, 1)
    (lacking,) = said(store.take(_CASE, first))
    (still,) = said(store.take(_CASE, again))
    assert (lacking.result, still.result) == ("stored", "stored")
    assert still.missing == lacking.missing != ()
    assert still.payload_sha256 == hashlib.sha256(again).hexdigest()
    send_files(store, draft)
    assert accept_all(store) == ["case-1-r1"]
    for sent in (again, first, again):
        (done,) = said(store.take(_CASE, sent))
        assert (done.result, done.case_id, done.revision) == ("complete", "case-1", 1)
        assert done.payload_sha256 == hashlib.sha256(sent).hexdigest()
    assert accept_all(store) == []
    assert store.counts().refused == 0
    other = payload(replace(draft, seal=replace(seal, sha256="cd" * 32)), 2)
    assert results(store.take(_CASE, other)) == ["rejected"]


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
    first = store.take(_CASE, message)
    assert "MSG-001" in str(said(first)[0].reason)
    assert store.take(_CASE, message) == replace(first, refused=None), "told once"
    counts = store.counts()
    assert (counts.revisions, counts.refused) == (0, 1)


def test_two_boxes_may_use_one_case_id(store: IntakeStore, tmp_path: Path) -> None:
    """Ids are unique per box: another box is no repeat."""
    draft = make_draft(1, tmp_path, pictures=0)
    other = UpTopic(BoxTopics("gridpatrol", CITY, "box-08"), "case")
    store.take(_CASE, payload(draft))
    store.take(other, payload(draft, node="box-08"))
    assert store.counts().revisions == 2
    assert [case.box.name for case in store.claim(_ME, 9, 30)] == [
        f"{CITY}/{NODE}",
        f"{CITY}/box-08",
    ]


def test_one_file_completes_several_cases(store: IntakeStore, tmp_path: Path) -> None:
    """A picture two revisions share is needed once."""
    draft = make_draft(1, tmp_path, pictures=1)
    store.take(_CASE, payload(draft))
    store.take(_CASE, payload(replace(draft, revision=2, status="update"), seq=2))
    send_files(store, draft)
    assert accept_all(store) == ["case-1-r1", "case-1-r2"]


def test_any_worker_completes_what_others_began(
    store: IntakeStore, make_store: MakeStore, tmp_path: Path
) -> None:
    """The chunks of one file, spread over two workers in any order, twice."""
    other = make_store()
    draft = make_draft(1, tmp_path, pictures=1, size_bytes=10_000)
    store.take(_CASE, payload(draft))
    content = draft.evidence[0].path.read_bytes()
    pieces = [(start, content[start : start + 1000]) for start in range(0, 10_000, 1000)] * 2
    random.Random(1).shuffle(pieces)
    topic = UpTopic(_BOX, "blob", draft.evidence[0].sha256)
    for number, (start, piece) in enumerate(pieces):
        (store, other)[number % 2].take_chunk(topic, start, len(content), piece)
    assert store.blobs.read(topic.sha256) == content
    assert accept_all(other) == ["case-1-r1"]
    other.close()


def test_chunks_of_another_file_are_thrown_away(store: IntakeStore) -> None:
    """And the right ones still work."""
    content = random.Random(2).randbytes(1000)
    topic = UpTopic(_BOX, "blob", hashlib.sha256(content).hexdigest())
    store.take_chunk(topic, 0, 1000, content[:500])
    with pytest.raises(ContractError, match="MSG-002"):
        store.take_chunk(topic, 500, 1000, b"x" * 500)
    with pytest.raises(ContractError, match="MSG-002"):
        store.take_chunk(topic, 0, 3, b"abc")
    with pytest.raises(ContractError, match="MSG-001"):
        store.take_chunk(topic, 900, 1000, content[:500])
    with pytest.raises(StoreError, match="EVI-001"):
        store.blobs.read(topic.sha256)
    store.take_chunk(topic, 0, 1000, content)
    assert store.blobs.read(topic.sha256) == content


def test_a_reply_is_settled_with_its_files(store: IntakeStore, tmp_path: Path) -> None:
    """It needs no word from the application, and its receipt names the request."""
    draft = make_draft(1, tmp_path, pictures=1)
    evidence = from_draft(draft, city=CITY, node=NODE, seq=1).data.evidence
    data = ReplyData(
        request_id=str(uuid.uuid4()),
        action="verify",
        result="gone",
        reason=BilingualText(zh="已消失", en="gone"),
        looks=(),
        evidence=evidence,
        at=NOON,
        box_id=NODE,
    )
    message = reply_event(data, city=CITY, node=NODE, seq=7).to_bytes()
    topic = UpTopic(_BOX, "reply")
    assert results(store.take(topic, message)) == ["stored"]
    assert store.reply(data.request_id) is None
    (taken,) = send_files(store, draft)
    assert taken.replies == (data.request_id,)
    assert said(taken)[0].request_id == data.request_id
    assert store.take(topic, message).answers == taken.answers
    assert store.reply(data.request_id) == (_BOX, message)
    assert store.claim(_ME, 10, 30) == []


@pytest.mark.parametrize(
    ("seen", "missing"),
    [
        ([], []),
        ([1, 2, 3], []),
        ([3, 1, 2], []),
        ([1, 5], [(2, 4)]),
        ([4, 9, 6], [(1, 3), (5, 5), (7, 8)]),
        ([2, 2**63 - 1], [(1, 1), (3, 2**63 - 2)]),
        ([1, 3, 3, 5, 4, 2], []),
    ],
)
def test_every_gap_is_named_exactly(
    store: IntakeStore, tmp_path: Path, seen: list[int], missing: list[tuple[int, int]]
) -> None:
    """Whatever the order; a number refused is not missing."""
    for place, seq in enumerate(seen):
        store.take(_CASE, payload(make_draft(place, tmp_path, pictures=0), seq))
    assert store.gaps() == [Gap(f"{CITY}/{NODE}", first, last) for first, last in missing]


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seen=st.lists(st.integers(1, 30), max_size=25))
def test_gaps_are_what_a_set_would_say(store: IntakeStore, seen: list[int]) -> None:
    """Against the obvious way to count."""
    box = BoxTopics("gridpatrol", CITY, uuid.uuid4().hex)
    for seq in seen:
        with store._db.transaction() as sql:
            ranges.note(sql, box, seq)
    expected = set(range(1, max(seen, default=0))) - set(seen)
    found = [gap for gap in store.gaps() if gap.box == box.name]
    assert {n for gap in found for n in range(gap.first, gap.last + 1)} == expected
    assert all(a.last + 1 < b.first for a, b in pairwise(found))


def test_a_refused_message_leaves_no_gap(store: IntakeStore, tmp_path: Path) -> None:
    """It came; it was only not liked."""
    draft = make_draft(1, tmp_path, pictures=0)
    store.take(_CASE, payload(draft, 1))
    store.take(_CASE, payload(replace(draft, score=0.1), 2))
    store.take(_CASE, payload(make_draft(2, tmp_path, pictures=0), 3))
    assert store.gaps() == []


def test_gaps_are_told_once_they_stay() -> None:
    """A late message is none; what is left of a gap is as old as the gap."""
    watch, gap = GapWatch(10), Gap("c/box-1", 17, 19)
    assert watch.look([gap], 0) == []
    assert watch.look([gap], 9) == []
    assert watch.look([gap], 10) == [GapFound(gap)]
    assert watch.look([gap], 11) == []
    rest = Gap("c/box-1", 17, 17)
    assert watch.look([rest], 12) == [GapClosed(gap), GapFound(rest)]
    assert watch.look([], 13) == [GapClosed(rest)]
    assert str(gap) == "box c/box-1: seq 17–19 missing"


def test_presence_of_an_old_session_is_ignored(store: IntakeStore) -> None:
    """A Will that comes late does not mark a box that is back as lost."""

    def state(session: int, reason: str) -> bytes:
        made = state_event(CITY, NODE, session=session, at=NOON, version="1", reason=reason)  # type: ignore[arg-type]  # a literal
        return made.to_bytes()

    topic = UpTopic(_BOX, "state")
    assert store.boxes.take_state(topic, state(1, "online"))
    assert store.boxes.take_state(topic, state(2, "online"))
    assert store.boxes.take_state(topic, state(1, "lost")) is None
    assert store.boxes.take_state(topic, state(2, "online")) is None
    assert store.boxes.take_state(topic, state(2, "lost"))
    with pytest.raises(ContractError):
        store.boxes.take_state(topic, b"{}")
    (box,) = store.boxes.all()
    assert (box.box, box.online, box.reason, box.session) == (f"{CITY}/{NODE}", False, "lost", 2)


def test_the_first_key_stays(store: IntakeStore) -> None:
    """Trust on first use; another one needs a person."""
    store.boxes.pin(_BOX, "a", "key-a", only_first=True)
    store.boxes.pin(_BOX, "b", "key-b", only_first=True)
    assert store.boxes.keys(_BOX) == ["key-a"]
    store.boxes.pin(_BOX, "b", "key-b", only_first=False)
    assert sorted(store.boxes.keys(_BOX)) == ["key-a", "key-b"]
    assert store.boxes.keys(BoxTopics("gridpatrol", CITY, "box-08")) == []
