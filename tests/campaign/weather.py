"""Bad brokers, bad lines, bad receipts, bad clocks: scenes with a real mosquitto.

Each scene commits cases at one end and returns what the platform was told at the other. Both ends
connect again within half a second instead of half a minute: else most faults would meet nobody.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.clock import Clock, utc_now
from tests.brokers import Broker, start_broker
from tests.campaign.lives import fast
from tests.campaign.postman import Postman, SlowLine
from tests.certificates import Authority
from tests.uploader.helpers import NODE, Box, Platform, wait_until
from uploader import backoff
from uploader.intake.sqlite import SqliteStore

_WAIT_S = 120.0
_HASTE = {"_FIRST_S": 0.1, "_LONGEST_S": 0.5, "_FIRST_LOGIN_S": 0.2, "_LONGEST_LOGIN_S": 1.0}
_PERSISTENT = ("persistence true", "autosave_interval 1")


@dataclass
class Scene:
    """Both ends of a scene, and what was done to what is between them."""

    broker: Broker
    box: Box
    platform: Platform
    faults: int = 0
    jumps: int = 0
    sent: int = 0
    rng: random.Random = field(default_factory=random.Random)

    def commit(self, count: int, **more: int) -> None:
        """New cases."""
        self.box.commit_many(range(self.sent, self.sent + count), **{"pictures": 1, **more})
        self.sent += count

    def result(self) -> dict[str, object]:
        """Wait until all is delivered; what is lost and doubled.

        A platform that was stopped between its effect and the stored answer has the case again.
        """
        self.box.wait_done(self.sent, _WAIT_S)
        told = self.platform.ids()
        wanted = {f"case-{n}-r1" for n in range(self.sent)}
        return {
            "broker_faults": self.faults,
            "clock_jumps": self.jumps,
            "committed": self.sent,
            "lost": len(wanted - set(told)),
            "doubled": len(self.platform.doubled) + len(set(told) - wanted),
            "again_before_answer": len(told) - len(set(told)) - len(self.platform.doubled),
        }


@contextmanager
def scene(
    folder: Path,
    seed: int,
    *,
    lines: Sequence[str] = (),
    clock: Clock | None = None,
    **settings: object,
) -> Iterator[Scene]:
    """Broker, box and platform; neither end is started."""
    for name, seconds in _HASTE.items():
        setattr(backoff, name, seconds)
    broker = start_broker(folder, kind="mosquitto", lines=lines)
    login = dict(settings)
    clock = clock or fast(time.time())
    box = Box(folder / "box", broker, clock=clock, **{"receipt_timeout_s": 0.5, **login})
    platform = Platform(folder / "platform", broker, **login)
    try:
        yield Scene(broker, box, platform, rng=random.Random(seed))
    finally:
        box.close()
        platform.stop()
        broker.stop()


def broker_killed(folder: Path, count: int, seed: int, *, persistent: bool) -> dict[str, object]:
    """The broker is killed and comes back, with or without what it had."""
    lines = (*_PERSISTENT, f"persistence_location {folder}/") if persistent else ()
    with scene(folder, seed, lines=lines) as s:
        s.platform.start()
        uploader, session = s.box.start(), 0
        for _ in range(count):
            s.commit(2)
            wait_until(lambda n=session: uploader.status().session > n, _WAIT_S, "connected")
            session = uploader.status().session
            s.commit(2)
            time.sleep(s.rng.uniform(0.0, 0.3))
            (s.broker.kill if s.rng.random() < 0.7 else s.broker.stop)()
            s.commit(1)
            s.broker.start()
            s.faults += 1
        return s.result()


def refusing(folder: Path, count: int, seed: int) -> dict[str, object]:
    """The access list forbids the box to send cases, again and again."""
    acl = folder / "acl"
    folder.mkdir(parents=True, exist_ok=True)
    root = "gridpatrol/1/+/+"
    closed = f"topic read #\ntopic write {root}/up/state\ntopic write {root}/dn/receipt\n"
    acl.write_text(closed)
    with scene(folder, seed, lines=(f"acl_file {acl}",)) as s:
        s.platform.start()
        uploader = s.box.start()
        for _ in range(count):
            s.commit(3)
            wait_until(lambda: "MQT-002" in str(uploader.status().last_error), _WAIT_S, "refusal")
            s.faults += 1
            acl.write_text("topic readwrite #\n")
            os.kill(s.broker.pid, signal.SIGHUP)
            s.box.wait_done(s.sent, _WAIT_S)
            acl.write_text(closed)
            os.kill(s.broker.pid, signal.SIGHUP)
        return s.result()


def slow(folder: Path, count: int, seed: int) -> dict[str, object]:
    """A line with a tenth of a second each way, that breaks now and then."""
    with scene(folder, seed) as s:
        line = SlowLine(s.broker.port, 0.1)
        s.box.settings = replace(s.box.settings, port=line.port)
        s.platform.start()
        s.box.start()
        for _ in range(count):
            s.commit(3, size_bytes=20_000)
            time.sleep(s.rng.uniform(0.0, 1.5))
            line.cut()
            s.faults += 1
        found = s.result()
        line.close()
        return found


def expired(folder: Path, count: int, seed: int) -> dict[str, object]:
    """The broker's certificate runs out; with a new one all goes on."""
    authority = Authority(folder / "ca")
    certificate, key = authority.issue("server", expired=True)
    ca = folder / "ca" / "ca.pem"
    lines = (f"cafile {ca}", f"certfile {certificate}", f"keyfile {key}")
    with scene(folder, seed, lines=lines, ca_file=ca) as s:
        uploader = s.box.start()
        for _ in range(count):
            s.commit(3)
            wait_until(lambda: "expired" in str(uploader.status().last_error), _WAIT_S, "expired")
            s.faults += 1
            authority.issue("server")
            s.broker.restart()
            s.platform.start()
            s.box.wait_done(s.sent, _WAIT_S)
            s.platform.stop()
            authority.issue("server", expired=True)
            s.broker.restart()
        authority.issue("server")
        s.broker.restart()
        return s.result()


