"""What a broker sees of a message without opening it."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

from edge.signing import Signature, load_or_make_signer, published
from tests.brokers import Broker
from tests.uploader.helpers import Box, make_draft, wait_until
from uploader.contract.properties import user_properties
from uploader.settings import BrokerLogin
from uploader.transport import Arrived, Event, Link


class Watcher:
    """Hears everything a box says, on a link of its own."""

    def __init__(self, broker: Broker) -> None:
        self.heard: list[Arrived] = []
        self._events: SimpleQueue[Event] = SimpleQueue()
        login = BrokerLogin(host=broker.host, port=broker.port)
        self.link = Link(login, "watcher", self._events.put)
        self.link.open(["gridpatrol/#"], None)
        threading.Thread(target=self._listen, daemon=True).start()

    def on(self, tail: str) -> list[Arrived]:
        """Messages on a topic."""
        return [message for message in self.heard if message.topic.endswith(tail)]

    def _listen(self) -> None:
        while True:
            event = self._events.get()
            if isinstance(event, Arrived):
                self.heard.append(event)
                self.link.ack(event)


def test_a_signed_message_says_what_it_is_at_every_attempt(tmp_path: Path, broker: Broker) -> None:
    """The same properties and the same bytes when it is sent again for want of a receipt."""
    signer = load_or_make_signer(tmp_path / "box.pem")
    box = Box(tmp_path / "box", broker, sign=signer.sign, receipt_timeout_s=1.0)
    watcher = Watcher(broker)
    box.start()
    wait_until(lambda: len(watcher.on("up/state")) == 1)
    box.commit(make_draft(1, box.pictures))
    wait_until(lambda: len(watcher.on("up/case")) >= 2, what="a second attempt")
    box.close()
    first, second, *_ = watcher.on("up/case")
    assert (first.payload, first.user) == (second.payload, second.user)
    assert first.user == user_properties(first.payload, signer.sign)
    verifier = published([signer.public])
    for message in (first, *watcher.on("up/state")):
        assert verifier.check(message.payload, message.user) is Signature.VALID
    watcher.link.close()


def test_what_waited_for_a_restart_says_so(tmp_path: Path, broker: Broker) -> None:
    """Beside the payload, whose bytes and signature never change; fresh cases do not say it."""
    box = Box(tmp_path / "box", broker)
    watcher = Watcher(broker)
    box.commit(make_draft(1, box.pictures))
    box.start()
    wait_until(lambda: len(watcher.on("up/case")) >= 1)
    box.commit(make_draft(2, box.pictures))
    wait_until(lambda: any(m.user["id"] == "case-2-r1" for m in watcher.on("up/case")))
    box.close()
    said = {m.user["id"]: m.user.get("historical") for m in watcher.on("up/case")}
    assert said == {"case-1-r1": "1", "case-2-r1": None}
    watcher.link.close()
