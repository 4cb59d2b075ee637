"""The access lists in ``deploy/``: no box reaches another's topics, nobody poses as another.

mosquitto runs on the very files that ship. EMQX is not run here: its list is read by a reader of
the few rules it uses, and must give the same matrix.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from edge.errors import DeliveryError
from tests.brokers import Broker, free_port
from tests.certificates import Authority
from tests.contract.node import need
from tests.uploader.helpers import CITY, Box, Platform, wait_until
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics
from uploader.transport import Acked, Arrived, Event, Link

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NODES = ("box-07", "box-08")
CLIENTS = (*NODES, "platform")
KNOWN = f"gridpatrol/1/{CITY}/host/known/420111001002001"
DENIED = 0x87


def topics() -> list[str]:
    """Every kind of topic of two boxes and of the city, and some of nobody."""
    found = [KNOWN, f"gridpatrol/1/{CITY}/host/other", "gridpatrol/2/x", "elsewhere"]
    for node in NODES:
        box = BoxTopics("gridpatrol", CITY, node)
        found += [box.case, box.reply, box.blob("a" * 64), box.state, box.reported]
        found += [box.checkpoint]
        found += [box.receipt, box.request, box.desired]
    return found


def may_write(client: str, topic: str) -> bool:
    """A box below its own ``up``, the platform below any ``dn`` and ``known``."""
    if client == "platform":
        return "/dn/" in topic or topic == KNOWN
    return f"/{client}/up/" in topic


def may_read(client: str, topic: str) -> bool:
    """A box below its own ``dn``, the platform below any ``up``, all of them what is known."""
    return topic == KNOWN or ("/up/" if client == "platform" else f"/{client}/dn/") in topic


@dataclass
class Secure:
    """The shipped broker and the certificates around it."""

    broker: Broker
    platform_port: int
    authority: Authority
    folder: Path

    def login(self, name: str, *, authority: Authority | None = None) -> BrokerLogin:
        """As this client, on its listener; another authority may have signed the certificate."""
        certificate, key = (authority or self.authority).issue(name)
        return BrokerLogin(
            host="127.0.0.1",
            port=self.platform_port if name == "platform" else self.broker.port,
            ca_file=self.authority.folder / "ca.pem",
            cert_file=certificate,
            key_file=key,
        )


@dataclass
class Client:
    """A link and what came over it."""

    link: Link
    events: SimpleQueue[Event] = field(default_factory=SimpleQueue)
    topics: list[str] = field(default_factory=list)
    acked: dict[int, int] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def connect(cls, login: BrokerLogin, client_id: str) -> Client:
        """Connected, and subscribed to everything."""
        events: SimpleQueue[Event] = SimpleQueue()
        client = cls(Link(login, client_id, events.put), events)
        client.link.open(["#"], None)
        return client

    def drain(self) -> None:
        """Take in what has come."""
        while True:
            try:
                event = self.events.get_nowait()
            except Empty:
                return
            if isinstance(event, Arrived):
                self.topics.append(event.topic)
                self.link.ack(event)
            elif isinstance(event, Acked):
                self.acked[event.mid] = event.code
            else:
                self.ended.set()

    def publish(self, topic: str) -> int:
        """Returns the broker's answer."""
        mid = self.link.publish(topic, b"x", content_type="text/plain", user={})
        wait_until(lambda: self.drain() is None and mid in self.acked)
        return self.acked[mid]


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    """mosquitto on ``deploy/mosquitto``, paths and ports moved into the test's folder."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        need("mosquitto is not installed")
    authority = Authority(tmp_path / "pki")
    folder, ports = tmp_path / "etc", (free_port(), free_port())
    (folder / "db").mkdir(parents=True)
    certificate, key = authority.issue("server")
    shutil.copy(certificate, folder / "server.pem")
    shutil.copy(key, folder / "server.key")
    shutil.copy(authority.folder / "ca.pem", folder / "ca.pem")
    shutil.copy(DEPLOY / "mosquitto/acl", folder / "acl")
    config = (DEPLOY / "mosquitto/mosquitto.conf").read_text()
    config = config.replace("/etc/mosquitto/", f"{folder}/")
    config = config.replace("/var/lib/mosquitto/", f"{folder}/db/")
    for shipped, port in zip(("8883", "8884"), ports, strict=True):
        config = config.replace(f"listener {shipped}", f"listener {port} 127.0.0.1")
    if os.geteuid() == 0:
        config = "user root\n" + config
    (folder / "mosquitto.conf").write_text(config)
    command = [program, "-c", str(folder / "mosquitto.conf")]
    broker = Broker("127.0.0.1", ports[0], "mosquitto", command, folder / "log.txt")
    broker.start()
    yield Secure(broker, ports[1], authority, folder)
    broker.stop()


def test_mosquitto_lets_each_client_do_what_it_may(secure: Secure) -> None:
    """Every topic, both verbs, two boxes and the platform; everybody is subscribed to all."""
    clients = {name: Client.connect(secure.login(name), name) for name in CLIENTS}
    for name, client in clients.items():
        for topic in topics():
            assert (client.publish(topic) != DENIED) == may_write(name, topic), (name, topic)
    # A last message to each: what was to come before it has come.
    for node in NODES:
        clients["platform"].publish(BoxTopics("gridpatrol", CITY, node).receipt)
        clients[node].publish(BoxTopics("gridpatrol", CITY, node).state)
    written = [t for t in topics() for name in CLIENTS if may_write(name, t)]
    for name, client in clients.items():
        expected = sorted(t for t in written if may_read(name, t))
        last = len(expected) + (2 if name == "platform" else 1)
        wait_until(lambda c=client, n=last: c.drain() is None and len(c.topics) >= n)  # type: ignore[misc]
        assert sorted(set(client.topics)) == sorted(set(expected))
        client.link.close()


def test_a_box_cannot_take_over_anothers_session(secure: Secure) -> None:
    """It comes in under its own name whatever client id it gives."""
    victim = Client.connect(secure.login("box-07"), "box-07")
    rogue = Client.connect(secure.login("box-08"), "box-07")
    topic = BoxTopics("gridpatrol", CITY, "box-07").state
    assert victim.publish(topic) != DENIED
    assert rogue.publish(topic) == DENIED
    assert not victim.ended.is_set()
    rogue.link.close()
    victim.link.close()


def test_two_workers_of_the_platform_are_two(secure: Secure) -> None:
    """They share a certificate, not a session."""
    login = secure.login("platform")
    first, second = Client.connect(login, "worker-1"), Client.connect(login, "worker-2")
    box = BoxTopics("gridpatrol", CITY, "box-07")
    assert DENIED not in (first.publish(box.receipt), second.publish(box.receipt))
    first.drain()
    assert not first.ended.is_set()
    first.link.close()
    second.link.close()


def test_who_has_no_good_certificate_does_not_get_in(secure: Secure, tmp_path: Path) -> None:
    """None, one that has expired, one of another authority."""
    good = secure.login("box-07")
    stranger = secure.login("box-07", authority=Authority(tmp_path / "stranger"))
    certificate, key = secure.authority.issue("box-09", expired=True)
    expired = BrokerLogin(
        host=good.host, port=good.port, ca_file=good.ca_file, cert_file=certificate, key_file=key
    )
    nobody = BrokerLogin(host=good.host, port=good.port, ca_file=good.ca_file)
    for login in (stranger, expired, nobody):
        with pytest.raises(DeliveryError):
            Client.connect(login, "box-07")


def test_a_revoked_certificate_does_not_get_in(secure: Secure) -> None:
    """With the list of revocations that the shipped file leaves commented out."""
    revoked, good = secure.login("box-07"), secure.login("box-08")
    assert revoked.cert_file is not None
    Client.connect(revoked, "box-07").link.close()
    shutil.copy(secure.authority.revoke(revoked.cert_file), secure.folder / "crl.pem")
    config = secure.folder / "mosquitto.conf"
    config.write_text(config.read_text().replace("# crlfile", "crlfile"))
    secure.broker.restart()
    with pytest.raises(DeliveryError):
        Client.connect(revoked, "box-07")
    Client.connect(good, "box-08").link.close()


def test_cases_flow_over_the_shipped_broker(secure: Secure, tmp_path: Path) -> None:
    """A box and a platform with certificates alone, on topics the list allows."""
    certificates = secure.authority.folder
    secure.authority.issue("platform")
    secure.authority.issue("box-07")
    ca = {"ca_file": certificates / "ca.pem"}
    platform = Platform(
        tmp_path / "platform",
        replace(secure.broker, port=secure.platform_port),
        cert_file=certificates / "platform.pem",
        key_file=certificates / "platform.key",
        **ca,
    )
    box = Box(
        tmp_path / "box",
        secure.broker,
        cert_file=certificates / "box-07.pem",
        key_file=certificates / "box-07.key",
        **ca,
    )
    platform.start()
    box.start()
    box.commit_many(range(3))
    box.wait_done(3)
    box.close()
    platform.stop()
    assert len(platform.told) == 3


def test_emqx_has_the_same_matrix() -> None:
    """Its rules, first match first, allow what mosquitto's do."""
    rules = emqx_rules((DEPLOY / "emqx/acl.conf").read_text())
    for name in CLIENTS:
        for topic in topics():
            allowed = {
                verb: emqx_allows(rules, name, verb, topic) for verb in ("publish", "subscribe")
            }
            expected = {"publish": may_write(name, topic), "subscribe": may_read(name, topic)}
            assert allowed == expected, (name, topic)


