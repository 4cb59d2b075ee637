"""What the children do: a box that makes and delivers cases, a platform that takes them in."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.cases.draft import CaseDraft, EvidenceItem, Status
from edge.cases.evidence import write_all_durably
from edge.cases.store import CaseRecord, CaseStore
from edge.clock import Clock, utc_now
from edge.errors import GridpatrolError
from edge.geometry import Box
from tests.campaign.ledger import Book
from tests.uploader.helpers import CITY, NOON, make_draft
from uploader.intake.postgres import PostgresStore
from uploader.intake.sqlite import SqliteStore
from uploader.intake.store import IntakeStore
from uploader.outbox import Outbox
from uploader.publisher import Uploader
from uploader.receiver import Receiver
from uploader.settings import Downlink, Uplink

_ENOUGH_PENDING = 120
_PICTURE_BYTES = 3000


def fast(started_s: float, times: float = 60.0) -> Clock:
    """A clock that all processes of a campaign share and that runs ahead: rests become short."""
    base = datetime.fromtimestamp(started_s, UTC)
    return lambda: base + timedelta(seconds=(time.time() - started_s) * times)


@dataclass(frozen=True)
class Site:
    """Where a box lives.

    Attributes:
        folder: of the box.
        node: its name.
        port: of the broker.
        clock: what time it is there.
        receipt_timeout_s: it sends again after so long.
    """

    folder: Path
    node: str
    port: int
    clock: Clock = utc_now
    receipt_timeout_s: float = 1.0

    @property
    def database(self) -> Path:
        """The file of cases and outbox."""
        return self.folder / "state.db"

    @property
    def book(self) -> Path:
        """What the box says it did."""
        return self.folder / "book"

    def uplink(self) -> Uplink:
        """Small chunks, so that a file takes several messages."""
        return Uplink(
            host="127.0.0.1",
            port=self.port,
            city=CITY,
            node=self.node,
            receipt_timeout_s=self.receipt_timeout_s,
            chunk_bytes=1500,
            backlog_bytes_per_s=0,
        )

    def outbox(self) -> Outbox:
        """Open it."""
        return Outbox(self.database, city=CITY, node=self.node, clock=self.clock)


class Maker:
    """Commits revisions as the desk does: evidence first, synced, then case and row in one."""

    def __init__(self, site: Site, seed: int, *, pictures: tuple[int, int] = (0, 2)) -> None:
        self.site = site
        self.outbox = site.outbox()
        self.store = CaseStore(site.database, self.outbox)
        self.book = Book(site.book)
        self._rng = random.Random(seed)
        self._pictures = pictures
        self._open = [record.case_id for record in self.store.open_cases()][-20:]

    def commit(self) -> str:
        """A new case, or the next revision of an open one; returns its event id.

        Raises:
            StoreError: nothing was committed.
        """
        draft, state = self._next()
        name = f"{draft.case_id}-r{draft.revision}"
        self.book.say("made", name)
        files = self._pictures_of(draft)
        if files:
            write_all_durably(files)
        items = tuple(_item(path, data) for path, data in files.items())
        self.store.commit(_record(draft, state), replace(draft, evidence=items))
        self.book.say("committed", name)
        if state == "open" and draft.case_id not in self._open:
            self._open.append(draft.case_id)
        elif state == "gone":
            self._open.remove(draft.case_id)
        return name

    def _next(self) -> tuple[CaseDraft, str]:
        case_id, revision, status = f"{self.site.node}-{os.urandom(8).hex()}", 1, "new"
        if self._open and self._rng.random() < 0.5:
            case_id = self._rng.choice(self._open)
            known = self.store.case(case_id)
            assert known is not None
            revision = known.revision + 1
            status = "gone" if self._rng.random() < 0.4 else "update"
        draft = make_draft(
            0, self.site.folder, pictures=0, revision=revision, status=_STATUS[status]
        )
        draft = replace(draft, case_id=case_id, box_id=self.site.node, created_at=self.site.clock())
        return draft, "gone" if status == "gone" else "open"

    def _pictures_of(self, draft: CaseDraft) -> dict[Path, bytes]:
        folder = self.site.folder / "evidence" / draft.case_id / f"r{draft.revision}"
        wanted = self._rng.randint(*self._pictures)
        return {folder / f"{n}.jpg": os.urandom(_PICTURE_BYTES) for n in range(wanted)}


_STATUS: dict[str, Status] = {"new": "new", "update": "update", "gone": "gone"}


def _item(path: Path, data: bytes) -> EvidenceItem:
    digest = hashlib.sha256(data).hexdigest()
    return EvidenceItem("far", path, digest, len(data), "image/jpeg", NOON, "plaza")


def _record(draft: CaseDraft, state: str) -> CaseRecord:
    return CaseRecord(
        case_id=draft.case_id,
        state="gone" if state == "gone" else "open",
        revision=draft.revision,
        kind="street_vending",
        merge_key="street_vending",
        category=draft.category.codes[0].code,
        grid_cell=draft.grid_cell,
        place=draft.case_id,
        location=draft.location,
        box=Box(0.1, 0.1, 0.2, 0.2),
        sources=draft.sources,
        first_seen=NOON,
        last_seen=NOON,
        gone_at=NOON if state == "gone" else None,
        sightings=1,
        score=0.9,
    )


def box_life(site: Site, seed: int, *, make: bool = True) -> None:
    """Make cases and deliver them until killed."""
    maker = Maker(site, seed) if make else None
    uploader = Uploader(site.uplink(), site.database, clock=site.clock)
    uploader.start()
    rng = random.Random(seed)
    while True:
        if maker is not None and maker.outbox.counts().pending < _ENOUGH_PENDING:
            maker.commit()
            uploader.wake()
            time.sleep(rng.choice((0.0, 0.001, 0.01)))
        else:
            time.sleep(0.02)


def deliver(site: Site) -> int:
    """Deliver until nothing is pending; 2: the disk ended it, as the book says."""
    book, outbox = Book(site.book), site.outbox()
    uploader = Uploader(site.uplink(), site.database, clock=site.clock)
    uploader.start()
    try:
        while outbox.counts().pending:
            failure = uploader.status().failure
            if failure is not None:
                raise failure
            time.sleep(0.005)
    except GridpatrolError as fault:
        book.say("fatal" if fault.fatal else "refused", str(fault.code))
        return 2
    return 0


def open_intake(where: str) -> IntakeStore:
    """A platform's store: PostgreSQL when it reads like a DSN, else a folder."""
    return PostgresStore(where) if "host=" in where else SqliteStore(Path(where))


