"""A box for the platform's tests: two cases with pictures, and an answer to every request."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge.cases.draft import CaseDraft, EvidenceItem, EvidenceRole, Location
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from tests.uploader.wire import BOX, Wire
from uploader.contract.build import from_draft, reply_event
from uploader.contract.messages import (
    BilingualText,
    LookResult,
    ReceiptEvent,
    ReplyData,
    RequestEvent,
    read,
)
from uploader.transport import Arrived, Lost

NASTY = "<img src=x onerror=document.title='hacked'>"


def photo(folder: Path, name: str, role: EvidenceRole, shade: int) -> EvidenceItem:
    """A real JPEG."""
    content = cv2.imencode(".jpg", np.full((120, 160, 3), shade, np.uint8))[1].tobytes()
    path = folder / f"{name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return EvidenceItem(role, path, sha256, len(content), "image/jpeg", NOON, "plaza")


class FakeBox(threading.Thread):
    """Sends two cases, answers every request; says what it was asked."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        super().__init__(daemon=True)
        self.complete: set[str] = set()
        self.asked: list[RequestEvent] = []
        self._wire = Wire(broker)
        self._folder = folder
        self._seq = 2

    def send_cases(self) -> None:
        """Numbers 1 and 3: 2 is missing."""
        for number, seq in ((1, 1), (2, 3)):
            pictures = tuple(
                photo(self._folder, f"{number}-{role}", role, 60 * number + i)
                for i, role in enumerate(("far", "near"))
            )
            draft = make_draft(number, self._folder, pictures=0)
            spot = Location(114.4122 + number / 10_000, 30.3405, "homography")
            draft = replace(draft, evidence=pictures, location=spot)
            self._send(replace(draft, place=NASTY) if number == 2 else draft, seq)

    def send_until_answered(self) -> None:
        """As a box does: again and again until the platform has both."""
        deadline = time.monotonic() + 60
        while len(self.complete) < 2:
            assert time.monotonic() < deadline, "no receipts"
            self.send_cases()
            time.sleep(1)

    def _send(self, draft: CaseDraft, seq: int) -> None:
        for item in draft.evidence:
            self._wire.blob(item.path.read_bytes())
        self._wire.say(BOX.case, from_draft(draft, city=CITY, node=NODE, seq=seq).to_bytes())

    def run(self) -> None:
        while True:
            event = self._wire.events.get()
            if isinstance(event, Lost):
                return
            if not isinstance(event, Arrived):
                continue
            self._wire.acknowledge(event)
            if event.topic == BOX.receipt:
                receipt = read(ReceiptEvent, event.payload, "receipt").data
                if receipt.result == "complete" and receipt.case_id:
                    self.complete.add(receipt.case_id)
            if event.topic == BOX.request:
                self._answer(read(RequestEvent, event.payload, "request"))

    def _answer(self, request: RequestEvent) -> None:
        self.asked.append(request)
        verify = request.data.action == "verify"
        roles: tuple[EvidenceRole, ...] = ("before", "after") if verify else ()
        pair = tuple(
            photo(self._folder, f"reply-{role}", role, 200 + i) for i, role in enumerate(roles)
        )
        for item in pair:
            self._wire.blob(item.path.read_bytes())
        draft = replace(make_draft(1, self._folder, pictures=0), evidence=pair)
        data = ReplyData(
            request_id=request.data.request_id,
            action=request.data.action,
            result="gone" if verify else "done",
            reason=BilingualText(zh="三次巡看均未见", en="Not there in three looks"),
            looks=(LookResult(at=NOON, present=False, score=0.1, note=None),) * 3 if verify else (),
            evidence=from_draft(draft, city=CITY, node=NODE, seq=1).data.evidence,
            at=datetime.now(UTC),
            box_id=NODE,
        )
        self._seq += 2
        self._wire.say(BOX.reply, reply_event(data, city=CITY, node=NODE, seq=self._seq).to_bytes())
