"""With ``signed_receipts`` nobody but the platform lets a box forget a case."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

import pytest

from edge.config.load import load_settings
from edge.errors import Code, ConfigError
from edge.signing import load_or_make_signer, published
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, Box, complete, make_draft, wait_until
from uploader.contract.messages import CONTENT_TYPE
from uploader.contract.properties import Sign
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics
from uploader.transport import Arrived, Event, Link

BOX = BoxTopics("gridpatrol", CITY, NODE)


class Answering:
    """Says "complete" to every case, signed or not."""

    def __init__(self, broker: Broker, sign: Sign) -> None:
        self.sign = sign
        self.answered = 0
        self._events: SimpleQueue[Event] = SimpleQueue()
        login = BrokerLogin(host=broker.host, port=broker.port)
        self.link = Link(login, "answering", self._events.put)
        self.link.open([BOX.case], None)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            event = self._events.get()
            if not isinstance(event, Arrived):
                continue
            payload = complete(event.payload)
            user = self.sign(payload)
            self.link.publish(BOX.receipt, payload, content_type=CONTENT_TYPE, user=user)
            self.link.ack(event)
            self.answered += 1


def test_only_signed_receipts_settle(tmp_path: Path, broker: Broker) -> None:
    """Unsigned, of a stranger, over other bytes: the case stays and is sent again."""
    platform = load_or_make_signer(tmp_path / "platform.pem")
    stranger = load_or_make_signer(tmp_path / "stranger.pem")
    keys = published([platform.public])
    box = Box(tmp_path / "box", broker, receipt_keys=keys, receipt_timeout_s=1.0)
    answering = Answering(broker, lambda _payload: {})
    uploader = box.start()
    box.commit(make_draft(1, box.pictures))
    for sign in (lambda _payload: {}, stranger.sign, lambda _payload: platform.sign(b"other")):
        answering.sign = sign
        answered = answering.answered
        wait_until(lambda n=answered: answering.answered > n, 60, "another attempt")  # type: ignore[misc]
        wait_until(lambda: Code.SEC_UNSIGNED in (uploader.status().last_error or ""))
        assert box.counts().pending == 1
    answering.sign = platform.sign
    box.wait_done(1, 60)
    box.close()
    answering.link.close()


def test_signed_receipts_need_keys(tmp_path: Path) -> None:
    """Or no case would ever go."""
    root = Path(__file__).resolve().parents[2]
    text = (root / "configs/gridpatrol.yaml").read_text()
    text = text.replace("cells: grid.geojson", f"cells: {root / 'configs/grid.geojson'}")
    text = text.replace("${env:CAMERA_PASSWORD}", "${env:PATH}")
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("  # signed_receipts: false  ", "  signed_receipts: true  "))
    with pytest.raises(ConfigError, match="trusted_keys"):
        load_settings(path)
