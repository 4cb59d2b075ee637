"""Every request ends in exactly one answer, whatever is killed, and whenever (G21)."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from edge.clock import utc_now
from tests.brokers import Broker
from tests.uploader.answering_victim import CITY, NODE
from tests.uploader.helpers import complete, wait_until
from uploader.contract.build import request_event
from uploader.contract.messages import CONTENT_TYPE, ReplyEvent, RequestData
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics
from uploader.transport import Arrived, Event, Link

BOX = BoxTopics("gridpatrol", CITY, NODE)


class Asker:
    """The platform: asks, asks again, and says "complete" to every answer."""

    def __init__(self, broker: Broker) -> None:
        self.answers: dict[str, set[bytes]] = defaultdict(set)
        self.asked: dict[str, bytes] = {}
        self._link = Link(BrokerLogin(host=broker.host, port=broker.port), "asker", self._take)
        self._link.open([BOX.reply, BOX.state], None)
        self.online = threading.Event()

    def ask(self, *, late: bool) -> None:
        lives = timedelta(seconds=-1 if late else 3600)
        request = RequestData(
            request_id=str(uuid.uuid4()),
            action="look",
            camera_id="cam-1",
            expires_at=utc_now() + lives,
            requested_by="test",
        )
        self.asked[request.request_id] = request_event(request, at=utc_now()).to_bytes()
        self.again(request.request_id)

    def again(self, request_id: str) -> None:
        payload = self.asked[request_id]
        self._link.publish(BOX.request, payload, content_type=CONTENT_TYPE, user={})

    def unanswered(self) -> list[str]:
        return [request_id for request_id in self.asked if request_id not in self.answers]

    def close(self) -> None:
        self._link.close()

    def _take(self, event: Event) -> None:
        if not isinstance(event, Arrived):
            return
        self._link.ack(event)
        if event.topic == BOX.state:
            self.online.set()
            return
        self.answers[ReplyEvent.model_validate_json(event.payload).data.request_id].add(
            event.payload
        )
        payload = complete(event.payload)
        self._link.publish(BOX.receipt, payload, content_type=CONTENT_TYPE, user={})


class Victim:
    """The box's process."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self._log = folder / "victim.log"
        self._command = [
            sys.executable,
            "-m",
            "tests.uploader.answering_victim",
            str(folder / "box.db"),
            str(broker.port),
        ]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [12, pytest.param(1000, marks=pytest.mark.slow)])
def test_one_answer_to_every_request(tmp_path: Path, broker: Broker, kills: int) -> None:
    """SIGKILL at random moments; requests come twice, late, and while nobody is there."""
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    asker = Asker(broker)
    victim = Victim(tmp_path, broker)
    try:
        assert asker.online.wait(30)
        for _ in range(kills):
            until = time.monotonic() + chance.uniform(0.4, 1.6)
            while time.monotonic() < until:
                asker.ask(late=chance.random() < 0.1)
                if chance.random() < 0.3:
                    asker.again(chance.choice(list(asker.asked)))
                time.sleep(chance.uniform(0.0, 0.1))
            victim.kill()
            victim.start()
        # A broker may drop what was on its way when the box died; who asks may ask again.
        for _ in range(3):
            for request_id in asker.unanswered():
                asker.again(request_id)
            end = time.monotonic() + 10
            while asker.unanswered() and time.monotonic() < end:
                time.sleep(0.2)
        wait_until(lambda: not asker.unanswered(), 30, "every request is answered")
        some = chance.sample(sorted(asker.asked), min(20, len(asker.asked)))
        for request_id in some:
            asker.again(request_id)
        time.sleep(3)
        assert {len(answers) for answers in asker.answers.values()} == {1}, "two answers to one"
        assert set(asker.answers) == set(asker.asked)
        print(f"{kills} kills, {len(asker.asked)} requests, each answered once")
    finally:
        victim.kill()
        asker.close()
