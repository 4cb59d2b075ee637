"""A box and a platform made of the real parts, around a real broker."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from edge.cases.draft import CaseDraft, EvidenceItem, EvidenceRole, Location, Source, Status
from edge.cases.taxonomy import category
from edge.clock import Clock, utc_now
from edge.scenes.finding import Words
from edge.sqlite import open_database, transaction
from tests.brokers import Broker
from uploader.contract.build import receipt_event
from uploader.contract.messages import CaseEvent, ReceiptData
from uploader.intake.events import Presence, ReceiverEvent
from uploader.intake.sqlite import SqliteStore
from uploader.intake.store import IntakeStore
from uploader.outbox import SCHEMA, Counts, Outbox
from uploader.publisher import Uploader
from uploader.receiver import Receiver
from uploader.settings import Downlink, Uplink

CITY = "420111"
NODE = "box-07"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
MakeStore = Callable[..., IntakeStore]
_CASES = "CREATE TABLE IF NOT EXISTS cases (case_id TEXT, revision INTEGER)"


def complete(payload: bytes) -> bytes:
    """The receipt ``complete`` for a message, as a platform that stores nothing would send it."""
    receipt = ReceiptData(
        case_id=None,
        revision=None,
        payload_sha256=hashlib.sha256(payload).hexdigest(),
        result="complete",
        missing=(),
        reason=None,
        retry_after_s=None,
        at=utc_now(),
    )
    return receipt_event(receipt).to_bytes()


def picture(folder: Path, name: str, size_bytes: int) -> EvidenceItem:
    """A file of its own content; the uploader does not care that it is no JPEG."""
    content = random.Random(name).randbytes(size_bytes)
    path = folder / f"{name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    role: EvidenceRole = "far" if name.endswith("0") else "near"
    sha256 = hashlib.sha256(content).hexdigest()
    return EvidenceItem(role, path, sha256, size_bytes, "image/jpeg", NOON, "plaza")


def make_draft(
    number: int,
    folder: Path,
    *,
    revision: int = 1,
    status: Status = "new",
    pictures: int = 2,
    size_bytes: int = 3000,
) -> CaseDraft:
    """Case ``number``, with pictures in ``folder``."""
    return CaseDraft(
        case_id=f"case-{number}",
        revision=revision,
        status=status,
        kind="street_vending",
        category=category("0406"),
        grid_cell="420111001002001",
        location=Location(114.3, 30.5, "homography"),
        place="plaza",
        sources=(Source("plaza", "stall-zone"),),
        first_seen=NOON,
        last_seen=NOON,
        sightings=3,
        score=0.87,
        title=Words("占道经营", "Trading on the carriageway"),
        reasons=(Words("停留 5 分钟", "stayed 5 minutes"),),
        evidence=tuple(
            picture(folder, f"{number}-{revision}-{i}", size_bytes) for i in range(pictures)
        ),
        models=("nanodet 1.0",),
        box_id=NODE,
        created_at=NOON,
    )


def wait_until(
    condition: Callable[[], bool], timeout_s: float = 60.0, what: str = "condition"
) -> None:
    """Poll until true.

    Raises:
        AssertionError: it did not become true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s} s"
        time.sleep(0.02)


class Box:
    """An edge box: a case table and an outbox in one file, and an uploader."""

    def __init__(
        self, folder: Path, broker: Broker, *, clock: Clock = utc_now, **settings: object
    ) -> None:
        self.path = folder / "state.db"
        self._clock = clock
        self.pictures = folder / "pictures"
        self.settings = replace(
            Uplink(host=broker.host, port=broker.port, city=CITY, node=NODE),
            **{"receipt_timeout_s": 2.0, "backlog_bytes_per_s": 0, **settings},
        )
        self.outbox = Outbox(
            self.path,
            city=CITY,
            node=NODE,
            clock=clock,
            url_of=self._url_of(),
            quota=self.settings.quota,
        )
        self._db = open_database(self.path, SCHEMA + _CASES)
        self.uploader: Uploader | None = None

    def _url_of(self) -> Callable[[str], str] | None:
        s3 = self.settings.s3
        return None if s3 is None else partial(s3.url, CITY, NODE)

    def commit(self, draft: CaseDraft) -> int:
        """Store a revision as the case store does: case and outbox row in one transaction."""
        with transaction(self._db, self.path) as tx:
            tx.execute("INSERT INTO cases VALUES (?, ?)", (draft.case_id, draft.revision))
            seq = self.outbox.enqueue(tx, draft)
        if self.uploader is not None:
            self.uploader.wake()
        return seq

    def commit_many(self, numbers: range, **kwargs: int) -> None:
        """Store new cases."""
        for number in numbers:
            self.commit(make_draft(number, self.pictures, **kwargs))

    def start(self) -> Uploader:
        """Start the uploader."""
        self.uploader = Uploader(self.settings, self.path, clock=self._clock)
        self.uploader.start()
        return self.uploader

    def counts(self) -> Counts:
        """Rows by state."""
        return self.outbox.counts()

    def wait_done(self, done: int, timeout_s: float = 20.0) -> None:
        """Wait until so many rows are done and none is pending."""
        wait_until(
            lambda: self.counts().done >= done and self.counts().pending == 0,
            timeout_s,
            f"{done} rows done",
        )

    def close(self) -> None:
        """Stop the uploader, if any."""
        if self.uploader is not None:
            self.uploader.stop()


class Platform:
    """A platform on the receiver library, on a thread; notes every revision it accepts.

    Attributes:
        told: every revision, before it is answered.
        answered: ids of those whose answer is stored.
        doubled: ids told after that.
    """

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        *,
        judge: Callable[[CaseEvent], str | None] = lambda _case: None,
        store: Callable[[], IntakeStore] | None = None,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.told: list[CaseEvent] = []
        self.answered: set[str] = set()
        self.doubled: list[str] = []
        self.contents: dict[str, bytes] = {}
        self.signatures: list[str] = []
        self.states: list[str] = []
        self.events: list[ReceiverEvent] = []
        self._judge = judge
        self._store = store or (lambda: SqliteStore(folder))
        self._settings = Downlink(host=broker.host, port=broker.port, **settings)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to receive."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the store stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()
        self._thread = None

    def ids(self) -> list[str]:
        """Of every revision told, in order."""
        return [event.id for event in self.told]

    def _run(self) -> None:
        asyncio.run(self._receive())

    async def _receive(self) -> None:
        async with Receiver(self._settings, self._store()) as receiver:
            tasks = [
                asyncio.create_task(self._cases(receiver)),
                asyncio.create_task(self._hear(receiver)),
            ]
            while not self._stop.is_set():
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    async def _cases(self, receiver: Receiver) -> None:
        async for case in receiver.cases():
            reason = self._judge(case.event)
            if reason is not None:
                await case.reject(reason)
                continue
            for file in case.evidence:
                self.contents[file.info.sha256] = await file.read()
            self.signatures.append(case.signature)
            self.told.append(case.event)
            if case.event.id in self.answered:
                self.doubled.append(case.event.id)
            await case.accept()
            self.answered.add(case.event.id)

    async def _hear(self, receiver: Receiver) -> None:
        async for event in receiver.events():
            self.events.append(event)
            if isinstance(event, Presence):
                self.states.append(event.state.reason)


def expected_ids(numbers: range) -> list[str]:
    """Event ids of new cases."""
    return [f"case-{number}-r1" for number in numbers]
