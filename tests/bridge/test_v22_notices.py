"""The city asks, the box looks, the city is answered; what people decide there, the box learns."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from tests.bridge.city import V22City
from tests.bridge.helpers import Bridge
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, wait_until
from tests.uploader.helpers import make_draft as draft_of
from tests.uploader.test_receiver import Wire
from uploader.bridge.metrics import REGISTRY
from uploader.contract.build import from_draft, reply_event
from uploader.contract.messages import (
    Answer,
    BilingualText,
    Evidence,
    ReplyData,
    RequestData,
    RequestEvent,
    read,
)
from uploader.topics import BoxTopics

pytestmark = pytest.mark.e2e
_BOX = BoxTopics("gridpatrol", CITY, NODE)
_AFTER = b"the place, swept"


@pytest.fixture
def wire(broker: Broker) -> Iterator[Wire]:
    """The box's connection."""
    made = Wire(broker)
    yield made
    made.close()


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, city: V22City, wire: Wire) -> Iterator[Bridge]:
    """A bridge that has brought case-1 to the city."""
    made = Bridge(tmp_path / "bridge", broker, city)
    made.start()
    draft = draft_of(1, tmp_path / "pictures", pictures=1)
    content = draft.evidence[0].path.read_bytes()
    payload = from_draft(draft, city=CITY, node=NODE, seq=1).to_bytes()

    def told() -> bool:
        """As a box does: again, until somebody has heard it."""
        if city.count("REPORT") == 0:
            wire.blob(content)
            wire.say(_BOX.case, payload)
            time.sleep(0.2)
        return city.count("REPORT") == 1

    wait_until(told, what="reported")
    yield made
    made.stop()


def _asked(wire: Wire) -> RequestData:
    return read(RequestEvent, wire.heard(_BOX.request).payload, _BOX.request).data


def _reply(wire: Wire, request: RequestData, result: Answer, seq: int = 2) -> None:
    now = datetime.now(UTC)
    picture = Evidence(
        role="after",
        sha256=hashlib.sha256(_AFTER).hexdigest(),
        bytes=len(_AFTER),
        media_type="image/jpeg",
        captured_at=now,
        camera_id="plaza",
    )
    wire.blob(_AFTER)
    data = ReplyData(
        request_id=request.request_id,
        action=request.action,
        result=result,
        reason=BilingualText(zh="三次巡看均未见", en="not there on 3 of 3 looks"),
        looks=(),
        evidence=(picture,) if request.action == "verify" else (),
        at=now,
        box_id=NODE,
        case_id=request.case_id,
    )
    wire.say(_BOX.reply, reply_event(data, city=CITY, node=NODE, seq=seq).to_bytes())


@pytest.mark.parametrize(("result", "state"), [("gone", 1), ("present", 0)])
def test_a_check_is_looked_at_and_answered_once(
    bridge: Bridge, wire: Wire, city: V22City, result: Answer, state: int
) -> None:
    before = _counted("open"), _counted("checked")
    city.plan["CHECK_FEEDBACK"].extend(["drop", "http:502"])
    city.plan["UPLOAD_MEDIA"].append("lost")
    city.notify("DISPOSE_FEEDBACK_NOTICE", caseId="case-1", disposeOpinion="已清理")
    request = _asked(wire)
    assert (request.action, request.purpose) == ("verify", "post_handling_check")
    assert request.case_id == "case-1"
    assert city.notices["DISPOSE_FEEDBACK_NOTICE"] == []  # signed for
    _reply(wire, request, result)
    wait_until(lambda: city.count("CHECK_FEEDBACK") == 1, 30, "answered")

    answer = next(data for action, data in city.done if action == "CHECK_FEEDBACK")
    assert answer["disposeState"] == state
    assert answer["disposeOpinion"] == "三次巡看均未见"
    [media] = [m for a, d in city.done if a == "UPLOAD_MEDIA" for m in d["medias"]]
    assert media["mediaUsage"] == "核查"
    assert base64.b64decode(media["content"]) == _AFTER
    wait_until(lambda: _counted("checked") == before[1] + 1, what="counted")
    assert _counted("open") >= before[0] + 3  # once for each answer that was lost


def _counted(result: str) -> float:
    labels = {"notice": "DISPOSE_FEEDBACK_NOTICE", "result": result}
    return REGISTRY.get_sample_value("gridpatrol_bridge_notices_total", labels) or 0.0


def test_what_the_box_cannot_tell_is_left_to_people(
    bridge: Bridge, wire: Wire, city: V22City
) -> None:
    city.notify("DISPOSE_FEEDBACK_NOTICE", caseId="case-1")
    _reply(wire, _asked(wire), "cannot_tell")
    city.notify("FINISH_NOTICE", caseId="case-1")
    request = _asked(wire)  # of the second: the first is dealt with, or it would be asked again
    while request.action == "verify":
        request = _asked(wire)
    _reply(wire, request, "done", seq=3)
    assert city.count("CHECK_FEEDBACK") == 0
    assert "cannot_tell" in get_args(get_args(Answer)[0])


@pytest.mark.parametrize(
    ("name", "reason", "verdict"),
    [
        ("CANCEL_NOTICE", "与 1 号案件重复", "duplicate"),
        ("CANCEL_NOTICE", "经查系误报", "wrong"),
        ("CANCEL_NOTICE", "超出管辖范围", "pointless"),
        ("FINISH_NOTICE", "", "right"),
    ],
)
def test_what_people_decide_comes_back_to_the_box(
    bridge: Bridge, wire: Wire, city: V22City, name: str, reason: str, verdict: str
) -> None:
    city.notify(name, caseId="case-1", applyReason=reason)
    request = _asked(wire)
    assert request.action == "feedback"
    assert request.feedback is not None
    assert (request.feedback.verdict, request.feedback.note) == (verdict, reason)


def test_a_notice_of_another_system_is_not_signed_for(
    bridge: Bridge, wire: Wire, city: V22City
) -> None:
    city.notify("CANCEL_NOTICE", caseId="somebody-else")
    city.notify("FINISH_NOTICE", caseId="case-1")
    assert _asked(wire).action == "feedback"
    assert len(city.notices["CANCEL_NOTICE"]) == 1


def test_a_notice_survives_the_bridge(
    bridge: Bridge, wire: Wire, city: V22City, tmp_path: Path, broker: Broker
) -> None:
    """Signed for, the city will not tell it again: the ledger must."""
    city.notify("DISPOSE_FEEDBACK_NOTICE", caseId="case-1")
    first = _asked(wire)
    bridge.stop()
    bridge.start()
    second = _asked(wire)
    assert second.request_id == first.request_id
    _reply(wire, second, "gone")
    wait_until(lambda: city.count("CHECK_FEEDBACK") == 1, what="answered")
