"""The platform's side of the wire, for the platform's engineers.

::

    async with Receiver(Downlink(host="broker"), SqliteStore(Path("intake"))) as receiver:
        async for case in receiver.cases():
            ...  # into your own tables, by case.key
            await case.accept()

At least once on the wire, once in effect: every revision is stored once under its source, case id
and revision; a receipt goes out only after the store's commit and your answer, and a repeated
message gets the same receipt again. Start several receivers with the same ``group`` on one store
to share the load; what one of them leaves behind, the others take over.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar, Unpack

from edge.clock import utc_now
from edge.errors import DeliveryError, StoreError
from uploader.contract.build import desired_event, known_event, request_event
from uploader.contract.messages import (
    Action,
    DesiredData,
    KnownCase,
    KnownData,
    ReplyEvent,
    ReportedData,
    RequestData,
    read,
)
from uploader.intake.events import Ended, Happening, Ready, ReceiverEvent, Replied
from uploader.intake.records import BoxState, Gap, IntakeCounts, StoredCase, Verdict
from uploader.intake.store import IntakeStore
from uploader.intake.worker import IntakeWorker
from uploader.received import Case, EvidenceFile, Reply
from uploader.receiving import RequestFields, no_reply, patiently, wait_for
from uploader.settings import Downlink
from uploader.topics import BoxTopics

__all__ = ["Case", "EvidenceFile", "Receiver", "Reply"]

_AT_ONCE = 16
_LOOK_AGAIN_S = 1.0
_ASK_AGAIN_S = 5.0
_GRACE_S = 10.0
_KEPT_EVENTS = 1000
T = TypeVar("T")


class Receiver:
    """Receives cases, asks boxes to look, and keeps account. Use it as an async context.

    Args:
        settings: the broker, the group, what signatures are worth.
        store: where everything is kept; the receiver closes it.

    Raises (by any method once the worker has ended, and by leaving the context):
        Exception: what ended it, as a disk that failed (STO-007).
    """

    def __init__(self, settings: Downlink, store: IntakeStore) -> None:
        self._settings = settings
        self._worker = IntakeWorker(settings, store, self._on_thread)
        self._claimed: deque[StoredCase] = deque()
        self._events: deque[ReceiverEvent] = deque(maxlen=_KEPT_EVENTS)
        self._changed = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._fault: BaseException | None = None
        self._ended = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._worker.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._worker.stop)
        if error is None and self._worker.fault is not None:
            raise self._worker.fault

    async def cases(self) -> AsyncIterator[Case]:
        """Complete revisions, oldest first, until the receiver is closed.

        A revision comes after the one before it was answered. Several tasks may iterate at once.
        """
        while (stored := await self._next()) is not None:
            yield self._case(stored)

    async def events(self) -> AsyncIterator[ReceiverEvent]:
        """Presence, gaps, refusals … as they happen; the newest 1,000 wait for a slow reader."""
        while not self._ended:
            changed = self._changed
            while self._events:
                yield self._events.popleft()
            await wait_for(changed)
        if self._fault is not None:
            raise self._fault

    async def counts(self) -> IntakeCounts:
        """What the store holds."""
        return await self._ask(lambda store: store.counts())

    async def evidence(self, sha256: str) -> bytes:
        """The bytes of a file by its hash; waits while the store is out of order.

        Raises:
            StoreError: it is not here (EVI-001).
        """
        return await patiently(lambda: self._ask(lambda store: store.blobs.read(sha256)))

    async def boxes(self) -> list[BoxState]:
        """The newest presence of every box."""
        return await self._ask(lambda store: store.boxes.all())

    async def reported(self) -> dict[str, ReportedData]:
        """The configuration every box says it runs, by ``city/node``."""
        return await self._ask(lambda store: store.boxes.reported())

    async def checkpoints(self, box: str) -> list[str]:
        """Every signed checkpoint of a box's evidence chain, oldest first.

        Args:
            box: ``city/node``.
        """
        topics = self._topics(box)
        return await self._ask(lambda store: store.chains.all(topics))

    async def gaps(self) -> list[Gap]:
        """Sequence numbers below the highest seen of each box that never came, exactly."""
        return await self._ask(lambda store: store.gaps())

    async def trust(self, box: str, kid: str, public_key: str) -> None:
        """Vouch for the key of a :class:`KeyChanged` event."""
        await asyncio.wrap_future(self._worker.trust(self._topics(box), kid, public_key))

    async def request(
        self,
        box: str,
        action: Action,
        *,
        by: str,
        within_s: float = 120.0,
        request_id: str | None = None,
        **what: Unpack[RequestFields],
    ) -> Reply:
        """Ask a box to look or to take note, and wait for its answer.

        Asked again every few seconds until the answer is here: the box answers a repeat with the
        same reply. Any worker of the group may receive it.

        Args:
            box: ``city/node``.
            action: ``verify``, ``look`` or ``feedback``.
            by: who asks, for the box's log.
            within_s: the box may begin for so long.
            request_id: give that of an earlier call to wait for its answer; new when None.
            what: ``case_id``, ``camera_id``, ``zone_id``, ``purpose``, ``looks``, ``over_s``,
                ``feedback``: see the contract.

        Raises:
            DeliveryError: no answer (MQT-006); ask again later with the same ``request_id``.
        """
        topics = self._topics(box)
        at = utc_now()
        data = RequestData(
            request_id=request_id or str(uuid.uuid4()),
            action=action,
            expires_at=at + timedelta(seconds=within_s),
            requested_by=by,
            box_id=topics.node,
            **what,
        )
        payload = request_event(data, at=at).to_bytes()
        until = self._loop.time() + within_s + data.over_s + _GRACE_S
        ask_at = 0.0
        while True:
            changed = self._changed
            if (reply := await patiently(lambda: self.reply(data.request_id))) is not None:
                return reply
            if self._loop.time() >= until:
                raise no_reply(box, data.request_id)
            if self._loop.time() >= ask_at:
                ask_at = self._loop.time() + _ASK_AGAIN_S
                with suppress(DeliveryError):  # asked again, and the deadline ends it
                    await self._publish(topics.request, payload)
            await wait_for(changed)

    async def reply(self, request_id: str) -> Reply | None:
        """The answer to a request made at any time, by any worker; None: not here yet."""
        found = await self._ask(lambda store: store.reply(request_id))
        if found is None:
            return None
        box, payload = found
        data = read(ReplyEvent, payload, box.reply).data
        return Reply(box.name, data, tuple(EvidenceFile(e, self.evidence) for e in data.evidence))

    async def publish_known(self, city: str, cell: str, cases: Sequence[KnownCase]) -> None:
        """Tell the city's boxes every open case of a grid cell; they attach to these.

        Args:
            city: GB/T 2260 code.
            cell: unit grid cell.
            cases: all of them; an empty sequence clears the cell.

        Raises:
            DeliveryError: the broker did not take it.
        """
        at = utc_now()
        data = KnownData(grid_cell=cell, cases=tuple(cases), at=at)
        payload = known_event(data).to_bytes() if cases else b""
        topic = BoxTopics(self._settings.root, city, "any").known(cell)
        await self._publish(topic, payload, retain=True)

    async def desire(self, box: str, config_id: str, yaml: str) -> None:
        """Set the configuration a box should run; its answer is a ``Reported`` event.

        Args:
            box: ``city/node``.
            config_id: comes back in the answer.
            yaml: the whole file, at most 48 KiB.

        Raises:
            DeliveryError: the broker did not take it.
        """
        topics = self._topics(box)
        digest = hashlib.sha256(yaml.encode()).hexdigest()
        data = DesiredData(config_id=config_id, sha256=digest, yaml=yaml, box_id=topics.node)
        payload = desired_event(data, at=utc_now()).to_bytes()
        await self._publish(topics.desired, payload, retain=True)

    def _topics(self, box: str) -> BoxTopics:
        city, _, node = box.partition("/")
        return BoxTopics(self._settings.root, city, node)

    async def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        sent = await asyncio.wrap_future(self._worker.publish(topic, payload, retain=retain))
        await asyncio.wrap_future(sent)

    async def _ask(self, work: Callable[[IntakeStore], T]) -> T:
        return await asyncio.wrap_future(self._worker.ask(work))

    async def _next(self) -> StoredCase | None:
        while not self._claimed:
            changed = self._changed
            if self._ended:
                if self._fault is not None:
                    raise self._fault
                return None
            async with self._claiming:  # one claim serves every task that waits
                if not self._claimed:
                    # What goes wrong the worker says, and it is tried again.
                    with suppress(StoreError, DeliveryError):
                        claim = self._worker.claim(_AT_ONCE)
                        claimed = await asyncio.wrap_future(claim)
                        self._claimed.extend(claimed)
            if not self._claimed:
                await wait_for(changed)
        return self._claimed.popleft()

    async def _settle(self, stored: StoredCase, verdict: Verdict) -> None:
        await patiently(lambda: asyncio.wrap_future(self._worker.settle(stored, verdict)))

    def _case(self, stored: StoredCase) -> Case:
        files = tuple(EvidenceFile(e, self.evidence) for e in stored.event.data.evidence)
        return Case(stored.event, stored.signature, files, stored, self._settle)

    def _on_thread(self, happening: Happening) -> None:
        with suppress(RuntimeError):  # the loop is over; so is whoever would listen
            self._loop.call_soon_threadsafe(self._heard, happening)

    def _heard(self, happening: Happening) -> None:
        if isinstance(happening, Ended):
            self._ended, self._fault = True, happening.fault
        elif not isinstance(happening, Ready | Replied):
            self._events.append(happening)
        self._changed.set()
        self._changed = asyncio.Event()
