"""Commits cases with evidence as the edge does, one line after each commit; to be hurt."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from edge.cases.draft import CaseDraft, EvidenceItem
from edge.cases.evidence import write_all_durably
from edge.errors import GridpatrolError
from edge.sqlite import transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.outbox import Outbox
from uploader.outbox_schema import open_outbox


def say(line: str) -> None:
    """Not by ``write``, which is the call that is made to fail."""
    os.writev(1, [f"{line}\n".encode()])


def draft_of(number: int) -> tuple[CaseDraft, dict[Path, bytes]]:
    """A case with two pictures, not on disk yet."""
    draft = make_draft(number, folder, pictures=0)
    files = {
        folder / "evidence" / draft.case_id / f"r1/{role}.jpg": os.urandom(20_000)
        for role in ("far", "near")
    }
    evidence = tuple(
        EvidenceItem(
            "far", path, hashlib.sha256(data).hexdigest(), len(data), "image/jpeg", NOON, "plaza"
        )
        for path, data in files.items()
    )
    return replace(draft, evidence=evidence), files


def commit(number: int) -> None:
    """What the desk does for a revision."""
    draft, files = draft_of(number)
    try:
        write_all_durably(files)
        with transaction(db, path) as tx:
            outbox.enqueue(tx, draft)
    except GridpatrolError as fault:
        if fault.fatal:
            raise
        say(f"refused {fault.code}")
    else:
        say(f"ack {draft.case_id}")


folder, cases = Path(sys.argv[1]), int(sys.argv[2])
path = folder / "state.db"
try:
    outbox = Outbox(path, city=CITY, node=NODE)
    db = open_outbox(path)
    say("begin")
    for number in range(cases):
        commit(number)
except GridpatrolError as fault:
    say(f"fatal {fault.code}")
    sys.exit(2)