Rule = tuple[str, str, str, list[str]]


def emqx_rules(text: str) -> list[Rule]:
    """The rules of the file: (allow or deny, user or all, verb or all, topics)."""
    lines = "".join(line for line in text.splitlines(True) if not line.startswith("%%"))
    found: list[Rule] = []
    shape = r'\{(allow|deny), (?:\{user, "(\w+)"\}|all)(?:, (publish|subscribe|all), \[(.*)\])?\}'
    for statement in filter(None, (part.strip() for part in re.split(r"\.\s*\n", lines))):
        match = re.fullmatch(shape, statement)
        assert match, statement
        names = re.findall(r'"([^"]+)"', match[4] or "") or ["#"]
        found.append((match[1], match[2] or "all", match[3] or "all", names))
    return found


def emqx_allows(rules: list[Rule], user: str, verb: str, topic: str) -> bool:
    """What EMQX does: the first rule that speaks of user, verb and topic decides."""
    for permission, who, what, names in rules:
        if who not in ("all", user) or what not in ("all", verb):
            continue
        if any(covers(name.replace("${username}", user), topic) for name in names):
            return permission == "allow"
    return False


def covers(pattern: str, topic: str) -> bool:
    """MQTT's wildcards."""
    expression = re.escape(pattern).replace(r"\+", "[^/]+")
    expression = re.sub(r"(?:^|/)\\?#$", "(?:/.*)?", expression) if pattern != "#" else ".*"
    return re.fullmatch(expression, topic) is not None
