"""Between two brokers: a line that is slow, and a postman who loses, delays, doubles and forges."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from queue import Empty, SimpleQueue

from tests.brokers import Broker
from uploader.contract.messages import CONTENT_TYPE
from uploader.settings import BrokerLogin
from uploader.transport import Arrived, Event, Link

_BLOCK = 16384


class SlowLine:
    """A TCP proxy on loopback that holds every block back for a while, both ways.

    Args:
        port: of the broker.
        delay_s: for every block.
    """

    def __init__(self, port: int, delay_s: float) -> None:
        self._to = port
        self._delay_s = delay_s
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.blocks = 0
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def close(self) -> None:
        """No more connections."""
        self._server.close()
        self.cut()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                time.sleep(self._delay_s)
                self.blocks += 1
                sink.sendall(block)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Postman:
    """Carries what boxes send from one broker to another, and receipts back, badly.

    Args:
        near: the boxes' broker.
        far: the platform's broker.
        seed: of what goes wrong.
    """

    def __init__(self, near: Broker, far: Broker, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._bag: SimpleQueue[tuple[str, Event]] = SimpleQueue()
        self._late: list[tuple[float, Arrived]] = []
        self._stop = threading.Event()
        self._up = Link(_login(near), "postman-near", lambda e: self._bag.put(("up", e)))
        self._down = Link(_login(far), "postman-far", lambda e: self._bag.put(("down", e)))
        self._up.open(["gridpatrol/1/+/+/up/#"], None)
        self._down.open(["gridpatrol/1/+/+/dn/receipt"], None)
        self._thread = threading.Thread(target=self._walk, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(10)
        self._up.close()
        self._down.close()

    def _walk(self) -> None:
        while not self._stop.is_set():
            with suppress(Empty):
                way, event = self._bag.get(timeout=0.05)
                if isinstance(event, Arrived):
                    (self._carry if way == "up" else self._return)(event)
                    (self._up if way == "up" else self._down).ack(event)
            now = time.monotonic()
            for due, message in [late for late in self._late if late[0] <= now]:
                self._late.remove((due, message))
                self._give(self._up, message)

    def _carry(self, message: Arrived) -> None:
        chance = self._rng.random()
        if chance < 0.05:
            self.done["message lost"] += 1
            return
        self._give(self._down, message)
        if chance > 0.95:
            self.done["message doubled"] += 1
            self._give(self._down, message)

    def _return(self, message: Arrived) -> None:
        what = self._rng.choice(("good", "lost", "late", "doubled", "forged"))
        self.done[f"receipt {what}"] += 1
        match what:
            case "late":
                self._late.append((time.monotonic() + self._rng.uniform(0.2, 3.0), message))
            case "forged":
                event = json.loads(message.payload)
                event["data"]["payload_sha256"] = self._rng.randbytes(32).hex()
                event["data"]["result"] = "complete"
                payload = json.dumps(event).encode()
                self._give(self._up, Arrived(message.topic, payload, {}, 0, 1))
            case "good" | "doubled":
                for _ in range(1 + (what == "doubled")):
                    self._give(self._up, message)

    @staticmethod
    def _give(link: Link, message: Arrived) -> None:
        link.publish(message.topic, message.payload, content_type=CONTENT_TYPE, user=message.user)


def _login(broker: Broker) -> BrokerLogin:
    return BrokerLogin(host=broker.host, port=broker.port)
