"""The platform's side of the wire: subscribes, stores, answers with receipts.

A PUBACK goes back for every message once it is dealt with, also for one that could not be
stored: it only makes room for the next. What counts is the receipt, and without one the box
sends again.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from edge.clock import Clock, utc_now
from edge.errors import Code, ContractError, DeliveryError, GridpatrolError, StoreError
from uploader.backoff import Patience
from uploader.contract.build import receipt_event
from uploader.contract.messages import CONTENT_TYPE, CaseEvent, ReceiptData, StateData
from uploader.contract.properties import user_properties
from uploader.intake import IntakeStore, Judge
from uploader.intake_records import Answer, IntakeCounts
from uploader.settings import Downlink
from uploader.topics import BoxTopics, UpTopic, read_up, up_filters
from uploader.transport import Arrived, Event, Link, Lost

_log = structlog.get_logger(__name__)

_POLL_S = 0.2
_RETRY_AFTER_S = 30.0

OnCase = Callable[[CaseEvent, tuple[Path, ...]], None]
"""Called once per complete revision, with its files in the order of ``data.evidence``. A crash
in the middle repeats the call: make it idempotent by ``event.id``."""
OnState = Callable[[BoxTopics, StateData], None]
"""Called when a box comes or goes."""


class Receiver:
    """Takes in what boxes send until told to stop.

    Args:
        settings: broker and, if wanted, a shared subscription.
        folder: where everything is kept.
        on_case: gets every complete revision.
        on_state: told when a box comes or goes.
        judge: may reject a valid case for good.
        clock: what time it is.

    Raises:
        StoreError: the folder or its database cannot be opened.
    """

    def __init__(
        self,
        settings: Downlink,
        folder: Path,
        *,
        on_case: OnCase = lambda _event, _paths: None,
        on_state: OnState = lambda _box, _state: None,
        judge: Judge = lambda _case: None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._on_case = on_case
        self._on_state = on_state
        self._clock = clock
        self._store = IntakeStore(folder, judge=judge, clock=clock)
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._last_fault = ""

    def counts(self) -> IntakeCounts:
        """What the store holds. Same thread as :meth:`run`."""
        return self._store.counts()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def run(self, stop: threading.Event, *, seconds: float | None = None) -> None:
        """Receive until ``stop`` is set or the time is over; reconnects by itself.

        A StoreError, also one from ``on_case``, is reported and tried again; anything else that
        ``on_case`` and ``on_state`` raise ends the run, and the revision is told again next time.
        """
        until = None if seconds is None else time.monotonic() + seconds
        patience = Patience()

        def over() -> bool:
            return stop.is_set() or (until is not None and time.monotonic() >= until)

        while not over():
            before = time.monotonic()
            try:
                self._tell()
                self._connection(over)
            except (DeliveryError, StoreError) as fault:
                self._report(fault)
                rest_until = time.monotonic() + patience.delay_s(fault, time.monotonic() - before)
                while not over() and time.monotonic() < rest_until:
                    stop.wait(_POLL_S)

    def _connection(self, over: Callable[[], bool]) -> None:
        # An id of its own: a second consumer with the same id would throw the first one out.
        client_id = f"{self._settings.root}-intake-{uuid.uuid4().hex[:12]}"
        link = Link(self._settings, client_id, self._events.put)
        try:
            link.open(up_filters(self._settings.root, self._settings.group), None)
            _log.info("intake_connected", host=self._settings.host)
            self._last_fault = ""
            while not over():
                self._handle_next(link)
        finally:
            link.close()
            while not self._events.empty():
                self._events.get()

    def _handle_next(self, link: Link) -> None:
        try:
            event = self._events.get(timeout=_POLL_S)
        except Empty:
            return
        if isinstance(event, Lost):
            where = f"{self._settings.host}:{self._settings.port}"
            raise DeliveryError(Code.MQT_UNREACHABLE, where, event.reason, "Connecting again")
        if isinstance(event, Arrived):
            answers = self._take(event)
            for answer in answers:
                payload = receipt_event(answer.receipt).to_bytes()
                link.publish(
                    answer.box.receipt,
                    payload,
                    content_type=CONTENT_TYPE,
                    user=user_properties(payload),
                )
            link.ack(event)
            if any(answer.receipt.result == "complete" for answer in answers):
                self._tell()

    def _take(self, message: Arrived) -> list[Answer]:
        topic = read_up(message.topic)
        if topic is None:
            return []
        try:
            match topic.what:
                case "case":
                    return [self._take_case(topic, message.payload)]
                case "blob":
                    offset, total = _numbers(message)
                    return self._store.take_chunk(topic, offset, total, message.payload)
                case "state":
                    state = self._store.take_state(topic, message.payload)
                    if state is not None:
                        self._on_state(topic.box, state)
        except (ContractError, StoreError) as fault:
            self._report(fault)
        return []

    def _take_case(self, topic: UpTopic, payload: bytes) -> Answer:
        try:
            answer = self._store.take_case(topic, payload)
        except StoreError as fault:
            self._report(fault)
            return _later(topic.box, payload, self._clock)
        if answer.receipt.result == "rejected":
            _log.warning("case_refused", topic=topic.box.case, reason=answer.receipt.reason)
        return answer

    def _tell(self) -> None:
        while untold := self._store.untold():
            for case in untold:
                self._on_case(case.event, case.evidence)
                self._store.mark_told(case.row)

    def _report(self, fault: GridpatrolError) -> None:
        if str(fault) != self._last_fault:
            _log.warning(
                "intake_fault",
                code=str(fault.code),
                where=fault.where,
                what=fault.what,
                fix=fault.fix,
            )
        self._last_fault = str(fault)


def _numbers(message: Arrived) -> tuple[int, int]:
    try:
        return int(message.user["offset"]), int(message.user["total"])
    except (KeyError, ValueError) as error:
        raise ContractError(
            Code.MSG_SCHEMA,
            message.topic,
            "a chunk without the user properties offset and total",
            "Send both, in bytes",
        ) from error


def _later(box: BoxTopics, payload: bytes, clock: Clock) -> Answer:
    return Answer(
        box,
        ReceiptData(
            case_id=None,
            revision=None,
            payload_sha256=hashlib.sha256(payload).hexdigest(),
            result="retry_after",
            missing=(),
            reason="the platform could not store it",
            retry_after_s=_RETRY_AFTER_S,
            at=clock(),
        ),
    )
