"""Power cuts: a traced run is cut after every write and sync, and what is left is opened.

Control: with ``synchronous=NORMAL`` the same cuts must lose acknowledged cases. If they did not,
the model could not tell.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign.disk import TRACED, Call, Disk, read_trace
from tests.campaign.ledger import Book
from tests.campaign.lives import Maker, Site
from tests.campaign.nursery import Traced
from tests.uploader.helpers import CITY, NODE, make_draft
from uploader.contract.build import from_draft
from uploader.intake.records import Verdict
from uploader.intake.sqlite import SqliteStore
from uploader.topics import BoxTopics, UpTopic

_CHECKPOINT_PAGES = 60
"""Far fewer than SQLite's 1,000, so that a short run has many checkpoints; no promise changes."""
_RUN_S = 120.0
_TOPICS = BoxTopics("gridpatrol", CITY, NODE)


@dataclass
class Cuts:
    """What the images said.

    Attributes:
        images: opened.
        acknowledged: in the whole run.
        bad: images that lost something acknowledged, or were damaged; the first ones in words.
    """

    images: int = 0
    acknowledged: int = 0
    bad: int = 0
    words: list[str] = field(default_factory=list)

    def note(self, faults: list[str], where: str) -> None:
        """Count an image."""
        self.images += 1
        self.bad += bool(faults)
        if faults and len(self.words) < 10:
            self.words.append(f"{where}: {faults[:3]}")


def box_run(folder: Path, cases: int, synchronous: str) -> None:
    """Cases with evidence, as the desk commits them."""
    maker = Maker(Site(folder, NODE, 0), seed=7)
    maker.store._db.execute(f"PRAGMA synchronous={synchronous}")
    maker.store._db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    for _ in range(cases):
        maker.commit()


def platform_run(folder: Path, cases: int, synchronous: str) -> None:
    """Cases with files taken in and answered, every other time several in one commit."""
    store = SqliteStore(folder)
    store._db._connection.execute(f"PRAGMA synchronous={synchronous}")  # type: ignore[attr-defined]
    store._db._connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")  # type: ignore[attr-defined]
    book = Book(folder / "book")
    aside = folder.parent / "aside"
    for number in range(cases):
        draft = make_draft(number, aside, pictures=2, size_bytes=2000)
        with store.together():
            for item in draft.evidence:
                content = item.path.read_bytes()
                topic = UpTopic(_TOPICS, "blob", item.sha256)
                store.take_chunk(topic, 0, len(content), content[:1000])
                store.take_chunk(topic, 1000, len(content), content[1000:])
            event = from_draft(draft, city=CITY, node=NODE, seq=number + 1)
            store.take(UpTopic(_TOPICS, "case"), event.to_bytes())
        if number % 2:
            claimed = store.claim("me", 10, 0.0)
            with store.together():
                for case in claimed:
                    store.settle(case.row, Verdict("complete"))
            for case in claimed:
                book.say("committed", case.event.id)


def cut_box(folder: Path, cases: int, subsets: int, seed: int, synchronous: str = "FULL") -> Cuts:
    """Cut a box's run; ``subsets`` random images besides the strict one at each call."""
    return _cut(folder, box_run, _look_at_box, cases, subsets, seed, synchronous)


def cut_platform(folder: Path, cases: int, subsets: int, seed: int) -> Cuts:
    """Cut a platform's run."""
    return _cut(folder, platform_run, _look_at_platform, cases, subsets, seed, "FULL")


Run = Callable[[Path, int, str], None]
Image = dict[str, bytes]
LookAt = Callable[[Image, Path, set[str]], list[str]]


def _cut(
    folder: Path, run: Run, look: LookAt, cases: int, subsets: int, seed: int, synchronous: str
) -> Cuts:
    here = folder / "disk"
    here.mkdir(parents=True)
    trace = folder / "trace"
    options = ("-xx", "-s", "10000000", "-e", f"trace={TRACED}")
    traced = Traced(lambda: run(here, cases, synchronous), trace, *options)
    status = traced.wait(_RUN_S)
    assert status is not None, trace.with_suffix(".log").read_text()
    assert os.waitstatus_to_exitcode(status) == 0, trace.with_suffix(".log").read_text()
    rng = random.Random(seed)
    cuts, disk, acked = Cuts(), Disk(here), set[str]()
    for number, call in enumerate(read_trace(trace)):
        if call.name == "writev":
            acked |= _acked(call, here)
        elif call.path != str(here / "book") and disk.play(call):
            where = f"cut {number} after {call.name} {call.path}"
            cuts.note(look(disk.cut(None), here, acked), f"{where}, synced only")
            for _ in range(subsets):
                cuts.note(look(disk.cut(rng), here, acked), where)
    cuts.note(look(disk.cut(None), here, acked), "at the end")
    cuts.acknowledged = len(acked)
    return cuts


