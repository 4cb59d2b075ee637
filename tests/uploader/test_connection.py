"""The connection: logins, presence, brokers that hang, refuse or drop."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import ConfigError, DeliveryError
from tests.brokers import Broker, free_port, make_certificates, start_broker
from tests.uploader.helpers import CITY, NODE, Box, Platform, wait_until
from uploader.contract.messages import ReceiptEvent, StateEvent
from uploader.publisher import Uploader
from uploader.settings import BrokerLogin, Uplink
from uploader.transport import Event, Link

pytestmark = pytest.mark.e2e
_STATE = f"gridpatrol/1/{CITY}/{NODE}/up/state"
_RECEIPT = f"gridpatrol/1/{CITY}/{NODE}/dn/receipt"


class Listener:
    """An independent client: what does the broker give to a stranger?"""

    def __init__(self, broker: Broker, *topics: str) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _c, _d, message: self.messages.append(message)
        self.client.connect(broker.host, broker.port)
        self.client.subscribe([(topic, mqtt.SubscribeOptions(qos=1)) for topic in topics])
        self.client.loop_start()

    def states(self) -> list[tuple[int, str]]:
        """Session and reason of every presence message."""
        found = [StateEvent.model_validate_json(m.payload).data for m in self.messages]
        return [(state.session, state.reason) for state in found]

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


def test_wrong_password_then_right(tmp_path: Path) -> None:
    """A refused login: one line with MQT-002, no password in it, nothing lost."""
    passwords = tmp_path / "passwords.txt"
    passwords.write_text("box-07:right-secret\nplatform:other-secret\n")
    broker = start_broker(tmp_path, password_file=passwords)
    box = Box(tmp_path / "box", broker, username=NODE, password="wrong-secret")
    platform = Platform(tmp_path / "platform", broker, username="platform", password="other-secret")
    platform.start()
    try:
        box.commit_many(range(3))
        with structlog.testing.capture_logs() as logs:
            uploader = box.start()
            wait_until(lambda: uploader.status().last_error is not None)
            time.sleep(0.5)
            uploader.stop()
        faults = [line for line in logs if line["event"] == "uplink_fault"]
        assert [line["code"] for line in faults] == ["MQT-002"]
        assert "secret" not in str(logs) + str(uploader.status()) + repr(box.settings)
        assert box.counts().pending == 3
        box.settings = replace(box.settings, password="right-secret")
        box.start()
        box.wait_done(3)
        assert len(platform.told) == 3
    finally:
        box.close()
        platform.stop()
        broker.stop()


def test_login_put_right_at_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The box comes in by itself once the broker knows it, and stays with that connection."""
    monkeypatch.setattr("uploader.backoff._FIRST_LOGIN_S", 0.2)
    port = free_port()
    passwords = tmp_path / "passwords.txt"
    passwords.write_text("box-07:old-secret\n")
    broker = start_broker(tmp_path, port=port, password_file=passwords)
    box = Box(tmp_path / "box", broker, username=NODE, password="new-secret")
    uploader = box.start()
    wait_until(lambda: "MQT-002" in str(uploader.status().last_error))
    broker.stop()
    passwords.write_text("box-07:new-secret\n")
    with structlog.testing.capture_logs() as logs:
        broker = start_broker(tmp_path, port=port, password_file=passwords)
        wait_until(lambda: uploader.status().connected)
        time.sleep(1)
        assert [x["event"] for x in logs].count("uplink_connected") == 1
    assert uploader.status().connected
    box.close()
    broker.stop()


def test_platform_that_cannot_store(broker: Broker, box: Box, platform: Platform) -> None:
    """A platform whose database fails asks for patience, and the case waits on the box."""
    listener = Listener(broker, _RECEIPT)
    platform.start()
    wait_until((platform.folder / "intake.db").exists)
    time.sleep(0.3)
    with sqlite3.connect(platform.folder / "intake.db") as db:
        db.execute("ALTER TABLE messages RENAME TO elsewhere")
    box.start()
    box.commit_many(range(1), pictures=0)
    wait_until(lambda: len(listener.messages) >= 1)
    receipt = ReceiptEvent.model_validate_json(listener.messages[0].payload).data
    assert (receipt.result, receipt.retry_after_s) == ("retry_after", 10.0)
    time.sleep(0.3)
    assert box.counts().pending == 1
    assert not box.outbox.due(datetime.now(UTC), 1)
    listener.close()


def test_mutual_tls(tmp_path: Path) -> None:
    """Cases travel over TLS with certificates on both sides; a stranger's CA is refused."""
    certificates = make_certificates(tmp_path / "tls")
    broker = start_broker(tmp_path, kind="mosquitto", certificates=certificates)
    own = {
        "ca_file": certificates / "ca.crt",
        "cert_file": certificates / "client.crt",
        "key_file": certificates / "client.key",
    }
    box = Box(tmp_path / "box", broker, **own)
    platform = Platform(tmp_path / "platform", broker, **own)
    platform.start()
    try:
        box.start()
        box.commit_many(range(2))
        box.wait_done(2)
        stranger = make_certificates(tmp_path / "stranger") / "ca.crt"
        link = Link(replace(box.settings, ca_file=stranger), "x", lambda _event: None)
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            link.open([], None)
        link.close()
    finally:
        box.close()
        platform.stop()
        broker.stop()


