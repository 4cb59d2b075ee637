"""A box's bare connection: publishes what a test wants, in the order it wants."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from edge.signing import Signer
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, make_draft
from uploader.contract.build import from_draft, reported_event
from uploader.contract.messages import CONTENT_TYPE, PublicKey, ReportedData
from uploader.contract.properties import user_properties
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics
from uploader.transport import Arrived, Event, Link

BOX = BoxTopics("gridpatrol", CITY, NODE)


class Wire:
    """One connection of the box."""

    def __init__(self, broker: Broker, signer: Signer | None = None) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.signer = signer
        self._link = Link(BrokerLogin(host=broker.host, port=broker.port), NODE, self.events.put)
        self._link.open([BOX.request, BOX.receipt, BOX.desired, BOX.known("+")], None)

    def say(self, topic: str, payload: bytes, *, retain: bool = False, **user: str) -> None:
        """Publish a JSON message, signed when there is a signer."""
        sign = self.signer.sign if self.signer else None
        properties = user_properties(payload, sign) | user
        self._link.publish(
            topic, payload, content_type=CONTENT_TYPE, user=properties, retain=retain
        )

    def case(self, number: int, seq: int, folder: Path, **user: str) -> None:
        """Publish a case without pictures."""
        draft = make_draft(number, folder, pictures=0)
        self.say(BOX.case, from_draft(draft, city=CITY, node=NODE, seq=seq).to_bytes(), **user)

    def report(self) -> None:
        """Publish the box's public key, retained."""
        assert self.signer is not None
        key = PublicKey(kid=self.signer.kid, algorithm="Ed25519", key=self.signer.public)
        data = ReportedData(
            config_id=None,
            config_sha256="0" * 64,
            state="applied",
            error=None,
            models=(),
            cameras=1,
            at=datetime.now(UTC),
            public_key=key,
        )
        payload = reported_event(data, city=CITY, node=NODE).to_bytes()
        self.say(BOX.reported, payload, retain=True)

    def blob(self, content: bytes) -> None:
        """Publish a file in one piece."""
        user = {"offset": "0", "total": str(len(content))}
        topic = BOX.blob(hashlib.sha256(content).hexdigest())
        self._link.publish(topic, content, content_type="image/jpeg", user=user)

    def acknowledge(self, message: Arrived) -> None:
        """Let the broker send the next one."""
        self._link.ack(message)

    def heard(self, topic: str) -> Arrived:
        """Wait for a message on a topic."""
        while True:
            event = self.events.get(timeout=10)
            if isinstance(event, Arrived):
                self.acknowledge(event)
                if event.topic == topic:
                    return event

    def close(self) -> None:
        """Leave."""
        self._link.close()