def _acked(call: Call, here: Path) -> set[str]:
    if call.path != str(here / "book"):
        return set()
    word, _, about = call.data.decode().strip().partition(" ")
    return {about} if word == "committed" else set()


@contextmanager
def _opened(image: Image, database: Path) -> Iterator[sqlite3.Connection | None]:
    """The database of an image, recovered as at the next start; None: it was not there yet."""
    if str(database) not in image:
        yield None
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as at:
        for end in ("", "-wal", "-journal"):
            content = image.get(f"{database}{end}")
            if content is not None:
                (Path(at) / f"db{end}").write_bytes(content)
        db = sqlite3.connect(Path(at) / "db", isolation_level=None)
        try:
            yield db
        finally:
            db.close()


def _look_at_box(image: Image, here: Path, acked: set[str]) -> list[str]:
    return _look(
        image,
        acked,
        here / "state.db",
        {"revisions", "outbox", "outbox_evidence"},
        "SELECT case_id || '-r' || revision FROM revisions",
        "SELECT path, sha256 FROM outbox_evidence",
        "SELECT payload, payload_sha256 FROM outbox",
    )


def _look_at_platform(image: Image, here: Path, acked: set[str]) -> list[str]:
    return _look(
        image,
        acked,
        here / "intake.db",
        {"messages", "message_evidence"},
        "SELECT ref || '-r' || revision FROM messages WHERE receipt IS NOT NULL",
        f"SELECT '{here}/evidence/' || substr(sha256, 1, 2) || '/' || sha256, sha256"  # noqa: S608
        " FROM message_evidence AS e JOIN messages AS m ON m.id = e.message"
        " WHERE m.state <> 'stored'",
        "SELECT payload, payload_sha256 FROM messages",
    )


def _look(
    image: Image,
    acked: set[str],
    database: Path,
    wanted: set[str],
    ids: str,
    files: str,
    payloads: str,
) -> list[str]:
    """What is wrong with an image."""
    with _opened(image, database) as db:
        if db is None:
            return [f"no database, {len(acked)} acknowledged"] if acked else []
        try:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                return [said]
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
            if not tables.issuperset(wanted):  # cut while they were being made
                return ["no tables"] if acked else []
            faults = [f"lost {ref}" for ref in acked - {row[0] for row in db.execute(ids)}]
            for path, sha256 in db.execute(files):
                if hashlib.sha256(image.get(path, b"")).hexdigest() != sha256:
                    faults.append(f"file {path}: {'torn' if path in image else 'missing'}")
            for payload, sha256 in db.execute(payloads):
                if hashlib.sha256(payload).hexdigest() != sha256:
                    faults.append("a payload that is not its hash")
        except sqlite3.Error as error:
            return [str(error)]
    return faults


def power_cuts(folder: Path, cases: int, subsets: int, seed: int) -> dict[str, object]:
    """Box, platform and the control."""
    began = time.monotonic()
    box = cut_box(folder / "cut-box", cases, subsets, seed)
    platform = cut_platform(folder / "cut-platform", cases, subsets, seed)
    control = cut_box(folder / "cut-control", cases, 1, seed, "NORMAL")
    for done in ("cut-box", "cut-platform", "cut-control"):
        shutil.rmtree(folder / done)
    return {
        "power_cuts": box.images + platform.images,
        "acknowledged": box.acknowledged + platform.acknowledged,
        "lost": box.bad + platform.bad,
        "words": box.words + platform.words,
        "control_images": control.images,
        "control_bad": control.bad,
        "control_failed": control.bad > 0,
        "seconds": round(time.monotonic() - began, 1),
    }