def test_unreachable_is_said_once_and_heals(tmp_path: Path) -> None:
    """No broker at all: MQT-001, one line, and delivery once it is there."""
    port = free_port()
    broker = Broker("127.0.0.1", port, "none", [], tmp_path / "log")
    box = Box(tmp_path / "box", broker)
    box.commit_many(range(2))
    with structlog.testing.capture_logs() as logs:
        uploader = box.start()
        wait_until(lambda: uploader.status().session >= 2)
    assert [line["code"] for line in logs if "code" in line] == ["MQT-001"]
    assert not uploader.status().connected
    assert uploader.status().pending == 2
    real = start_broker(tmp_path, port=port)
    platform = Platform(tmp_path / "platform", real)
    platform.start()
    try:
        box.wait_done(2)
    finally:
        box.close()
        platform.stop()
        real.stop()


def test_presence_online_then_stopped(broker: Broker, box: Box) -> None:
    """Online with a new session at each start, stopped at a clean end, both retained."""
    _one_presence(broker, box, 1)
    _one_presence(broker, box, 2)


def _one_presence(broker: Broker, box: Box, session: int) -> None:
    uploader = box.start()
    wait_until(lambda: uploader.status().connected)
    listener = Listener(broker, _STATE)
    wait_until(lambda: len(listener.messages) == 1)
    assert listener.states() == [(session, "online")]
    uploader.stop()
    wait_until(lambda: len(listener.messages) == 2)
    assert listener.states()[1] == (session, "stopped")
    listener.close()


def test_presence_lost_when_killed(broker: Broker, box: Box) -> None:
    """A killed box is announced by its Will, with the session it had."""
    listener = Listener(broker, _STATE)
    victim = Path(__file__).with_name("victim.py")
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(victim), str(box.path), str(broker.port)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    wait_until(lambda: len(listener.messages) == 1)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    wait_until(lambda: len(listener.messages) == 2)
    assert listener.states() == [(1, "online"), (1, "lost")]
    listener.close()


def test_stop_is_bounded_when_the_broker_hangs(broker: Broker, box: Box) -> None:
    """A frozen broker does not hold up the end of the box."""
    uploader = box.start()
    wait_until(lambda: uploader.status().connected)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        box.commit_many(range(20), size_bytes=200_000)
        time.sleep(0.3)
        before = time.monotonic()
        uploader.stop(timeout_s=10)
        assert time.monotonic() - before < 8
        assert not uploader.status().connected
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert box.counts().pending == 20


def test_forged_receipts_settle_nothing(broker: Broker, box: Box, platform: Platform) -> None:
    """Receipts that are no receipt, or speak of other bytes, leave the row where it is."""
    listener = Listener(broker, _RECEIPT)
    golden = Path(__file__).parents[2] / "uploader/contract/golden/v1.1/receipt-complete.json"
    forged = ReceiptEvent.model_validate_json(golden.read_bytes())
    data = forged.data.model_copy(update={"case_id": "case-0", "revision": 1})
    forged = forged.model_copy(update={"data": data})
    with structlog.testing.capture_logs() as logs:
        uploader = box.start()
        wait_until(lambda: uploader.status().connected)
        box.commit_many(range(1))
        for payload in (b"no json", forged.to_bytes()):
            listener.client.publish(_RECEIPT, payload, 1)
        wait_until(lambda: {"MSG-001", "MSG-002"} <= {line.get("code") for line in logs})
    assert box.counts().pending == 1
    platform.start()
    box.wait_done(1)
    listener.close()


def test_messages_that_misfit_are_refused_and_kept(
    broker: Broker, box: Box, platform: Platform
) -> None:
    """Rubbish on the case topic gets a receipt with the reason; good cases pass."""
    case = f"gridpatrol/1/{CITY}/{NODE}/up/case"
    listener = Listener(broker, _RECEIPT)
    platform.start()
    time.sleep(0.3)
    listener.client.publish(case, b'{"specversion": "1.0"}', 1)
    listener.client.publish(f"gridpatrol/1/{CITY}/{NODE}/up/blob/{'0' * 64}", b"x", 1)
    wait_until(lambda: len(listener.messages) == 1)
    receipt = ReceiptEvent.model_validate_json(listener.messages[0].payload).data
    assert receipt.result == "rejected"
    assert "MSG-001" in str(receipt.reason)
    box.start()
    box.commit_many(range(1))
    box.wait_done(1)
    listener.close()


@pytest.mark.parametrize(
    ("login", "code"),
    [
        (BrokerLogin(host="127.0.0.1", port=1), "MQT-001"),
        (BrokerLogin(host="no-such-host.invalid"), "MQT-001"),
        (BrokerLogin(host="127.0.0.1", port=1, ca_file=Path("/nowhere/ca.pem")), "MQT-001"),
    ],
)
def test_link_says_why(login: BrokerLogin, code: str) -> None:
    """Every failure to connect has a code."""
    events: list[Event] = []
    link = Link(login, "somebody", events.append)
    with pytest.raises(DeliveryError) as caught:
        link.open([], None)
    assert caught.value.code == code
    link.close()


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that accepts and says nothing is given up."""
    monkeypatch.setattr("uploader.transport._ANSWER_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        login = BrokerLogin(host="127.0.0.1", port=server.getsockname()[1])
        link = Link(login, "somebody", lambda _event: None)
        with pytest.raises(DeliveryError, match="no CONNACK"):
            link.open([], None)
        before = time.monotonic()
        link.close()
        assert time.monotonic() - before < 4
    assert not [t for t in threading.enumerate() if t.name.endswith("somebody")]


@pytest.mark.parametrize("node", ["", "ab", "Box-07", "box/07", "box+", "x" * 33])
def test_node_ids_that_do_not_fit(tmp_path: Path, node: str) -> None:
    """An id that would break the topics is refused at once."""
    with pytest.raises(ConfigError):
        Uploader(Uplink(host="127.0.0.1", city=CITY, node=node), tmp_path / "state.db")
