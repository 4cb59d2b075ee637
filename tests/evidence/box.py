"""A box that only seals: real store, outbox, chain and files; pictures of a few bytes."""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from edge.app.sealing import Seals
from edge.cases.draft import CaseDraft, EvidenceItem, EvidenceRole, Status
from edge.cases.evidence import write_all_durably
from edge.cases.record import CaseRecord
from edge.cases.seal import Sealer
from edge.cases.store import CaseStore
from edge.clock import ClockState
from edge.evidence.chain import Chain, begin, head, open_chain
from edge.evidence.checkpoint import Checkpoint, make_checkpoint, read_checkpoint
from edge.evidence.copies import Copies
from edge.evidence.link import REPLIES
from edge.geometry import Box
from edge.signing import load_or_make_signer
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.contract.build import case_document, evidence_of
from uploader.contract.messages import BilingualText, ReplyData, RequestData
from uploader.outbox import Outbox
from uploader.requests import RequestStore

BOOT = "2f1c6a80-53aa-4ad9-b3c8-8c2e4b8e7d11"
SYNCED = ClockState(synced=True, boot_id=BOOT)


def make_sealer(state: Path, *, node: str = NODE, **clock: object) -> tuple[Sealer, Chain, Copies]:
    """What seals on a box whose state folder this is."""
    database, folder = state / "gridpatrol.db", state / "evidence"
    clock.setdefault("believed", lambda: SYNCED)
    key = load_or_make_signer(state / "keys" / "box.pem")
    chain = Chain(f"{CITY}/{node}", key, **clock)  # type: ignore[arg-type]
    db = open_chain(database)
    begin(db, database, chain)
    db.close()
    copies = Copies(database, folder)
    copies.catch_up()
    sealer = Sealer(
        chain,
        copies,
        document=partial(case_document, city=CITY),
        models={"coco-nanodet 1.0.0": "ab" * 32},
        config_sha256=lambda: "cd" * 32,
    )
    return sealer, chain, copies


class SealingBox:
    """Commits cases; each revision gets the next second of a clock of its own."""

    def __init__(self, state: Path, *, node: str = NODE, size_bytes: int = 60) -> None:
        self.state = state
        self.folder = state / "evidence"
        self.database = state / "gridpatrol.db"
        self.size_bytes = size_bytes
        self.now = NOON
        self.synced = SYNCED
        self.sealer, self.chain, self.copies = make_sealer(
            state, node=node, clock=lambda: self.now, believed=lambda: self.synced
        )
        self.outbox = Outbox(self.database, city=CITY, node=node, clock=lambda: self.now)
        self.store = CaseStore(self.database, self.outbox, self.sealer)
        self.seals = Seals(self.sealer, self.chain, self.copies, self.folder)
        self.requests = RequestStore(
            self.database,
            Outbox(self.database, city=CITY, node=node, clock=lambda: self.now),
            clock=lambda: self.now,
            sealing=self.seals,
        )

    def close(self) -> None:
        """Let go of the files."""
        self.requests.close()
        self.store.close()
        self.copies.close()
        self.outbox.close()

    def case(
        self, number: int, revision: int = 1, status: Status = "new", pictures: int = 2
    ) -> CaseDraft:
        """Commit one revision as the desk does: pictures first."""
        self.now += timedelta(seconds=1)
        draft = make_draft(number, self.state, revision=revision, status=status, pictures=0)
        folder = self.folder / draft.case_id / f"r{revision}"
        roles: tuple[EvidenceRole, ...] = ("far", "near")
        items, files = [], {}
        for role in roles[:pictures]:
            path = folder / f"{role}.jpg"
            seed = f"{self.chain.box} {number} {revision} {role}"
            files[path] = data = random.Random(seed).randbytes(self.size_bytes)
            sha256 = hashlib.sha256(data).hexdigest()
            items.append(EvidenceItem(role, path, sha256, len(data), "image/jpeg", NOON, "plaza"))
        if files:
            write_all_durably(files)
        draft = replace(draft, evidence=tuple(items), models=("coco-nanodet 1.0.0",))
        self.store.commit(_record(draft), draft)
        return draft

    def answer(self, number: int, case_id: str | None = None, before: Path | None = None) -> str:
        """Answer a verify as the box does, pictures first; the id of the request."""
        self.now += timedelta(seconds=1)
        request_id = str(uuid.UUID(int=number))
        room = self.state / REPLIES / request_id
        paths = {role: room / f"{role}.jpg" for role in ("after", "near")}
        files = {
            path: random.Random(f"{self.chain.box} {number} {role}").randbytes(self.size_bytes)
            for role, path in paths.items()
        }
        write_all_durably(files)
        shown = dict(files)
        if before is not None:
            shown = {before: before.read_bytes(), **shown}
        items = tuple(_item(path, data) for path, data in shown.items())
        reply = ReplyData(
            request_id=request_id,
            action="verify",
            result="present",
            reason=BilingualText(zh="仍在", en="still there"),
            looks=(),
            evidence=tuple(evidence_of(item) for item in items),
            at=self.now,
            box_id=NODE,
            case_id=case_id,
        )
        request = RequestData(
            request_id=request_id,
            action="verify",
            case_id=case_id,
            expires_at=self.now + timedelta(minutes=10),
            requested_by="test",
        )
        self.requests.take(request)
        assert self.requests.answer(reply, items)
        return request_id

    def checkpoint(self) -> Checkpoint:
        """What the platform would have been told by now."""
        db = open_chain(self.database)
        now = head(db)
        db.close()
        assert now is not None
        text = make_checkpoint(self.chain.box, now, self.now, self.chain.signer)
        return read_checkpoint(text.encode())


def _item(path: Path, data: bytes) -> EvidenceItem:
    role: EvidenceRole = {"after": "after", "near": "near"}.get(path.stem, "before")  # type: ignore[assignment]
    sha256 = hashlib.sha256(data).hexdigest()
    return EvidenceItem(role, path, sha256, len(data), "image/jpeg", NOON, "plaza")


def _record(draft: CaseDraft) -> CaseRecord:
    return CaseRecord(
        case_id=draft.case_id,
        state="gone" if draft.status == "gone" else "open",
        revision=draft.revision,
        kind=draft.kind,
        merge_key=draft.kind,
        category="0406",
        grid_cell=draft.grid_cell,
        place=draft.place,
        location=draft.location,
        box=Box(0.1, 0.1, 0.2, 0.2),
        sources=draft.sources,
        first_seen=draft.first_seen,
        last_seen=draft.last_seen,
        gone_at=draft.last_seen if draft.status == "gone" else None,
        sightings=draft.sightings,
        score=draft.score,
        withdrawn_at=draft.created_at if draft.status == "withdrawn" else None,
    )


LONG_AGO = datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)


def with_three_cases(folder: Path) -> SealingBox:
    """A box with three sealed cases; the second has three revisions, the last without pictures."""
    box = SealingBox(folder)
    box.case(1)
    box.case(2)
    box.case(2, 2, "gone")
    box.case(2, 3, "withdrawn", pictures=0)
    box.case(3)
    return box
