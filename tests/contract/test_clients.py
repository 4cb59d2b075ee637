"""Clients that nobody here wrote read what a box publishes, by the AsyncAPI document alone.

``mosquitto_sub`` with any JSON Schema validator, and mqtt.js with ajv in Node, which answers with
receipts of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from edge.signing import Signer, load_or_make_signer
from edge.sqlite import open_database, transaction
from tests.brokers import Broker, start_broker
from tests.contract.golden import golden_messages
from tests.contract.node import NODE_CLIENT, need, node_packages
from tests.uploader.helpers import CITY, NODE, NOON, Box, wait_until
from uploader.contract import generate
from uploader.contract.build import reported_event
from uploader.contract.messages import (
    CONTENT_TYPE,
    BilingualText,
    PublicKey,
    ReplyData,
    ReportedData,
)
from uploader.contract.properties import user_properties
from uploader.transport import Link

DOCUMENT = generate.FOLDER / "asyncapi.yaml"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto."""
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        need("mosquitto is not installed")
    running = start_broker(tmp_path, kind="mosquitto")
    yield running
    running.stop()


class SigningBox(Box):
    """A box with a key, two cases with pictures, a reply and its configuration to report."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.signer: Signer = load_or_make_signer(folder / "keys" / "box.pem")
        super().__init__(folder, broker, sign=self.signer.sign, chunk_bytes=1024)

    def fill(self) -> None:
        """Cases 1 and 2 with two pictures each; a reply without."""
        self.commit_many(range(1, 3))
        reply = ReplyData(
            request_id="7c0f6f1e-2b57-4c55-8d0b-51a6f5d1c0aa",
            action="verify",
            result="gone",
            reason=BilingualText(zh="均未见", en="not seen"),
            looks=(),
            evidence=(),
            at=NOON,
            box_id=NODE,
        )
        db = open_database(self.path, "")
        with transaction(db, self.path) as tx:
            self.outbox.enqueue_reply(tx, reply, ())
        db.close()

    def report(self) -> None:
        """Say who it is, retained, with its public key."""
        key = PublicKey(kid=self.signer.kid, algorithm="Ed25519", key=self.signer.public)
        data = ReportedData(
            config_id=None,
            config_sha256="a" * 64,
            state="applied",
            error=None,
            models=("nanodet 1.0",),
            cameras=1,
            at=NOON,
            public_key=key,
        )
        payload = reported_event(data, city=CITY, node=NODE).to_bytes()
        acked = threading.Event()
        link = Link(self.settings, f"{NODE}-reporting", lambda _event: acked.set())
        link.open(["elsewhere"], None)
        link.publish(
            f"gridpatrol/1/{CITY}/{NODE}/up/reported",
            payload,
            content_type=CONTENT_TYPE,
            user=user_properties(payload, self.signer.sign),
            retain=True,
        )
        assert acked.wait(10)
        link.close()


@contextmanager
def printing(command: list[str], folder: Path) -> Iterator[Path]:
    """Run a client; what it prints goes into the file."""
    out, err = folder / "client.out", folder / "client.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        client = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    try:
        yield out
    finally:
        client.terminate()
        client.wait(10)
    assert err.read_text() == ""


def test_mosquitto_sub_and_the_schema_files(tmp_path: Path, broker: Broker) -> None:
    """Every JSON message fits the schema that the document gives for its topic."""
    if shutil.which("mosquitto_sub") is None:
        need("mosquitto_sub is not installed (mosquitto-clients)")
    document = YAML(typ="safe").load(DOCUMENT.read_text())
    wanted = {
        re.sub(r"\{\w+\}", "+", channel["address"].replace("{root}", "gridpatrol")): name
        for name, channel in document["channels"].items()
        if "/up/" in channel["address"]
    }
    topics = [word for pattern in wanted for word in ("-t", pattern)]
    command = ["mosquitto_sub", "-p", str(broker.port), "-V", "mqttv5", "-q", "1", *topics]
    box = SigningBox(tmp_path / "box", broker)
    box.fill()
    with printing([*command, "-F", "%t|%C|%F|%x"], tmp_path) as out:
        wait_until(lambda: "SUBACK" in (tmp_path / f"broker-{broker.port}/log.txt").read_text())
        box.report()
        box.start()
        wait_until(lambda: kinds(out) >= Counter(case=2, reply=1, state=1, reported=1, blob=12))
        box.close()
        wait_until(lambda: kinds(out)["state"] >= 2)
    for line in out.read_text().splitlines():
        topic, content_type, indicator, payload = line.split("|")
        name = next(wanted[p] for p in wanted if re.fullmatch(p.replace("+", "[^/]+"), topic))
        message = document["components"]["messages"][name]
        assert indicator == str(message["bindings"]["mqtt"]["payloadFormatIndicator"])
        if name == "blob":
            assert content_type == "image/jpeg"
            continue
        assert content_type == message["contentType"]
        schema = json.loads((DOCUMENT.parent / message["payload"]["$ref"]).read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads(bytes.fromhex(payload)))


def test_node_validates_and_answers(tmp_path: Path, broker: Broker) -> None:
    """mqtt.js and ajv find nothing wrong, and the box takes their receipts: its outbox is empty."""
    box = SigningBox(tmp_path / "box", broker)
    box.fill()
    with printing(node_client(broker), tmp_path) as out:
        wait_until(lambda: "ready" in out.read_text(), what="the Node client")
        box.report()
        box.start()
        box.wait_done(3, timeout_s=60)
        box.close()
        wait_until(lambda: messages(out)[-1]["channel"] == "state")
    found = messages(out)
    assert {message["channel"] for message in found} == {
        "reported",
        "state",
        "blob",
        "case",
        "reply",
    }
    assert [message for message in found if not message["ok"]] == []


def test_node_notices_what_is_wrong(tmp_path: Path, broker: Broker) -> None:
    """The test above can fail: a forged case, an altered one, one that does not fit."""
    box = SigningBox(tmp_path / "box", broker)
    stranger = load_or_make_signer(tmp_path / "stranger.pem")
    case = golden_messages()["case-new"].to_bytes()
    misfit = case.replace(b'"revision":1', b'"revision":"1"')
    forged = {**user_properties(case, box.signer.sign), "sig": stranger.sign(case)["sig"]}
    wrong = [
        (case, forged, "wrong signature"),
        (case + b" ", user_properties(case, box.signer.sign), "sha256"),
        (misfit, user_properties(misfit, box.signer.sign), "/data/revision"),
        (case, {}, "user properties"),
    ]
    with printing(node_client(broker), tmp_path) as out:
        wait_until(lambda: "ready" in out.read_text(), what="the Node client")
        box.report()
        wait_until(lambda: len(messages(out)) == 1)
        link = Link(box.settings, "forger", lambda _event: None)
        link.open(["elsewhere"], None)
        for payload, user, _ in wrong:
            topic = f"gridpatrol/1/{CITY}/{NODE}/up/case"
            link.publish(topic, payload, content_type=CONTENT_TYPE, user=user)
        wait_until(lambda: len(messages(out)) == 1 + len(wrong))
        link.close()
    for message, (_payload, _user, fault) in zip(messages(out)[1:], wrong, strict=True):
        assert not message["ok"]
        assert any(fault in line for line in message["faults"]), message


def node_client(broker: Broker) -> list[str]:
    """The command of the Node client, its packages installed."""
    node_packages()
    url = f"mqtt://{broker.host}:{broker.port}"
    script = str(NODE_CLIENT / "client.mjs")
    return ["node", script, "--document", str(DOCUMENT), "--url", url, "--seconds", "120"]


def messages(out: Path) -> list[dict[str, Any]]:
    """What the Node client said of each message."""
    lines = [json.loads(line) for line in out.read_text().splitlines() if line.endswith("}")]
    return [line for line in lines if "channel" in line]


def kinds(out: Path) -> Counter[str]:
    """How many messages of each kind mosquitto_sub has printed."""
    return Counter(re.findall(r"^\S+/up/(\w+)", out.read_text(), re.MULTILINE))
