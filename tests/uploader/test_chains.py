"""The platform keeps every checkpoint, and hears when a box contradicts itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.errors import ContractError
from edge.evidence.chain import Head
from edge.evidence.checkpoint import load_checkpoints, make_checkpoint
from edge.signing import Signer
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, NOON, MakeStore, wait_until
from tests.uploader.wire import BOX, Wire
from uploader.contract.build import checkpoint_event
from uploader.intake.events import ChainBroken, Checkpointed, ReceiverEvent
from uploader.intake.sqlite import SqliteStore
from uploader.intake.store import IntakeStore
from uploader.receiver import Receiver
from uploader.settings import Downlink
from uploader.topics import UpTopic

SIGNER = Signer(Ed25519PrivateKey.generate())
TOPIC = UpTopic(BOX, "checkpoint")


@pytest.fixture
def store(make_store: MakeStore) -> Iterator[IntakeStore]:
    made = make_store(lambda: NOON)
    yield made
    made.close()


def message(seq: int, digit: str = "a", chain: str = "one", box: str = f"{CITY}/{NODE}") -> bytes:
    head = Head(chain, seq, digit * 64, SIGNER.kid, "")
    signed = make_checkpoint(box, head, NOON + timedelta(seconds=seq), SIGNER)
    return checkpoint_event(signed, city=CITY, node=NODE).to_bytes()


def test_every_checkpoint_is_kept_once_and_contradictions_are_said(store: IntakeStore) -> None:
    """Repeated by the broker it is nothing new; shorter, other or new it is."""

    def take(payload: bytes) -> str | None:
        found = store.chains.take(TOPIC, payload)
        return "known" if found is None else found[1]

    assert take(message(3)) is None
    assert take(message(3)) == "known"
    assert take(message(7)) is None
    assert "went back from link 7 to 5" in str(take(message(5)))
    assert take(message(9, "b")) is None
    assert "link 9 of its chain was written anew" in str(take(message(9, "c")))
    assert "began a new chain" in str(take(message(1, chain="two")))
    assert take(message(3)) == "known"
    assert len(store.chains.all(BOX)) == 6


def test_a_checkpoint_that_is_not_as_the_box_signed_it_is_refused(store: IntakeStore) -> None:
    """Altered inside, altered around, or another box's."""
    document = json.loads(message(3))
    other = {**document, "data": {**document["data"], "seq": 4}}
    signed = document["data"]["signed"].replace('"seq":3', '"seq":4')
    inside = {**other, "data": {**other["data"], "signed": signed}}
    for bad in (json.dumps(other), json.dumps(inside), message(3, box=f"{CITY}/box-99")):
        with pytest.raises(ContractError, match="MSG-001"):
            store.chains.take(TOPIC, bad if isinstance(bad, bytes) else bad.encode())
    assert store.chains.all(BOX) == []


@pytest.mark.e2e
def test_over_the_wire(broker: Broker, tmp_path: Path) -> None:
    """Retained; told as events; what the receiver gives is what ``verify`` takes."""

    async def hear() -> tuple[list[ReceiverEvent], list[str]]:
        store = SqliteStore(tmp_path / "platform")
        settings = Downlink(host=broker.host, port=broker.port, signatures="require")
        heard: list[ReceiverEvent] = []

        async with Receiver(settings, store) as receiver:

            async def listen() -> None:
                async for event in receiver.events():
                    heard.append(event)

            task = asyncio.create_task(listen())
            wire = await asyncio.to_thread(Wire, broker, SIGNER)
            wire.report()
            wire.say(BOX.checkpoint, message(5), retain=True)
            wire.say(BOX.checkpoint, message(4), retain=True)
            await asyncio.to_thread(
                wait_until, lambda: any(isinstance(event, ChainBroken) for event in heard)
            )
            stored = await receiver.checkpoints(BOX.name)
            wire.close()
            task.cancel()
        return heard, stored

    heard, stored = asyncio.run(hear())
    assert [event.data.seq for event in heard if isinstance(event, Checkpointed)] == [5, 4]
    path = tmp_path / "checkpoints.jsonl"
    path.write_text("\n".join(stored))
    assert {point.seq for point in load_checkpoints(path)} == {4, 5}
