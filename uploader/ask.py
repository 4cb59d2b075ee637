"""Asking a box from the platform's side: publish a request, wait for its one answer.

What ``gridpatrol ask`` runs, and what a platform may copy. It only listens: receipts are the
consumer's matter, so a box whose replies nobody takes in repeats them.
"""

from __future__ import annotations

import mimetypes
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory

from edge.clock import utc_now
from edge.errors import Code, ContractError, DeliveryError
from uploader.contract.build import desired_event, request_event
from uploader.contract.messages import (
    CONTENT_TYPE,
    DesiredData,
    ReplyData,
    ReplyEvent,
    ReportedData,
    ReportedEvent,
    RequestData,
    read,
)
from uploader.contract.properties import Sign, user_properties
from uploader.intake.blobs import FolderRoom
from uploader.settings import BrokerLogin
from uploader.topics import BoxTopics, read_up
from uploader.transport import Arrived, Event, Link, Lost

_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a box answered.

    Attributes:
        payload: the exact bytes; a repeated request gets the same.
        reply: what they say.
        pictures: files written, by role.
    """

    payload: bytes
    reply: ReplyData
    pictures: dict[str, Path]


def ask(
    login: BrokerLogin,
    box: BoxTopics,
    request: RequestData,
    *,
    patience_s: float,
    out: Path | None = None,
    sign: Sign | None = None,
) -> Answer:
    """Publish a request and wait for its answer and the pictures that belong to it.

    Args:
        login: the broker, as somebody who may write ``dn/request`` and read ``up/#``.
        box: the box's topics.
        request: what is asked; asked again with the same id, the same answer comes back.
        patience_s: how long to wait.
        out: folder for the pictures; None: they are not kept.
        sign: the platform's key, where boxes have ``mqtt.trusted_keys``.

    Raises:
        DeliveryError: the broker cannot be reached, or no answer came in time (MQT-006).
        StoreError: the folder cannot be written.
    """
    events: SimpleQueue[Event] = SimpleQueue()
    link = Link(login, f"ask-{uuid.uuid4().hex[:12]}", events.put)
    try:
        link.open([box.reply, box.blob("+")], None)
        payload = request_event(request, at=utc_now()).to_bytes()
        link.publish(
            box.request, payload, content_type=CONTENT_TYPE, user=user_properties(payload, sign)
        )
        with TemporaryDirectory(prefix="gridpatrol-ask-") as folder:
            return _Waiting(link, events, request.request_id, FolderRoom(Path(folder))).until(
                time.monotonic() + patience_s, out
            )
    finally:
        link.close()


def publish_desired(
    login: BrokerLogin,
    box: BoxTopics,
    desired: DesiredData,
    *,
    patience_s: float,
    sign: Sign | None = None,
) -> ReportedData:
    """Publish a configuration (retained) and wait for what the box reports of it.

    Raises:
        DeliveryError: the broker cannot be reached, or the box has not dealt with it (MQT-006).
    """
    events: SimpleQueue[Event] = SimpleQueue()
    link = Link(login, f"ask-{uuid.uuid4().hex[:12]}", events.put)
    try:
        link.open([box.reported], None)
        payload = desired_event(desired, at=utc_now()).to_bytes()
        user = user_properties(payload, sign)
        link.publish(box.desired, payload, content_type=CONTENT_TYPE, user=user, retain=True)
        end = time.monotonic() + patience_s
        while (left := end - time.monotonic()) > 0:
            try:
                event = events.get(timeout=min(left, _POLL_S))
            except Empty:
                continue
            if isinstance(event, Arrived):
                link.ack(event)
                reported = read(ReportedEvent, event.payload, event.topic).data
                if _answers(reported, desired):
                    return reported
    finally:
        link.close()
    raise DeliveryError(
        Code.MQT_NO_ANSWER,
        f"configuration {desired.config_id}",
        "the box has not reported on it in time",
        "It is retained: the box takes it up when it is back; see up/reported",
    )


def _answers(reported: ReportedData, desired: DesiredData) -> bool:
    """Not what the box reported before it had seen this one."""
    if reported.config_id != desired.config_id or reported.state == "pending":
        return False
    return reported.state == "refused" or reported.config_sha256 == desired.sha256


class _Waiting:
    """Collects chunks and the reply; the pictures come before the message that names them."""

    def __init__(
        self, link: Link, events: SimpleQueue[Event], request_id: str, blobs: FolderRoom
    ) -> None:
        self._link = link
        self._events = events
        self._request_id = request_id
        self._blobs = blobs

    def until(self, end: float, out: Path | None) -> Answer:
        while (left := end - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=min(left, _POLL_S))
            except Empty:
                continue
            if isinstance(event, Lost):
                raise DeliveryError(
                    Code.MQT_UNREACHABLE, "ask", event.reason, "Ask again with the same id"
                )
            if isinstance(event, Arrived):
                self._link.ack(event)
                reply = self._take(event)
                if reply is not None:
                    return Answer(event.payload, reply, self._lay_out(reply, out))
        raise DeliveryError(
            Code.MQT_NO_ANSWER,
            f"request {self._request_id}",
            "the box has not answered in time",
            "Ask again with the same request_id: it is answered once, and the answer is kept",
        )

    def _take(self, message: Arrived) -> ReplyData | None:
        topic = read_up(message.topic)
        try:
            if topic is not None and topic.what == "blob":
                offset, total = int(message.user["offset"]), int(message.user["total"])
                self._blobs.add(topic.sha256, offset, total, message.payload)
            elif topic is not None and topic.what == "reply":
                reply = read(ReplyEvent, message.payload, message.topic).data
                return reply if reply.request_id == self._request_id else None
        except (ContractError, LookupError, ValueError):
            return None  # somebody else's, or broken: ours may still come
        return None

    def _lay_out(self, reply: ReplyData, out: Path | None) -> dict[str, Path]:
        pictures: dict[str, Path] = {}
        for item in reply.evidence if out is not None else ():
            if out is None or not self._blobs.has(item.sha256):
                continue
            out.mkdir(parents=True, exist_ok=True)
            suffix = mimetypes.guess_extension(item.media_type) or ""
            path = out / f"{item.role}{suffix}"
            path.write_bytes(self._blobs.path(item.sha256).read_bytes())
            pictures[item.role] = path
        return pictures
