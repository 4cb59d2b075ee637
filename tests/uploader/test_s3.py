"""Evidence by claim check, against moto's S3 server: an HTTP server with S3's own answers."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import structlog
from moto.server import ThreadedMotoServer

from edge.errors import DeliveryError
from tests.brokers import Broker, free_port
from tests.uploader.helpers import (
    CITY,
    NODE,
    Box,
    Platform,
    expected_ids,
    make_draft,
    wait_until,
)
from uploader.s3 import S3Room, S3Settings

CONTENT = b"picture" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Store:
    """An S3 server that can be switched off, with one bucket."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.port = free_port()
        self.settings = S3Settings(
            endpoint=f"http://127.0.0.1:{self.port}",
            bucket="evidence",
            access_key="box-07",
            secret_key="not-a-secret",
            prefix="drafts/",
        )
        self._server: ThreadedMotoServer | None = None

    def start(self) -> None:
        """Serve; the bucket is made when it is not there."""
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self.room = S3Room(self.settings)
        self.room._client.create_bucket(Bucket="evidence")

    def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.stop()
        self._server = None

    def names(self) -> set[str]:
        """What is stored."""
        found = self.room._client.list_objects_v2(Bucket="evidence").get("Contents", [])
        return {item["Key"] for item in found}


@pytest.fixture
def store() -> Iterator[Store]:
    """A running one."""
    made = Store()
    made.start()
    reset = urllib.request.Request(f"{made.settings.endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=5)  # the buckets are the process's, not the server's
    made.room._client.create_bucket(Bucket="evidence")
    yield made
    made.stop()


def test_put_once_get_back(store: Store) -> None:
    """Stored once, however often; what comes back is what went."""
    for _ in range(3):
        store.room.put("drafts/a", CONTENT, SHA256, "image/jpeg")
    assert store.room.get("drafts/a", SHA256, len(CONTENT)) == CONTENT
    assert store.room.get("drafts/none", SHA256, len(CONTENT)) is None


def test_other_content_is_never_taken_for_ours(store: Store) -> None:
    """Neither overwritten nor believed, at the putting and at the getting."""
    store.room._client.put_object(Bucket="evidence", Key="drafts/a", Body=b"x" * len(CONTENT))
    with pytest.raises(DeliveryError, match="EVI-005"):
        store.room.put("drafts/a", CONTENT, SHA256, "image/jpeg")
    with pytest.raises(DeliveryError, match="EVI-005"):
        store.room.get("drafts/a", SHA256, len(CONTENT))


def test_away_is_not_refused(store: Store) -> None:
    """A store that does not answer will be asked again; one without the bucket is a fault."""
    with pytest.raises(DeliveryError, match=r"EVI-005.*NoSuchBucket"):
        S3Room(replace(store.settings, bucket="other")).put("a", CONTENT, SHA256, "image/jpeg")
    store.stop()
    with pytest.raises(DeliveryError, match="EVI-004"):
        store.room.put("drafts/a", CONTENT, SHA256, "image/jpeg")


@pytest.mark.parametrize("status", [304, 412, 409])
def test_every_way_to_say_there_already(status: int) -> None:
    """Stores differ in what they answer to a conditional PUT; the HEAD decides."""

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["If-None-Match"] == "*"
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(CONTENT)

        def log_message(self, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        settings = S3Settings(endpoint=endpoint, bucket="b", access_key="a", secret_key="s")
        S3Room(settings).put("k", CONTENT, SHA256, "image/jpeg")
        server.shutdown()


def test_addresses_lead_back_to_keys() -> None:
    """Only addresses of this store are keys of it."""
    settings = S3Settings(
        endpoint="http://10.0.0.1:9000", bucket="b", access_key="a", secret_key="s",
        prefix="drafts/", public_url="https://files.example.org/",
    )  # fmt: skip
    url = settings.url(CITY, NODE, SHA256)
    assert url == f"https://files.example.org/b/drafts/{CITY}/{NODE}/{SHA256}"
    assert settings.key_of(url) == settings.key(CITY, NODE, SHA256)
    for other in ("http://169.254.169.254/b/drafts/x", f"{url}?x=1", "file:///etc/passwd", ""):
        assert settings.key_of(other) is None
    assert "not-a-secret" not in repr(Store().settings)


def payloads(box: Box) -> list[bytes]:
    """The messages as stored."""
    with sqlite3.connect(box.path) as db:
        return [payload for (payload,) in db.execute("SELECT payload FROM outbox ORDER BY seq")]


@pytest.mark.e2e
def test_the_message_says_where(tmp_path: Path, broker: Broker, store: Store) -> None:
    """Files are in the store, and the message says so in the same bytes at every attempt."""
    box = Box(tmp_path / "box", broker, s3=store.settings)
    platform = Platform(tmp_path / "platform", broker)
    platform.start()
    try:
        box.commit_many(range(3))
        before = payloads(box)
        box.start()
        wait_until(lambda: len(store.names()) == 6)
        assert payloads(box) == before
        for payload in before:
            for item in json.loads(payload)["data"]["evidence"]:
                key = store.settings.key_of(item["url"])
                assert key in store.names()
                assert store.room.get(str(key), item["sha256"], item["bytes"]) is not None
    finally:
        box.close()
        platform.stop()


@pytest.mark.e2e
def test_the_platform_fetches_what_the_message_names(
    tmp_path: Path, broker: Broker, store: Store
) -> None:
    """With the store's settings the receiver completes cases; the files pass no broker."""
    box = Box(tmp_path / "box", broker, s3=store.settings)
    platform = Platform(tmp_path / "platform", broker, s3=store.settings)
    platform.start()
    try:
        box.start()
        box.commit_many(range(3))
        box.wait_done(3, 30.0)
        assert sorted(platform.ids()) == ["case-0-r1", "case-1-r1", "case-2-r1"]
        for item in make_draft(2, tmp_path / "same").evidence:
            assert platform.contents[item.sha256] == item.path.read_bytes()
    finally:
        box.close()
        platform.stop()


@pytest.mark.e2e
@pytest.mark.parametrize("when_down", ["wait", "mqtt"])
def test_store_away(tmp_path: Path, broker: Broker, store: Store, when_down: str) -> None:
    """The case itself is never held up. Its files go over MQTT only when that was chosen."""
    store.stop()
    box = Box(tmp_path / "box", broker, s3=replace(store.settings, when_down=when_down))
    platform = Platform(tmp_path / "platform", broker)
    platform.start()
    try:
        with structlog.testing.capture_logs() as logs:
            box.start()
            box.commit(make_draft(1, box.pictures))
            wait_until(lambda: "EVI-004" in {line.get("code") for line in list(logs)})
            if when_down == "mqtt":
                box.wait_done(1)
                assert platform.ids() == ["case-1-r1"]
                return
            with sqlite3.connect(box.path) as db:
                said = "SELECT receipt FROM outbox WHERE receipt IS NOT NULL"
                wait_until(lambda: bool(db.execute(said).fetchone()))
                receipt = json.loads(db.execute(said).fetchone()[0])
            assert (receipt["result"], len(receipt["missing"])) == ("stored", 2)
            assert platform.ids() == []
            store.start()
            wait_until(lambda: len(store.names()) == 2, 40.0)
    finally:
        box.close()
        platform.stop()


@pytest.mark.e2e
def test_rows_from_before_the_store(tmp_path: Path, broker: Broker, store: Store) -> None:
    """What was enqueued without an address goes in chunks, as its message says."""
    box = Box(tmp_path / "box", broker)
    platform = Platform(tmp_path / "platform", broker)
    platform.start()
    try:
        box.commit_many(range(2))
        box.settings = replace(box.settings, s3=store.settings)
        box.start()
        box.wait_done(2)
        assert store.names() == set()
    finally:
        box.close()
        platform.stop()


@pytest.mark.e2e
def test_box_to_platform_through_the_store(tmp_path: Path, broker: Broker, store: Store) -> None:
    """The platform fetches what the message names, checks it and is told the whole case; what
    somebody put there instead is never taken for evidence."""
    draft = make_draft(9, tmp_path / "box" / "pictures")
    forged = store.settings.key(CITY, NODE, draft.evidence[0].sha256)
    content = b"x" * draft.evidence[0].size_bytes
    store.room._client.put_object(Bucket="evidence", Key=forged, Body=content)
    box = Box(tmp_path / "box", broker, s3=store.settings)
    platform = Platform(tmp_path / "platform", broker, s3=store.settings)
    platform.start()
    try:
        with structlog.testing.capture_logs() as logs:
            box.start()
            box.commit(draft)
            box.commit_many(range(3), size_bytes=200_000)
            wait_until(lambda: box.counts().done == 3, 60.0)
            wait_until(lambda: "EVI-005" in {line.get("code") for line in list(logs)})
        assert sorted(platform.ids()) == expected_ids(range(3))
        for event in platform.told:
            for item in event.data.evidence:
                assert hashlib.sha256(platform.contents[item.sha256]).hexdigest() == item.sha256
        assert box.counts().pending == 1
    finally:
        box.close()
        platform.stop()
