"""The receiver library against a real broker and both stores."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.errors import Code, DeliveryError, GridpatrolError, StoreError
from edge.signing import load_or_make_signer
from edge.sqlite import as_store_error
from tests.brokers import Broker
from tests.servers.postgres import Postgres, find_server
from tests.uploader.helpers import (
    CITY,
    NODE,
    NOON,
    Box,
    MakeStore,
    Platform,
    expected_ids,
    make_draft,
    wait_until,
)
from tests.uploader.wire import BOX, Wire
from uploader.contract.build import from_draft, reply_event
from uploader.contract.messages import (
    BilingualText,
    DesiredEvent,
    KnownCase,
    KnownEvent,
    ReplyData,
    RequestEvent,
    read,
)
from uploader.intake.events import GapClosed, GapFound, KeyChanged, Refused, Reported
from uploader.intake.inbox import Inbox
from uploader.intake.jobs import Job
from uploader.intake.postgres import PostgresStore
from uploader.intake.records import Gap
from uploader.intake.sqlite import SqliteStore
from uploader.receiver import Case, Receiver
from uploader.settings import Downlink

pytestmark = pytest.mark.e2e
_NAME = f"{CITY}/{NODE}"
_VICTIM = Path(__file__).with_name("receiver_victim.py")


@pytest.fixture
def wire(broker: Broker) -> Iterator[Wire]:
    """A box's connection."""
    made = Wire(broker)
    yield made
    made.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine, bounded."""
    asyncio.run(asyncio.wait_for(work, 60))


def downlink(broker: Broker, **settings: Any) -> Downlink:
    """The platform's settings."""
    return Downlink(host=broker.host, port=broker.port, **settings)


async def take(receiver: Receiver, count: int) -> list[Case]:
    """Accept so many cases."""
    found: list[Case] = []
    async for case in receiver.cases():
        await case.accept()
        found.append(case)
        if len(found) == count:
            break
    return found


@asynccontextmanager
async def online(settings: Downlink, make_store: MakeStore) -> AsyncIterator[Receiver]:
    """A receiver that has reached the broker."""
    async with Receiver(settings, make_store()) as receiver:
        async for _ in receiver.events():
            break
        yield receiver


