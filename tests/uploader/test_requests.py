"""Requests on disk, and who may make them: one answer each, whatever is repeated or crashes."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from edge.cases.known import KnownStore
from edge.signing import Signer, Verifier
from uploader.commands import Commands, Desired, Said
from uploader.contract.build import desired_event, known_event, request_event
from uploader.contract.messages import (
    BilingualText,
    DesiredData,
    KnownCase,
    KnownData,
    ReceiptData,
    ReplyData,
    ReplyEvent,
    RequestData,
)
from uploader.outbox import Outbox
from uploader.requests import MOST_STARTS, MOST_WAITING, RequestStore, Took
from uploader.topics import BoxTopics
from uploader.transport import Arrived

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
BOX = BoxTopics("gridpatrol", "420111", "box-07")
CELL = "420111001002001"


def a_request(number: int = 1, **changes: Any) -> RequestData:
    given = {
        "request_id": str(uuid.UUID(int=number)),
        "action": "look",
        "camera_id": "cam-1",
        "expires_at": NOON + timedelta(minutes=10),
        "requested_by": "test",
    }
    return RequestData(**(given | changes))


def a_reply(request: RequestData, **changes: Any) -> ReplyData:
    given: dict[str, Any] = {
        "request_id": request.request_id,
        "action": request.action,
        "result": "done",
        "reason": BilingualText(zh="好", en="fine"),
        "looks": (),
        "evidence": (),
        "at": NOON,
        "box_id": BOX.node,
    }
    return ReplyData(**(given | changes))


class Desk:
    """A request store as a process has it; may be restarted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gridpatrol.db"
        self.open()

    def open(self) -> None:
        outbox = Outbox(self.path, city=BOX.city, node=BOX.node, clock=lambda: NOON)
        self.store = RequestStore(self.path, outbox, clock=lambda: NOON)

    def restart(self) -> None:
        self.store.close()
        self.open()

    def rows(self) -> list[tuple[int, str, str, bytes]]:
        """Replies in the outbox."""
        with sqlite3.connect(self.path) as db:
            return db.execute(
                "SELECT seq, subject, state, payload FROM outbox WHERE what = 'reply' ORDER BY seq"
            ).fetchall()

    def delivered(self) -> None:
        """The platform has said "complete" to everything."""
        outbox = Outbox(self.path, city=BOX.city, node=BOX.node)
        for _, _, _, payload in self.rows():
            outbox.settle(
                ReceiptData(
                    case_id=None,
                    revision=None,
                    payload_sha256=hashlib.sha256(payload).hexdigest(),
                    result="complete",
                    missing=(),
                    reason=None,
                    retry_after_s=None,
                    at=NOON,
                )
            )
        outbox.close()

    def swept(self) -> None:
        """Retention has removed what was delivered."""
        with sqlite3.connect(self.path) as db:
            db.execute("DELETE FROM outbox WHERE state = 'done'")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_one_answer_each_and_the_same_bytes_again(desk: Desk) -> None:
    request = a_request()
    assert desk.store.take(request) is Took.NEW
    assert desk.store.take(request) is Took.IN_PROGRESS
    assert desk.store.answer(a_reply(request))
    assert not desk.store.answer(a_reply(request, result="failed")), "it has its answer"
    [(seq, _, state, payload)] = desk.rows()
    assert state == "pending"
    assert ReplyEvent.model_validate_json(payload).data == a_reply(request)
    desk.delivered()
    assert desk.store.take(request) is Took.RESENT
    assert desk.rows() == [(seq, request.request_id, "pending", payload)]


def test_a_repeat_long_after_the_outbox_was_swept(desk: Desk) -> None:
    request = a_request()
    desk.store.take(request)
    desk.store.answer(a_reply(request))
    before = desk.rows()
    desk.delivered()
    desk.swept()
    assert not desk.rows()
    desk.restart()
    assert desk.store.take(request) is Took.RESENT
    assert desk.rows() == before


