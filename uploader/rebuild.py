"""The index of cases and the outbox, made anew from what was sealed.

For a database that was lost, damaged, or put back from an older backup. The chain comes back
first (:func:`edge.evidence.copies.recover`); each sealed revision that the index does not know is
then put back from its document, in order, one transaction each: a crash in between costs nothing.

What of it the platform has, nobody here knows any more, so all of it counts as undelivered and is
sent again: evidence is not deleted on a guess. The platform knows a revision by its seal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from edge.cases.draft import Location, Source
from edge.cases.matching import merge_key_of
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore, Made
from edge.clock import Clock, utc_now
from edge.errors import Code, ContractError, StoreError
from edge.evidence.chain import Chain, links_after, open_chain
from edge.evidence.link import Link
from edge.evidence.removals import REBUILT, removals
from edge.evidence.salvage import Aside, Salvage, document_of, standing
from edge.evidence.sources import DATABASE
from edge.geometry import Box
from edge.scenes.finding import Words
from edge.sqlite import as_store_error, transaction
from uploader.contract.build import sealed_message
from uploader.outbox import Letter, Outbox, OutboxEvidence
from uploader.waiting import forget

_WHOLE = Box(0.0, 0.0, 1.0, 1.0)
"""Where on the picture the thing stands is not sealed: until it is seen again, anywhere."""
_ROW = "WHERE subject = :subject AND revision = :revision"
_NAMED = 100
"""Things set aside that the link names; it counts them all."""


@dataclass
class Rebuilt:
    """What came of it.

    Attributes:
        links: of the chain that came back into the database.
        cases, revisions: that came back into index and outbox.
        faults: sealed evidence that is not whole, or could not be brought back, in words.
        aside: what was set aside.
    """

    links: int = 0
    cases: int = 0
    revisions: int = 0
    faults: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def lost(database: Path, store: CaseStore) -> int:
    """Sealed revisions that should be in the index and are not: none, unless it was lost.

    Raises:
        StoreError: the database cannot be read.
    """
    known = store.revisions()
    with closing(open_chain(database)) as db:
        try:
            rows = db.execute(
                "SELECT case_id, json_extract(CAST(link AS TEXT), '$.revision') AS revision"
                " FROM evidence_chain WHERE kind = 'case'"
            ).fetchall()
            if all((row["case_id"], row["revision"]) in known for row in rows):
                return 0
            return sum(link.revision not in known for link, _ in standing(db))
        except sqlite3.Error as error:
            raise as_store_error(database, error) from error


class Rebuilder:
    """Brings back what is lost. The box must not run.

    Args:
        state: the state folder.
        chain: of this box.
        store: the index.
        outbox: gets every revision at once, whatever the quota: what was made once is owed.
        clock: what time it is.
    """

    def __init__(
        self,
        state: Path,
        chain: Chain,
        store: CaseStore,
        outbox: Outbox,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._state = state
        self._database = state / DATABASE
        self._evidence = state / "evidence"
        self._chain = chain
        self._store = store
        self._outbox = outbox
        self._city, _, self._node = chain.box.partition("/")
        self._clock = clock

    def run(self, links: int = 0) -> Rebuilt:
        """Look through everything that was sealed, and bring back what the index lacks.

        Args:
            links: of the chain that came back before.

        Raises:
            StoreError: disk or database refused; what came back so far stays.
        """
        done = Rebuilt(links)
        salvage = Salvage(self._state, f"{self._clock():%Y%m%dT%H%M%SZ}")
        with closing(open_chain(self._database)) as db:
            try:
                self._bring_back(db, salvage, done)
                salvage.sweep(
                    self._store.revisions() | {p for li in _links(db) if (p := li.revision)}
                )
                self._end_removals(db)
                done.aside = salvage.moved
                if done.revisions or done.links or done.aside:
                    self._write_down(db, done)
            except (sqlite3.Error, OSError) as error:
                raise as_store_error(self._database, error) from error
        return done

    def _bring_back(self, db: sqlite3.Connection, salvage: Salvage, done: Rebuilt) -> None:
        known, cases = self._store.revisions(), set()
        for link, document in standing(db):
            place = link.revision
            if place is None:
                continue
            done.faults += salvage.check(link, lambda path: str(path.relative_to(self._state)))
            folder = self._evidence / place[0] / f"r{place[1]}"
            if place in known:
                continue
            found = document or document_of(link, folder)
            if found is None:
                done.faults.append(str(_no_document(str(folder.relative_to(self._state)))))
                continue
            try:
                self._restore(link, json.loads(found), folder)
            except ContractError as error:
                done.faults.append(str(error))
                continue
            cases.add(place[0])
            done.revisions += 1
        done.cases = len(cases)

    def _restore(self, link: Link, document: Mapping[str, Any], folder: Path) -> None:
        before = self._store.case(str(document["case_id"]))
        record = _record(document, before)
        reasons = tuple(Words(each["zh"], each["en"]) for each in document["reasons"])
        made = Made(document["status"], _moment(document["created_at"]), reasons)
        letter = self._letter(link, document, folder)
        self._store.restore(record, made, partial(self._put, letter))

    def _put(self, letter: Letter, tx: sqlite3.Connection) -> int:
        return self._outbox.put(tx, letter)

    def _letter(self, link: Link, document: Mapping[str, Any], folder: Path) -> Letter:
        files = {file["sha256"]: file for file in link.body["files"]}
        urls = {sha256: self._outbox.claim(sha256) for sha256 in files}
        seal = {"seq": link.seq, "sha256": link.sha256, "manifest": link.raw.decode()}

        def write(seq: int) -> bytes:
            return sealed_message(document, seal, urls, city=self._city, node=self._node, seq=seq)

        evidence = tuple(
            OutboxEvidence(
                sha256,
                folder / Path(file["name"]).name,
                int(file["size_bytes"]),
                file["media_type"],
                urls[sha256],
            )
            for sha256, file in files.items()
        )
        return Letter(
            "case",
            document["case_id"],
            int(document["revision"]),
            document["status"],
            document["category"]["kind"],
            write,
            evidence,
            urgent=document.get("urgency") == "urgent",
            score=float(document["score"]),
            waited=True,
        )

    def _end_removals(self, db: sqlite3.Connection) -> None:
        """What went since an older backup, or was just going, goes again: that is signed."""
        links = {link.seq: link for link in _links(db)}
        gone = [links[seq] for r in removals(links.values()) for seq in r.links if seq in links]
        with transaction(db, self._database) as tx:
            for link in gone:
                if link.revision is not None:
                    self._end_removal(tx, link, *link.revision)

    def _end_removal(self, tx: sqlite3.Connection, link: Link, case_id: str, revision: int) -> None:
        row = {"subject": case_id, "revision": revision}
        tx.execute(f"DELETE FROM outbox_evidence WHERE seq IN (SELECT seq FROM outbox {_ROW})", row)  # noqa: S608
        tx.execute(f"DELETE FROM outbox {_ROW}", row)  # noqa: S608
        forget(tx, case_id)
        folder = self._evidence / case_id / f"r{revision}"
        paths = [folder, *(folder / Path(file["name"]).name for file in link.body["files"])]
        leaving = [(str(path),) for path in paths if path.exists()]
        tx.executemany("INSERT OR IGNORE INTO leaving VALUES (?, 0)", leaving)

    def _write_down(self, db: sqlite3.Connection, done: Rebuilt) -> None:
        body = {
            "links": done.links,
            "cases": done.cases,
            "revisions": done.revisions,
            "aside": len(done.aside),
            "set_aside": [asdict(each) for each in done.aside[:_NAMED]],
        }
        with transaction(db, self._database) as tx:
            self._chain.append(tx, REBUILT, body)


def _record(document: Mapping[str, Any], before: CaseRecord | None) -> CaseRecord:
    """The case as it stood after a revision, as far as that is sealed."""
    status, made = document["status"], _moment(document["created_at"])
    kind, category = document["category"]["kind"], document["category"]["key"]
    size = document.get("size")
    now = CaseRecord(
        case_id=document["case_id"],
        state="gone" if status == "gone" else "open",
        revision=int(document["revision"]),
        kind=kind,
        merge_key=merge_key_of(kind, category),
        category=category,
        grid_cell=document["grid_cell"],
        place=document["place"],
        location=Location(*(document["location"][name] for name in ("lon", "lat", "method"))),
        box=_WHOLE,
        sources=tuple(Source(**source) for source in document["sources"]),
        first_seen=_moment(document["first_seen"]),
        last_seen=_moment(document["last_seen"]),
        gone_at=made if status == "gone" else None,
        sightings=int(document["sightings"]),
        score=float(document["score"]),
        withdrawn_at=made if status == "withdrawn" else None,
        attached_to=document.get("attached_to"),
        size_m=(size["width_m"], size["depth_m"]) if size else None,
    )
    if before is None:
        return now
    now = replace(now, box=before.box, box_camera=before.box_camera)
    if status == "withdrawn":  # says nothing of whether the thing is still there
        return replace(now, state=before.state, gone_at=before.gone_at)
    return replace(now, withdrawn_at=before.withdrawn_at)


def _links(db: sqlite3.Connection) -> list[Link]:
    return [link for link, _ in links_after(db, 0)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _no_document(where: str) -> StoreError:
    return StoreError(
        Code.STO_INDEX,
        where,
        "its document is lost or damaged: the case cannot be brought back into the index",
        "Put case.json back from a backup, then gridpatrol rebuild; its files stay",
    )