def taken_over(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Somebody else connects under the box's client id."""
    with scene(folder, seed) as s:
        s.platform.start()
        uploader = s.box.start()
        for _ in range(count):
            wait_until(lambda: uploader.status().connected, _WAIT_S, "connected")
            session = uploader.status().session
            s.commit(3)
            thief = mqtt.Client(CallbackAPIVersion.VERSION2, NODE, protocol=mqtt.MQTTv5)
            thief.connect(s.broker.host, s.broker.port)
            thief.loop_start()
            wait_until(lambda n=session: uploader.status().session > n, _WAIT_S, "thrown out")
            thief.disconnect()
            thief.loop_stop()
            s.faults += 1
        return s.result()


def forgetting(folder: Path, count: int, seed: int) -> dict[str, object]:
    """The broker acknowledges and nobody keeps it: a bystander hears, the platform is away."""
    with scene(folder, seed) as s:
        bystander = mqtt.Client(CallbackAPIVersion.VERSION2, "bystander", protocol=mqtt.MQTTv5)
        bystander.connect(s.broker.host, s.broker.port)
        bystander.subscribe("gridpatrol/#", qos=1)
        bystander.loop_start()
        uploader = s.box.start()
        for _ in range(count):
            s.commit(3)
            wait_until(
                lambda: "no receipt" in str(uploader.status().last_error), _WAIT_S, "no word"
            )
            assert s.box.counts().pending == 3, "a PUBACK was taken for a receipt"
            s.faults += 1
            s.platform.start()
            s.box.wait_done(s.sent, _WAIT_S)
            s.platform.stop()
        s.platform.start()
        found = s.result()
        bystander.disconnect()
        bystander.loop_stop()
        return found


def bad_receipts(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Receipts lost, late, doubled, of another hash; messages lost and doubled."""
    far = start_broker(folder / "far", kind="mosquitto")
    with scene(folder, seed) as s:
        platform = Platform(folder / "platform-far", far)
        s.platform = platform
        platform.start()
        wait_until((folder / "platform-far" / "intake.db").exists)
        time.sleep(1.0)
        postman = Postman(s.broker, far, seed)
        s.box.start()
        s.commit(count)
        s.box.wait_done(count, _WAIT_S)
        s.faults = sum(n for what, n in postman.done.items() if what != "receipt good")
        found = {**s.result(), "postman": dict(postman.done)}
        postman.close()
    far.stop()
    return found


def outage(folder: Path, count: int, seed: int) -> dict[str, object]:
    """72 h without a broker, in ``count`` cases; then everything at once."""
    away, ticks = [timedelta(0)], fast(time.time())
    with scene(folder, seed, clock=lambda: ticks() + away[0]) as s:
        s.broker.stop()
        s.box.start()
        for _ in range(count):
            s.commit(1, pictures=2)
            away[0] += timedelta(hours=72) / count
        s.broker.start()
        s.platform.start()
        s.faults = 1
        return s.result()


def clock_jumps(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Both clocks jump by up to 30 days, either way, with cases resting and in the air.

    One worker: see "What it does not promise" in docs/reliability.md for several.
    """
    jumped = [timedelta(0)]

    def clock() -> datetime:
        return utc_now() + jumped[0]

    with scene(folder, seed, clock=clock) as s:
        store: Callable[[], SqliteStore] = lambda: SqliteStore(  # noqa: E731
            folder / "platform", clock, lambda: clock().timestamp()
        )
        s.platform._store = store
        s.box.start()
        s.platform.start()
        for number in range(count):
            s.commit(3)
            time.sleep(s.rng.uniform(0.0, 0.2))
            jumped[0] = timedelta(days=s.rng.uniform(-30, 30))
            s.jumps += 1
            s.commit(1)
            if number % 4 == 3:  # rows rest meanwhile
                s.platform.stop()
                s.commit(1)
                time.sleep(0.7)
                s.platform.start()
        return s.result()


SCENES: dict[str, tuple[Callable[[Path, int, int], dict[str, object]], int, int]] = {
    # scene: what it does, how often in the campaign, how often in the short form
    "broker killed": (lambda f, n, s: broker_killed(f, n, s, persistent=False), 200, 3),
    "broker killed, persistent": (lambda f, n, s: broker_killed(f, n, s, persistent=True), 200, 2),
    "refusing": (refusing, 20, 1),
    "slow": (slow, 40, 2),
    "certificate expired": (expired, 10, 1),
    "taken over": (taken_over, 50, 2),
    "acknowledges and forgets": (forgetting, 20, 1),
    "receipts": (bad_receipts, 400, 15),
    "72 h outage": (outage, 2304, 40),
    "clock jumps": (clock_jumps, 100, 4),
}