def test_what_was_in_progress_is_taken_up_again_and_then_given_up(desk: Desk) -> None:
    first, second = a_request(1), a_request(2)
    desk.store.take(first)
    desk.store.take(second)
    desk.store.answer(a_reply(first))
    for starts in range(MOST_STARTS + 1):
        desk.restart()
        [waiting] = desk.store.begin_again()
        assert waiting.request == second
        assert waiting.starts == starts
    assert desk.store.answer(a_reply(second, result="failed"))
    desk.restart()
    assert not desk.store.begin_again()


def test_too_many_at_once(desk: Desk) -> None:
    for number in range(MOST_WAITING):
        assert desk.store.take(a_request(number)) is Took.NEW
    assert desk.store.take(a_request(MOST_WAITING)) is Took.FULL
    desk.store.answer(a_reply(a_request(0)))
    assert desk.store.take(a_request(MOST_WAITING)) is Took.NEW


def test_answered_requests_are_forgotten_long_after_their_expiry(desk: Desk) -> None:
    old = a_request(1, expires_at=NOON - timedelta(days=31))
    new = a_request(2)
    for request in (old, new):
        desk.store.take(request)
        desk.store.answer(a_reply(request))
    assert desk.store.request_ids() == {new.request_id}


def test_only_so_many_are_remembered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever floods a box with requests does not fill its disk."""
    monkeypatch.setattr("uploader.requests.MOST_REMEMBERED", 10)
    for number in range(30):
        desk.store.take(a_request(number))
        desk.store.answer(a_reply(a_request(number)))
    desk.store.take(a_request(99))
    assert len(desk.store.request_ids()) <= 11
    assert desk.store.take(a_request(29)) is Took.RESENT
    assert desk.store.take(a_request(0)) is Took.RESENT, "its reply is still in the outbox"
    assert desk.store.is_known(a_request(0).request_id)
    desk.delivered()
    desk.swept()
    assert desk.store.take(a_request(1)) is Took.NEW
    assert desk.store.answer(a_reply(a_request(1)))


class Answered(RuleBasedStateMachine):
    """Requests come, come again, are worked on and answered; the box restarts in between."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name))
        self.bytes: dict[str, bytes] = {}
        self.taken: set[str] = set()

    def teardown(self) -> None:
        self.desk.store.close()
        self.folder.cleanup()

    @rule(target=ids, number=st.integers(0, 4))
    def comes(self, number: int) -> int:
        request = a_request(number)
        took = self.desk.store.take(request)
        known = request.request_id
        assert (took is Took.NEW) == (known not in self.taken)
        assert (took is Took.RESENT) == (known in self.bytes)
        self.taken.add(known)
        return number

    @rule(number=ids, result=st.sampled_from(["done", "failed", "refused"]))
    def is_answered(self, number: int, result: str) -> None:
        request = a_request(number)
        first = request.request_id not in self.bytes
        assert self.desk.store.answer(a_reply(request, result=result)) == first

    @rule()
    def crashes(self) -> None:
        self.desk.restart()
        waiting = {w.request.request_id for w in self.desk.store.begin_again()}
        assert waiting == self.taken - set(self.bytes)

    @rule()
    def delivers(self) -> None:
        self.desk.delivered()

    @rule()
    def sweeps(self) -> None:
        self.desk.swept()

    @invariant()
    def one_answer_each(self) -> None:
        rows = self.desk.rows()
        subjects = [subject for _, subject, _, _ in rows]
        assert len(subjects) == len(set(subjects))
        for _, subject, _, payload in rows:
            assert self.bytes.setdefault(subject, payload) == payload


TestAnswered = Answered.TestCase
TestAnswered.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


class Ear:
    """Commands with everything they need, and what they handed on."""

    def __init__(self, folder: Path, *keys: Ed25519PrivateKey) -> None:
        self.desk = Desk(folder)
        self.known = KnownStore(self.desk.path)
        self.said: list[Said] = []
        self.commands = Commands(
            BOX,
            requests=self.desk.store,
            known=self.known,
            cells={CELL},
            verifier=Verifier([key.public_key() for key in keys]),
            hand_on=self.said.append,
            clock=lambda: NOON,
        )

    def hears(self, payload: bytes, topic: str = BOX.request, **user: str) -> None:
        self.commands.take(Arrived(topic, payload, user, 1, 1))

    def refusals(self) -> list[ReplyData]:
        return [ReplyEvent.model_validate_json(row[3]).data for row in self.desk.rows()]


