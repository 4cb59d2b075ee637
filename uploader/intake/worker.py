"""The thread that owns the connection and the store: takes messages in, sends receipts out.

A PUBACK goes back for every message once it is dealt with, also for one that could not be
stored: it only makes room for the next. What counts is the receipt, and without one the box
sends again.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import structlog

from edge.errors import ContractError, DeliveryError, GridpatrolError, StoreError
from edge.telemetry.logs import error_fields
from uploader.backoff import Patience
from uploader.intake.events import (
    Connected,
    Ended,
    GapWatch,
    Happening,
    Ready,
    Refused,
    Replied,
)
from uploader.intake.fetch import Fetcher
from uploader.intake.inbox import Inbox, Item
from uploader.intake.jobs import Job
from uploader.intake.outgoing import Outgoing
from uploader.intake.reception import Reception
from uploader.intake.records import StoredCase, Taken, Verdict
from uploader.intake.store import IntakeStore
from uploader.settings import Downlink
from uploader.topics import BoxTopics, UpTopic, read_up, up_filters
from uploader.transport import Acked, Arrived, Event, Link, Lost

_log = structlog.get_logger(__name__)

_POLL_S = 0.2
_CHORES_S = 2.0
T = TypeVar("T")


class IntakeWorker:
    """Takes in what boxes send until stopped; reconnects by itself.

    Args:
        settings: broker and, if wanted, a shared subscription.
        store: where everything is kept; used from this worker's thread only, and closed by it.
        tell: gets what happens, on the worker's thread; it must only pass it on.
    """

    def __init__(
        self, settings: Downlink, store: IntakeStore, tell: Callable[[Happening], None]
    ) -> None:
        # An id of its own: a second consumer with the same id would throw the first one out.
        self.name = f"{settings.root}-intake-{uuid.uuid4().hex[:12]}"
        self._settings = settings
        self._store = store
        self._tell = tell
        self._out = Outgoing(settings)
        self._reception = Reception(settings, store, tell)
        self._fetcher = Fetcher(settings.s3, self._fetched, self._report) if settings.s3 else None
        self._gaps = GapWatch(settings.gap_after_s)
        self._inbox = Inbox()
        self._after: list[Callable[[], object]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._claim_failed = False
        self._in_hand: set[int] = set()
        self._chores_at = 0.0
        self._hold_at = 0.0
        self._last_fault = ""
        self.fault: BaseException | None = None  # what ended it

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End and close the store; revisions in hand go back. Bounded."""
        self._stop.set()
        self._thread.join(15)

    def trust(self, box: BoxTopics, kid: str, public_key: str) -> Future[None]:
        """A person vouches for a box's key."""
        return self.ask(lambda _store: self._reception.trust.accept(box, kid, public_key))

    def ask(self, work: Callable[[IntakeStore], T], *, alone: bool = False) -> Future[T]:
        """Do something with the store, on the worker's thread."""
        job = Job(lambda: work(self._store), alone=alone)
        self._inbox.add(job)
        return job.future

    def claim(self, limit: int) -> Future[list[StoredCase]]:
        """Revisions for the application; they stay this worker's until it settles them."""

        def work(store: IntakeStore) -> list[StoredCase]:
            # Where the commit came through but the answer did not, rows are ours unknown to us.
            if self._claim_failed:
                store.release(self.name, self._in_hand)
            self._claim_failed = True
            claimed = store.claim(self.name, limit, self._settings.hold_s)
            self._claim_failed = False
            # A clock that jumped over their hold does not offer again what is in hand here.
            claimed = [case for case in claimed if case.row not in self._in_hand]
            self._in_hand.update(case.row for case in claimed)
            return claimed

        # By itself: whether it came through must be known before the next one.
        return self.ask(work, alone=True)

    def settle(self, case: StoredCase, verdict: Verdict) -> Future[None]:
        """Write down what the application said to a revision, then tell the box."""

        def work(store: IntakeStore) -> None:
            made = store.settle(case.row, verdict)
            self._after.append(lambda: self._in_hand.discard(case.row))
            self._after.append(partial(self._out.send, (made,)))

        return self.ask(work)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Future[Future[None]]:
        """Publish a message of the platform; the inner future ends with the broker's answer.

        Raises (in a future):
            DeliveryError: not connected (MQT-001) or not allowed (MQT-002).
        """

        return self.ask(lambda _store: self._out.publish(topic, payload, retain=retain))

    def _run(self) -> None:
        patience = Patience()
        try:
            while not self._stop.is_set():
                before = time.monotonic()
                try:
                    self._connection()
                except (DeliveryError, StoreError) as error:
                    self._report(error)
                    if error.fatal:
                        raise
                    self._rest(patience.delay_s(error, time.monotonic() - before))
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self.fault = error
            _log.exception("intake_ended")
        finally:
            self._end()

    def _end(self) -> None:
        try:
            if not getattr(self.fault, "fatal", False):  # a disk that failed is not written to
                self._store.release(self.name)
        except StoreError as error:
            self._report(error)
            self.fault = self.fault or (error if error.fatal else None)
        self._store.close()
        if self._fetcher is not None:
            self._fetcher.close()
        self._inbox.close(self.fault)
        self._tell(Ended(self.fault))

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stop.is_set() and time.monotonic() < until:
            self._step()

    def _connection(self) -> None:
        link: Link | None = None

        def post(event: Event) -> None:
            self._inbox.post(mine, event)

        mine = link = Link(self._settings, self.name, post)
        try:
            link.open(up_filters(self._settings.root, self._settings.group), None)
            _log.info("intake_connected", host=self._settings.host)
            self._last_fault = ""
            self._out.link = link
            self._tell(Connected(up=True))
            while not self._stop.is_set():
                self._step()
        finally:
            if self._out.leave():
                self._tell(Connected(up=False))
            link.close()

    def _step(self) -> None:
        """What has come in, in one commit; whoever waits for it is told after that."""
        self._chores()
        items = self._inbox.items(_POLL_S)
        if not items:
            return
        try:
            if len(items) == 1:
                self._do(items[0])
            else:
                with self._store.together():
                    for item in items:
                        self._do(item)
        except StoreError as fault:
            self._undone(items, fault)
            return
        self._done(items)

    def _do(self, item: Item) -> None:
        if isinstance(item, Job):
            item.run()
            self._after.append(item.tell)
            return
        link, event = item
        if link is self._out.link and isinstance(event, Arrived):
            self._arrived(link, event)

    def _done(self, items: list[Item]) -> None:
        """It is on disk."""
        after, self._after = self._after, []
        for tell in after:
            tell()
        for item in items:
            if isinstance(item, Job) or item[0] is not self._out.link:
                continue  # or of a connection that is over
            if isinstance(item[1], Acked):
                self._out.acked(item[1])
            elif isinstance(item[1], Lost):
                raise self._out.unreachable(item[1].reason)

    def _undone(self, items: list[Item], fault: StoreError) -> None:
        """Nothing of it is on disk: boxes send again, whoever asked is told."""
        self._after.clear()
        self._report(fault)
        for item in items:
            if isinstance(item, Job):
                item.refuse(fault)
            elif item[0] is self._out.link and isinstance(item[1], Arrived):
                item[0].ack(item[1])
        if fault.fatal:
            raise fault
        self._done([item for item in items if not isinstance(item, Job)])

    def _arrived(self, link: Link, message: Arrived) -> None:
        topic = read_up(message.topic)
        if topic is not None:
            self._deal(topic.box, lambda: self._reception.take(topic, message))
        self._after.append(lambda: link.ack(message))

    def _deal(self, box: BoxTopics, take: Callable[[], Taken]) -> None:
        try:
            taken = take()
        except (ContractError, StoreError) as fault:
            taken = Taken(fault=fault)
        if taken.fault is not None:
            if taken.fault.fatal:
                raise taken.fault
            self._report(taken.fault)
        self._after.append(partial(self._out.send, taken.answers))
        self._spread(box, taken)

    def _spread(self, box: BoxTopics, taken: Taken) -> None:
        if taken.ready:
            self._after.append(partial(self._tell, Ready()))
        for request_id in taken.replies:
            self._after.append(partial(self._tell, Replied(request_id)))
        if taken.refused is not None:
            _log.warning("message_refused", box=box.name, reason=taken.refused)
            self._after.append(partial(self._tell, Refused(box.name, taken.refused)))

    def _chores(self) -> None:
        now = time.monotonic()
        if now < self._chores_at:
            return
        self._chores_at = now + min(_CHORES_S, self._settings.hold_s / 3)
        try:
            if self._in_hand and now >= self._hold_at:
                self._store.hold(self.name, self._settings.hold_s)
                self._hold_at = now + self._settings.hold_s / 3
            if self._fetcher is not None:
                self._fetcher.look(self._store.elsewhere())
            for event in self._gaps.look(self._store.gaps(), now):
                self._tell(event)
        except StoreError as fault:
            self._report(fault)
            if fault.fatal:
                raise

    def _fetched(self, box: BoxTopics, sha256: str, content: bytes) -> None:
        topic = UpTopic(box, "blob", sha256)
        size = len(content)
        self.ask(lambda store: self._deal(box, lambda: store.take_chunk(topic, 0, size, content)))

    def _report(self, fault: GridpatrolError) -> None:
        if str(fault) != self._last_fault:
            _log.warning("intake_fault", **error_fields(fault))
        self._last_fault = str(fault)
