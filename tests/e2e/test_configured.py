"""A whole box gets another configuration over a real broker, and keeps running whatever it is."""

from __future__ import annotations

import hashlib
import json
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.clock import utc_now
from edge.signing import Signer
from tests.e2e.edge import until
from tests.e2e.test_asked import BOX, Street, clips, street
from uploader.ask import publish_desired
from uploader.contract.build import known_event
from uploader.contract.messages import (
    CONTENT_TYPE,
    DesiredData,
    KnownCase,
    KnownData,
    ReportedData,
)
from uploader.contract.properties import Sign, user_properties
from uploader.settings import BrokerLogin
from uploader.transport import Link

pytestmark = pytest.mark.e2e
__all__ = ["clips"]

CELL = "420111001002001"


def publish(here: Street, document: dict[str, Any], sign: Sign | None = None) -> ReportedData:
    text = json.dumps(document)
    desired = DesiredData(
        config_id=f"c-{uuid.uuid4().hex[:8]}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        yaml=text,
        box_id=BOX.node,
    )
    login = BrokerLogin(host=here.broker.host, port=here.broker.port)
    return publish_desired(login, BOX, desired, patience_s=60, sign=sign)


def lines(here: Street, event: str) -> int:
    return here.edge.log.read_text().count(f'"event": "{event}"')


@pytest.mark.timeout(300)
def test_a_box_is_reconfigured_from_afar(tmp_path: Path, clips: dict[str, Path]) -> None:
    """Applied, refused, and gone back from: the case that is open stays one case throughout."""
    with street(tmp_path, clips) as here:
        here.case()
        before = {case for case, _ in here.edge.committed()}
        document = json.loads(here.config.read_text())

        two = json.loads(json.dumps(document))
        two["cameras"].append({**two["cameras"][0], "id": "cam-2", "zones": []})
        reported = publish(here, two)
        assert (reported.state, reported.cameras) == ("applied", 2), reported.error
        assert json.loads(here.config.read_text()) == two
        assert here.ask(action="look", purpose=None, camera_id="cam-2").reply.result == "done"

        broken = json.loads(json.dumps(two))
        broken["cameras"][0]["zones"][0]["watch"] = "flying_carpets"
        reported = publish(here, broken)
        assert reported.state == "refused"
        assert "watch" in (reported.error or "")
        assert lines(here, "configuration_changes") == 1, "nothing was stopped for it"

        # It reads well, and cannot be built: the box is taken down, and comes back on the old one.
        elsewhere = json.loads(json.dumps(two))
        elsewhere["cameras"][0]["position"] = {"lon": 10.0, "lat": 10.0}
        reported = publish(here, elsewhere)
        assert reported.state == "refused"
        assert "CFG-006" in (reported.error or "")
        assert reported.config_sha256 == hashlib.sha256(here.config.read_bytes()).hexdigest()
        assert json.loads(here.config.read_text()) == two
        assert here.ask(action="look", purpose=None, camera_id="cam-1").reply.result == "done"

        here.edge.stop()
        here.edge.start()
        assert here.ask(action="look", purpose=None, camera_id="cam-2").reply.result == "done"
        assert {case for case, _ in here.edge.committed()} == before

        # At the box itself: the file is changed, and SIGHUP says so.
        here.config.write_text(json.dumps(document))
        here.edge.process.send_signal(signal.SIGHUP)
        assert until(lambda: lines(here, "configuration_changes") >= 3, 30)
        refused = here.ask(action="look", purpose=None, camera_id="cam-2").reply
        assert refused.result in ("refused", "done")  # the platform's wish comes again
        assert here.edge.process.poll() is None


@pytest.mark.timeout(300)
def test_only_the_platforms_key_may_command(tmp_path: Path, clips: dict[str, Path]) -> None:
    key = Ed25519PrivateKey.generate()
    pem = tmp_path / "platform.pub.pem"
    pem.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with street(tmp_path, clips, mqtt={"trusted_keys": [str(pem)]}) as here:
        # A broker keeps nothing for a box that has never been there.
        assert until(lambda: lines(here, "uplink_connected") == 1, 30)
        unsigned = here.ask(action="look", purpose=None, camera_id="cam-1")
        assert (unsigned.reply.result, unsigned.reply.code) == ("refused", "SEC-002")
        sign = Signer(key).sign
        signed = here.ask(action="look", purpose=None, camera_id="cam-1", sign=sign)
        assert signed.reply.result == "done"
        document = json.loads(here.config.read_text())
        document["cameras"][0]["name_en"] = "Corner"
        assert publish(here, document).state == "refused"
        assert publish(here, document, sign).state == "applied"


@pytest.mark.timeout(300)
def test_a_known_problem_is_no_new_case(tmp_path: Path, clips: dict[str, Path]) -> None:
    """A citizen's report of the pile is open at the platform: the box attaches to it."""
    with street(tmp_path, clips) as here:
        citizen = KnownCase(
            ref="SSP-2026-1107",
            category="0136",
            kind="piled_materials",
            lon=None,
            lat=None,
            opened_at=utc_now(),
            origin="随手拍",
        )
        told = known_event(KnownData(grid_cell=CELL, cases=(citizen,), at=utc_now())).to_bytes()
        link = Link(BrokerLogin(host=here.broker.host, port=here.broker.port), "k", print)
        link.open([BOX.state], None)
        link.publish(
            BOX.known(CELL),
            told,
            content_type=CONTENT_TYPE,
            user=user_properties(told),
            retain=True,
        )
        assert until(lambda: lines(here, "known_cases") == 1, 30)
        link.close()
        here.case()
        first = json.loads(here.payloads()[0])["data"]
        assert (first["status"], first["attached_to"]) == ("update", "SSP-2026-1107")
        assert first["revision"] == 1
        assert "SSP-2026-1107" in first["reasons"][0]["zh"]


@pytest.mark.timeout(300)
def test_a_patrolled_camera_is_opened_to_verify(tmp_path: Path, clips: dict[str, Path]) -> None:
    """Its next visit would be in ten minutes; the answer comes in seconds, from what it knows."""
    with street(tmp_path, clips) as here:
        case = here.case()
        document = json.loads(here.config.read_text())
        document["cameras"][0] |= {"mode": "patrolled", "look_every_s": 600}
        reported = publish(here, document)
        assert reported.state == "applied", reported.error
        ups = lines(here, "camera_up")
        assert until(lambda: lines(here, "camera_up") > ups or ups > 1, 30)
        here.shows("empty")
        gone = here.ask(case_id=case, looks=3, over_s=3.0)
        assert gone.reply.result == "gone", (gone.reply.reason, gone.reply.looks)
        assert len(gone.reply.looks) == 3