def payload_of(request: RequestData) -> bytes:
    return request_event(request, at=NOON).to_bytes()


def test_a_request_is_stored_and_handed_on_once(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    request = a_request()
    for _ in range(3):
        ear.hears(payload_of(request))
    assert ear.said == [request]
    assert not ear.refusals()


@pytest.mark.parametrize("how", ["unsigned", "strange key", "wrong", "other box", "no box"])
def test_with_trusted_keys_others_are_refused_and_answered(tmp_path: Path, how: str) -> None:
    key, strange = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    ear = Ear(tmp_path, key)
    box_id = {"other box": "box-08", "no box": None}.get(how, BOX.node)
    payload = payload_of(a_request(box_id=box_id))
    signed = Signer(strange if how == "strange key" else key).sign(payload)
    if how == "wrong":
        payload = payload.replace(b"cam-1", b"cam-2")
    ear.hears(payload, **({} if how == "unsigned" else signed))
    assert not ear.said
    [reply] = ear.refusals()
    assert (reply.result, reply.code) == ("refused", "SEC-002")
    assert reply.request_id == a_request().request_id
    ear.hears(payload)
    assert len(ear.refusals()) == 1, "one answer, also to what is refused"


def test_a_signed_request_for_this_box_is_run(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    ear = Ear(tmp_path, Ed25519PrivateKey.generate(), key)
    request = a_request(box_id=BOX.node)
    payload = payload_of(request)
    ear.hears(payload, **Signer(key).sign(payload))
    assert ear.said == [request]


def test_what_cannot_be_read_is_refused_when_its_id_can(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    whole = payload_of(a_request())
    ear.hears(whole.replace(b'"looks":3', b'"looks":"many"'))
    [reply] = ear.refusals()
    assert (reply.result, reply.code, reply.action) == ("refused", "MSG-001", "unknown")
    for broken in (b"", b"no json", b"[]", b'{"data": {}}', b'{"data": {"request_id": "x"}}'):
        ear.hears(broken)
    assert len(ear.refusals()) == 1
    assert not ear.said


def test_an_action_of_a_later_version_is_handed_on_to_be_refused(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    ear.hears(payload_of(a_request()).replace(b'"action":"look"', b'"action":"dance"'))
    [said] = ear.said
    assert isinstance(said, RequestData)
    assert said.action == "unknown"


def test_known_cases_are_kept_by_cell_and_cleared(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    case = KnownCase(
        ref="ECASE-1",
        category="0136",
        kind="piled_materials",
        lon=114.4,
        lat=30.3,
        opened_at=NOON,
        origin="citizen",
    )
    told = known_event(KnownData(grid_cell=CELL, cases=(case,), at=NOON)).to_bytes()
    ear.hears(told, BOX.known(CELL))
    assert ear.known.count() == 1
    ear.hears(told, BOX.known("420111001002009"))
    assert ear.known.count() == 1, "no camera of this box stands there"
    ear.hears(b"broken", BOX.known(CELL))
    assert ear.known.count() == 1
    ear.hears(b"", BOX.known(CELL))
    assert ear.known.count() == 0


def test_unsigned_known_cases_and_configurations_do_nothing_where_keys_are_set(
    tmp_path: Path,
) -> None:
    key = Ed25519PrivateKey.generate()
    ear = Ear(tmp_path, key)
    told = known_event(KnownData(grid_cell=CELL, cases=(), at=NOON)).to_bytes()
    ear.hears(told, BOX.known(CELL))
    wanted = DesiredData(config_id="c-1", sha256="0" * 64, yaml="x", box_id=BOX.node)
    payload = desired_event(wanted, at=NOON).to_bytes()
    ear.hears(payload, BOX.desired)
    ear.hears(payload, BOX.desired, **Signer(key).sign(payload))
    ear.hears(b"", BOX.desired)
    first, second = ear.said
    assert isinstance(first, Desired)
    assert first.fault is not None
    assert first.fault.code == "SEC-002"
    assert isinstance(second, Desired)
    assert second.fault is None