def platform_life(where: str, port: int, book: Path, *, cases: int = 0) -> int:
    """Take cases in until killed, or until so many were answered; 2: the disk ended it."""
    said = Book(book)
    try:
        asyncio.run(_receive(where, port, said, cases))
    except GridpatrolError as fault:
        said.say("fatal" if fault.fatal else "refused", str(fault.code))
        return 2
    return 0


async def _receive(where: str, port: int, book: Book, cases: int) -> None:
    settings = Downlink(host="127.0.0.1", port=port, group="intake", hold_s=2.0)
    left = cases or -1
    async with Receiver(settings, open_intake(where)) as receiver:
        async for case in receiver.cases():
            for file in case.evidence:
                if hashlib.sha256(await file.read()).hexdigest() != file.info.sha256:
                    book.say("torn", case.event.id)
            book.say("effect", case.event.id)
            await case.accept()
            book.say("answered", case.event.id)
            left -= 1
            if left == 0:
                return


def committed(sites: list[Site]) -> set[str]:
    """Every revision that the boxes' databases hold."""
    found = set()
    for site in sites:
        db = sqlite3.connect(f"file:{site.database}?mode=ro", uri=True, timeout=10)
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'revisions'").fetchone():
            rows = db.execute("SELECT case_id, revision FROM revisions")
            found |= {f"{case}-r{revision}" for case, revision in rows}
        db.close()
    return found


def answered(intake: Path) -> set[str]:
    """Every revision whose answer a platform's store holds."""
    if not (intake / "intake.db").exists():
        return set()
    db = sqlite3.connect(f"file:{intake}/intake.db?mode=ro", uri=True, timeout=10)
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchone():
            return set()
        query = "SELECT ref || '-r' || revision FROM messages WHERE receipt IS NOT NULL"
        return {row[0] for row in db.execute(query)}
    finally:
        db.close()


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll, seldom.

    Raises:
        AssertionError: it did not come true in time.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s} s"
        time.sleep(0.1)