async def until(receiver: Receiver, wanted: object) -> None:
    """Read events until one equals, or is of the type, wanted."""
    async for event in receiver.events():
        if event == wanted or (isinstance(wanted, type) and isinstance(event, wanted)):
            return


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that processes of their own can open."""
    if request.param == "sqlite":
        return str(tmp_path / "platform")
    return str(request.getfixturevalue("postgres").fresh())


def test_one_of_two_workers_is_killed(broker: Broker, box: Box, where: str, tmp_path: Path) -> None:
    """One of two receivers is SIGKILLed in the middle: every case once, whole, and answered."""
    sink = tmp_path / "sink"
    command = [sys.executable, str(_VICTIM), str(broker.port), "intake", where, str(sink)]
    workers = [subprocess.Popen(command) for _ in range(2)]
    try:
        box.start()
        box.commit_many(range(40), size_bytes=200_000)
        wait_until(lambda: sink.exists() and sink.read_bytes().count(b"\n") >= 5, 30)
        workers[0].kill()
        box.wait_done(40, 60)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    # Killed between its effect and its answer, a worker leaves the revision to the other, which
    # has the effect again: the platform's own key makes it one.
    lines = sink.read_text().split()
    assert sorted(set(lines)) == sorted(expected_ids(range(40)))
    assert len(lines) <= 40 + 16, "no more than one worker may have had in hand"
    store = PostgresStore(where) if "host=" in where else SqliteStore(Path(where))
    counts = store.counts()
    store.close()
    assert (counts.revisions, counts.complete, counts.refused) == (40, 40, 0)


def test_postgresql_restarts_midway(broker: Broker, box: Box, tmp_path: Path) -> None:
    """The database crashes and comes back under load: nothing is lost, nothing is twice."""
    binaries = find_server()
    if binaries is None:
        pytest.skip("PostgreSQL's server is not installed")
    server = Postgres(binaries)
    dsn = server.fresh()
    platform = Platform(tmp_path, broker, store=lambda: PostgresStore(dsn), retry_after_s=1.0)
    try:
        platform.start()
        box.start()
        box.commit_many(range(30))
        wait_until(lambda: len(platform.told) >= 3)
        server.crash()
        box.commit_many(range(30, 40))
        server.start()
        box.wait_done(40, 60)
        assert sorted(set(platform.ids())) == sorted(expected_ids(range(40)))
        for item in make_draft(39, tmp_path / "same").evidence:
            assert platform.contents[item.sha256] == item.path.read_bytes()
    finally:
        platform.stop()
        server.end()
    assert len(platform.ids()) <= 40 + 1, "at most the one in hand was offered again"


def test_the_gap_is_named(
    broker: Broker, wire: Wire, make_store: MakeStore, tmp_path: Path
) -> None:
    """Numbers 17 to 19 never come: exactly they are told, and when they come, that too."""

    async def work() -> None:
        async with online(downlink(broker, gap_after_s=0.0), make_store) as receiver:
            for seq in [*range(1, 17), 20, 21]:
                wire.case(seq, seq, tmp_path)
            await take(receiver, 18)
            assert await receiver.gaps() == [Gap(_NAME, 17, 19)]
            await until(receiver, GapFound(Gap(_NAME, 17, 19)))
            for seq in (18, 19, 17):
                wire.case(seq, seq, tmp_path)
            await take(receiver, 3)
            await until(receiver, GapClosed(Gap(_NAME, 17, 19)))
            assert await receiver.gaps() == []

    run(work())


@pytest.mark.parametrize("policy", ["flag", "require"])
def test_signatures(broker: Broker, make_store: MakeStore, tmp_path: Path, policy: Any) -> None:
    """The first key a box reports counts; wrong and missing signatures are flagged or refused."""
    signer = load_or_make_signer(tmp_path / "box.pem")
    wire = Wire(broker, signer)

    async def work() -> None:
        async with online(downlink(broker, signatures=policy), make_store) as receiver:
            wire.report()
            await until(receiver, Reported)
            wire.case(1, 1, tmp_path)
            (good,) = await take(receiver, 1)
            assert good.signature == "valid"
            wire.case(2, 2, tmp_path, sig="A" * 86 + "==")
            wire.signer = None
            wire.case(3, 3, tmp_path)
            if policy == "flag":
                bad = await take(receiver, 2)
                assert [case.signature for case in bad] == ["wrong", "unsigned"]
                return
            await until(receiver, Refused)
            await until(receiver, Refused)
            counts = await receiver.counts()
            assert (counts.revisions, counts.refused) == (1, 2)

    run(work())
    wire.close()


def test_another_key_needs_a_person(broker: Broker, make_store: MakeStore, tmp_path: Path) -> None:
    """A box with a new key must wait until somebody vouches for it; nothing of it is lost."""
    wire = Wire(broker, load_or_make_signer(tmp_path / "first.pem"))

    async def work() -> None:
        async with online(downlink(broker, signatures="require"), make_store) as receiver:
            wire.report()
            await until(receiver, Reported)
            wire.signer = other = load_or_make_signer(tmp_path / "second.pem")
            wire.report()
            await until(receiver, KeyChanged(_NAME, other.kid, other.public))
            wire.case(1, 1, tmp_path)
            told = await asyncio.to_thread(wire.heard, BOX.receipt)
            assert b'"retry_after"' in told.payload
            await receiver.trust(_NAME, other.kid, other.public)
            wire.case(1, 1, tmp_path)
            (case,) = await take(receiver, 1)
            assert case.signature == "valid"

    run(work())
    wire.close()


def test_listed_keys_are_the_only_ones(broker: Broker, tmp_path: Path) -> None:
    """A key in the list needs no report; a reported one counts for nothing beside it."""
    listed, other = (load_or_make_signer(tmp_path / f"{name}.pem") for name in ("a", "b"))
    public = tmp_path / "a.pub.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "a.pem", "-pubout", "-out", public], check=True
    )
    wire = Wire(broker, other)

    async def work() -> None:
        settings = downlink(broker, box_keys={_NAME: (public,)})
        async with online(settings, lambda: SqliteStore(tmp_path / "platform")) as receiver:
            wire.report()
            await until(receiver, KeyChanged)
            wire.case(1, 1, tmp_path)
            wire.signer = listed
            wire.case(2, 2, tmp_path)
            found = await take(receiver, 2)
            assert [case.signature for case in found] == ["unknown_key", "valid"]

    run(work())
    wire.close()


def test_bytes_that_are_not_what_was_sent(
    broker: Broker, wire: Wire, make_store: MakeStore, tmp_path: Path
) -> None:
    """A payload that differs from its hash has no effect; the true one, sent again, has."""

    async def work() -> None:
        async with online(downlink(broker), make_store) as receiver:
            wire.case(1, 1, tmp_path, sha256="0" * 64)
            await until(receiver, Refused)
            wire.case(1, 1, tmp_path)
            (case,) = await take(receiver, 1)
            assert case.key == (f"//gridpatrol/{CITY}/{NODE}", "case-1", 1)

    run(work())


def test_request_and_reply(
    broker: Broker, wire: Wire, make_store: MakeStore, tmp_path: Path
) -> None:
    """The reply comes back with its picture, through whichever worker receives it."""
    picture = b"picture " * 1000
    draft = make_draft(1, tmp_path, pictures=1)
    item = replace(
        draft.evidence[0], sha256=hashlib.sha256(picture).hexdigest(), size_bytes=len(picture)
    )
    evidence = from_draft(replace(draft, evidence=(item,)), city=CITY, node=NODE, seq=1)

    def answer() -> None:
        asked = read(RequestEvent, wire.heard(BOX.request).payload, "request").data
        assert (asked.action, asked.case_id, asked.looks) == ("verify", "case-1", 5)
        data = ReplyData(
            request_id=asked.request_id,
            action="verify",
            result="gone",
            reason=BilingualText(zh="已消失", en="gone"),
            looks=(),
            evidence=evidence.data.evidence,
            at=datetime.now(UTC),
            box_id=NODE,
        )
        wire.say(BOX.reply, reply_event(data, city=CITY, node=NODE, seq=1).to_bytes())
        wire.blob(picture)

    async def work() -> None:
        settings = downlink(broker, group="intake")
        async with online(settings, make_store) as one, online(settings, make_store) as two:
            box = asyncio.create_task(asyncio.to_thread(answer))
            name = str(uuid.uuid4())
            reply = await one.request(
                _NAME, "verify", by="tests", case_id="case-1", looks=5, request_id=name
            )
            await box
            assert reply.data.result == "gone"
            assert await reply.evidence[0].read() == picture
            assert await two.reply(name) == replace(reply, evidence=(await _same(two, name)))
            with pytest.raises(DeliveryError, match="MQT-006"):
                await two.request(_NAME, "look", by="tests", camera_id="c", within_s=-15, over_s=0)

    run(work())


async def _same(receiver: Receiver, name: str) -> Any:
    reply = await receiver.reply(name)
    assert reply is not None
    return reply.evidence


def test_known_cases_and_configuration(broker: Broker, wire: Wire, tmp_path: Path) -> None:
    """Retained, signed by the platform, cleared by an empty list."""
    platform_key = tmp_path / "platform.pem"
    signer = load_or_make_signer(platform_key)
    known = KnownCase(
        ref="12345-9",
        category="0406",
        kind="street_vending",
        lon=114.3,
        lat=30.5,
        opened_at=NOON,
        origin="随手拍",
    )

    async def work() -> None:
        settings = downlink(broker, signing_key=platform_key)
        async with online(settings, lambda: SqliteStore(tmp_path / "platform")) as receiver:
            cell = "420111001002001"
            await receiver.publish_known(CITY, cell, [known])
            await receiver.desire(_NAME, "c-7", "box: {}\n")
            told = await asyncio.to_thread(wire.heard, BOX.known(cell))
            assert read(KnownEvent, told.payload, "known").data.cases == (known,)
            assert told.user["sig"] == signer.sign(told.payload)["sig"]
            wanted = await asyncio.to_thread(wire.heard, BOX.desired)
            desired = read(DesiredEvent, wanted.payload, "desired").data
            assert desired.sha256 == hashlib.sha256(b"box: {}\n").hexdigest()
            await receiver.publish_known(CITY, cell, [])
            assert (await asyncio.to_thread(wire.heard, BOX.known(cell))).payload == b""

    run(work())


def test_an_answer_may_come_late(
    broker: Broker, wire: Wire, make_store: MakeStore, tmp_path: Path
) -> None:
    """``later`` offers the case again, ``reject`` never; the box hears both."""

    async def work() -> None:
        async with online(downlink(broker), make_store) as receiver:
            wire.case(1, 1, tmp_path)
            seen = 0
            async for case in receiver.cases():
                seen += 1
                if seen == 1:
                    await case.later(0.5, "the register is closed")
                    continue
                await case.reject("no such street")
                break
            first = await asyncio.to_thread(wire.heard, BOX.receipt)
            last = await asyncio.to_thread(wire.heard, BOX.receipt)
            assert b'"retry_after"' in first.payload
            assert b"no such street" in last.payload

    run(work())


def test_what_ends_the_worker_reaches_the_caller(broker: Broker, tmp_path: Path) -> None:
    """A receiver that cannot go on says so instead of waiting for ever."""

    class Broken(SqliteStore):
        def gaps(self) -> list[Gap]:
            raise ZeroDivisionError

    async def work() -> None:
        async with Receiver(downlink(broker), Broken(tmp_path)) as receiver:
            with pytest.raises(ZeroDivisionError):
                await take(receiver, 1)
            with pytest.raises(ZeroDivisionError):
                await receiver.counts()

    with pytest.raises(ZeroDivisionError):  # and once more by leaving, for who has not asked
        run(work())


@pytest.mark.parametrize("at", ["take", "claim", "settle", "hold", "counts", "gaps", "release"])
def test_a_disk_that_fails_is_said(broker: Broker, box: Box, tmp_path: Path, at: str) -> None:
    """Whatever the application waits for, it hears what ended the receiver, not that it is closed.

    Found by the campaign.
    """
    store = SqliteStore(tmp_path / "platform")
    armed = at != "release"
    real = getattr(store, at)

    def fail(*words: Any, **named: Any) -> Any:
        if armed:
            raise as_store_error(tmp_path, OSError(errno.EIO, "Input/output error"))
        return real(*words, **named)

    setattr(store, at, fail)
    heard: list[GridpatrolError] = []

    async def application(receiver: Receiver) -> None:
        try:
            async for case in receiver.cases():
                await asyncio.sleep(0.3)  # it is at work when the disk fails
                await case.accept()
                await receiver.counts()
        except GridpatrolError as fault:
            heard.append(fault)

    async def listener(receiver: Receiver) -> None:
        try:
            async for _ in receiver.events():
                pass
        except GridpatrolError as fault:
            heard.append(fault)

    async def work() -> None:
        nonlocal armed
        async with Receiver(downlink(broker, hold_s=0.3), store) as receiver:
            if at != "release":
                await asyncio.gather(application(receiver), listener(receiver))
            armed = True

    box.commit_many(range(3))
    box.start()
    with pytest.raises(StoreError, match="STO-007"):
        run(work())
    assert [fault.code for fault in heard] == [Code.STO_FAILED] * (0 if at == "release" else 2)


def test_who_comes_late_hears_it_too(tmp_path: Path) -> None:
    """What waited in the line, and what comes when all is over, is refused with what ended it."""
    inbox, fault = Inbox(), as_store_error(tmp_path, OSError(errno.EIO, "Input/output error"))
    waiting, late = Job(lambda: 1), Job(lambda: 2)
    inbox.add(waiting)
    inbox.close(fault)
    inbox.add(late)
    for job in (waiting, late):
        assert job.future.exception(0) is fault


def test_a_clock_that_jumps_offers_nothing_twice(broker: Broker, box: Box, tmp_path: Path) -> None:
    """What is in hand is not offered again when the wall clock leaps over its hold.

    Found by the campaign.
    """
    ahead_s = [0.0]
    store = SqliteStore(tmp_path / "platform", wall=lambda: time.time() + ahead_s[0])

    async def work() -> None:
        async with Receiver(downlink(broker), store) as receiver:
            cases = receiver.cases()
            box.commit_many(range(1), pictures=0)
            box.start()
            first = await anext(cases)
            ahead_s[0] = 30 * 86400.0
            box.commit_many(range(1, 2), pictures=0)
            second = await anext(cases)
            assert [first.data.case_id, second.data.case_id] == ["case-0", "case-1"]

    run(work())
