"""The platform asks a whole box: ``gridpatrol run`` on real streams, a real broker in between.

What the camera shows is changed as a street changes: its server ends, and another one begins at
the same address with another picture.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge.clock import utc_now
from edge.errors import DeliveryError
from tests.brokers import Broker, start_broker
from tests.cameras import RtspServer
from tests.e2e.edge import Edge, make_still, until, write_config
from tests.uploader.helpers import complete
from uploader.ask import Answer, ask
from uploader.contract.messages import CONTENT_TYPE, RequestData
from uploader.contract.properties import Sign
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics
from uploader.transport import Arrived, Event, Link

pytestmark = pytest.mark.e2e

BOX = BoxTopics("gridpatrol", "420111", "box-01")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The street without and with a box in each half."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        name: make_still(folder / f"{name}.mp4", boxes=name == "full").with_suffix(".h264")
        for name in ("empty", "full")
    }


class Receipts:
    """A platform that says "complete" to every case and reply; it keeps the bytes of replies."""

    def __init__(self, broker: Broker) -> None:
        self.replies: list[bytes] = []
        self._link = Link(BrokerLogin(host=broker.host, port=broker.port), "platform", self._take)
        self._link.open([BOX.case, BOX.reply], None)

    def _take(self, event: Event) -> None:
        if not isinstance(event, Arrived):
            return
        if event.topic == BOX.reply:
            self.replies.append(event.payload)
        payload = complete(event.payload)
        self._link.publish(BOX.receipt, payload, content_type=CONTENT_TYPE, user={})
        self._link.ack(event)

    def stop(self) -> None:
        self._link.close()


@dataclass
class Street:
    """A box with one camera, and the platform's end of the line."""

    folder: Path
    clips: dict[str, Path]
    broker: Broker
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.platform = Receipts(self.broker)
        self.camera = RtspServer({"street": self.clips["empty"]})
        self.config = write_config(self.folder, [self.camera.url("street")], self.broker.port)
        document = json.loads(self.config.read_text())
        for zone in document["cameras"][0]["zones"]:
            zone["gone_after_s"] = 600  # a case stays open whatever is done to its place
        for section, values in self.changes.items():
            document[section] |= values
        self.config.write_text(json.dumps(document))
        self.edge = Edge(self.config)

    def shows(self, name: str) -> None:
        """Another picture at the same address."""
        self.camera.stop()
        port = self.camera.port
        self.camera = RtspServer({"street": self.clips[name]}, port=port)

    def case(self) -> str:
        """A case on this box, once its place has been learned and something left there."""
        background = self.edge.state / "backgrounds" / "cam-1.png"
        assert until(background.exists, 60), self.edge.log.read_text()[-2000:]
        self.shows("full")
        assert until(lambda: len(self.edge.committed()) >= 2, 60)
        return self.edge.committed()[0][0]

    def ask(
        self,
        request: RequestData | None = None,
        *,
        patience_s: float = 60.0,
        out: Path | None = None,
        sign: Sign | None = None,
        **asked: Any,
    ) -> Answer:
        request = request or a_request(**asked)
        login = BrokerLogin(host=self.broker.host, port=self.broker.port)
        return ask(login, BOX, request, patience_s=patience_s, out=out, sign=sign)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``gridpatrol ask``, as a person types it."""
        whom = ["ask", "--box", "420111/box-01", "--port", str(self.broker.port)]
        return subprocess.run(
            [sys.executable, "-m", "edge.cli", *whom, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def payloads(self) -> list[bytes]:
        """Cases as they were, or will be, sent."""
        with sqlite3.connect(self.edge.state / "gridpatrol.db", timeout=10) as db:
            rows = db.execute("SELECT payload FROM outbox WHERE what = 'case' ORDER BY seq")
            return [row[0] for row in rows]

    def stop(self) -> None:
        self.edge.kill()
        self.camera.stop()
        self.platform.stop()


@contextmanager
def street(folder: Path, clips: dict[str, Path], **changes: Any) -> Iterator[Street]:
    broker = start_broker(folder)
    here = Street(folder, clips, broker, changes)
    try:
        yield here
    finally:
        here.stop()
        broker.stop()


def a_request(**asked: Any) -> RequestData:
    defaults = {
        "request_id": str(uuid.uuid4()),
        "action": "verify",
        "purpose": "post_handling_check",
        "looks": 3,
        "over_s": 2.0,
        "expires_at": utc_now() + timedelta(seconds=120),
        "requested_by": "test",
        "box_id": "box-01",
    }
    return RequestData(**(defaults | asked))  # type: ignore[arg-type]


def replies_stored(edge: Edge, request_id: str) -> list[tuple[str, int]]:
    with sqlite3.connect(edge.state / "gridpatrol.db", timeout=10) as db:
        return db.execute(
            "SELECT state, reply_seq FROM requests WHERE request_id = ?", (request_id,)
        ).fetchall()


@pytest.mark.timeout(300)
def test_a_place_is_verified_before_and_after_it_is_cleared(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    """Present, then gone, then cannot tell when the camera is down; a repeat, a late one, a look,
    a picture from before and one from now at the same angle."""
    with street(tmp_path, clips) as here:
        case = here.case()

        there = here.ask(case_id=case, purpose="pre_filing_verify", out=tmp_path / "there")
        assert there.reply.result == "present", there.reply.reason
        assert len(there.reply.looks) == 3
        assert [taken.present for taken in there.reply.looks].count(True) >= 2

        here.shows("empty")
        cleared = a_request(case_id=case)
        gone = here.ask(cleared, out=tmp_path / "gone")
        assert gone.reply.result == "gone", (gone.reply.reason, gone.reply.looks)
        assert {"before", "after", "near"} == set(gone.pictures)
        before, after = (cv2.imread(str(gone.pictures[role])) for role in ("before", "after"))
        assert before.shape == after.shape, "the same angle, the same cut"
        # The box that stood there is on the first picture only.
        assert before[130, 80, 2] > 150
        assert after[130, 80, 2] < 150

        again = here.ask(cleared, out=tmp_path / "again")
        assert again.payload == gone.payload, "a repeat gets the stored reply byte for byte"
        assert again.pictures["after"].read_bytes() == gone.pictures["after"].read_bytes()

        fresh = here.ask(action="look", purpose=None, camera_id="cam-1", out=tmp_path / "look")
        assert fresh.reply.result == "done"
        assert set(fresh.pictures) == {"far"}

        late = here.ask(case_id=case, expires_at=utc_now() - timedelta(seconds=1))
        assert (late.reply.result, late.reply.code) == ("expired", "ASK-002")
        assert not late.reply.looks
        unknown = here.ask(case_id="no-such-case")
        assert (unknown.reply.result, unknown.reply.code) == ("refused", "REV-002")

        printed = here.command("verify", "--case", case, "--over", "2")
        assert printed.returncode == 0, printed.stderr
        assert printed.stdout.startswith("gone: ")
        printed = here.command("look", "--camera", "cam-9")
        assert printed.returncode == 1
        assert "ASK-001" in printed.stdout

        here.camera.kill()
        down = here.ask(case_id=case, out=tmp_path / "down")
        assert down.reply.result == "cannot_tell"
        assert down.reply.code == "CAM-001"
        assert set(down.pictures) == {"before"}
        assert here.edge.process.poll() is None


@pytest.mark.timeout(300)
def test_a_request_outlives_the_box_that_works_on_it(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    """SIGKILL while it looks: taken up again after the restart, and answered once."""
    with street(tmp_path, clips) as here:
        case = here.case()
        request = a_request(case_id=case, looks=5, over_s=8.0)
        with pytest.raises(DeliveryError):
            here.ask(request, patience_s=3.0)
        assert replies_stored(here.edge, request.request_id) == [("taken", None)]
        here.edge.kill()
        here.edge.start()
        answer = here.ask(request)
        assert answer.reply.result in ("present", "cannot_tell"), answer.reply
        [(state, seq)] = replies_stored(here.edge, request.request_id)
        assert (state, seq is not None) == ("answered", True)
        assert here.ask(request).payload == answer.payload


@pytest.mark.timeout(300)
def test_a_request_waits_at_the_broker_for_a_box_that_is_away(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    with street(tmp_path, clips) as here:
        background = here.edge.state / "backgrounds" / "cam-1.png"
        assert until(background.exists, 60)
        here.edge.stop()
        request = a_request(action="look", purpose=None, camera_id="cam-1")
        with pytest.raises(DeliveryError):
            here.ask(request, patience_s=1.0)
        here.edge.start()
        assert until(lambda: bool(replies_stored(here.edge, request.request_id)), 30)


@pytest.mark.timeout(300)
def test_a_case_is_taken_back_by_hand(tmp_path: Path, clips: dict[str, Path]) -> None:
    """``gridpatrol review withdraw`` beside the running box; what still stands stays quiet."""
    with street(tmp_path, clips) as here:
        case = here.case()
        words = ["review", "withdraw", case, "--because", "有证", "-c", str(here.config)]
        command = [sys.executable, "-m", "edge.cli", *words]
        for said in ("1 case(s) will be withdrawn", "0 case(s) will be withdrawn"):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert said in done.stdout
        path = here.edge.state / "gridpatrol.db"

        def sent() -> list[tuple[str, str]]:
            with sqlite3.connect(path, timeout=10) as db:
                return db.execute(
                    "SELECT status, state FROM outbox WHERE subject = ? ORDER BY seq", (case,)
                ).fetchall()

        assert until(lambda: sent()[-1] == ("withdrawn", "done"), 30), sent()
        before = set(here.edge.committed())
        seen = last_seen(path, case)
        assert until(lambda: last_seen(path, case) != seen, 30), "it is still looked at"
        assert set(here.edge.committed()) == before
        unknown = subprocess.run([*command[:5], "nobody", *command[6:]], capture_output=True)
        assert unknown.returncode == 2
        assert b"REV-002" in unknown.stderr


def last_seen(path: Path, case_id: str) -> str:
    """When the box last saw a case's thing, as stored."""
    with sqlite3.connect(path, timeout=10) as db:
        (row,) = db.execute("SELECT last_seen FROM cases WHERE case_id = ?", (case_id,))
    return str(row[0])
