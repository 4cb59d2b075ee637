"""The files of a case as they lie on this box's disk; only what was sealed may leave.

A picture whose bytes are not those of the signed manifest was never seen by the redaction of this
box: it stays here, and the report says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from edge.evidence.copies import DOCUMENT
from edge.evidence.link import Link
from edge.export.choose import Revision


class State(StrEnum):
    """What became of a file."""

    WHOLE = "whole"
    REMOVED = "removed"
    MISSING = "missing"
    ALTERED = "altered"


@dataclass(slots=True)
class Picture:
    """A file of a revision.

    Attributes:
        name: inside the export.
        said: what the manifest says of it.
        state: whether it is here as it was sealed.
        data: its bytes, when it is; dropped once they are written.
        src: where the report shows it from; empty: not shown.
        small: its thumbnail as a data URI, for the contents; empty: none.
    """

    name: str
    said: Mapping[str, Any]
    state: State
    data: bytes | None = None
    src: str = ""
    small: str = ""


@dataclass(slots=True)
class Leaf:
    """A revision with its files.

    Attributes:
        folder: inside the export.
        link: its manifest.
        removed: the link that says that retention took it.
        document: the case document's bytes, when they are here as they were sealed.
        facts: the same, read.
        document_state: what became of it.
        pictures: its files.
    """

    folder: str
    link: Link
    removed: Link | None
    document: bytes | None
    document_state: State
    facts: Mapping[str, Any] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)

    @property
    def left_out(self) -> list[tuple[str, State]]:
        """What of it is not in the export, and why."""
        found: list[tuple[str, State]] = [
            (each.name, each.state) for each in self.pictures if each.state is not State.WHOLE
        ]
        if self.document_state is not State.WHOLE:
            found.append((f"{self.folder}/{DOCUMENT}", self.document_state))
        return found


def gather(evidence: Path, revisions: Sequence[Revision]) -> list[Leaf]:
    """Read a case's files, all at once: retention takes a case away as a whole.

    Args:
        evidence: where the cases' folders lie.
        revisions: of one case.
    """
    return [_leaf(evidence, each) for each in revisions]


def _leaf(evidence: Path, revision: Revision) -> Leaf:
    link = revision.link
    place = Path(str(link.body["case_id"])).name, f"r{int(link.body['revision'])}"
    folder, inside = evidence.joinpath(*place), "/".join(("evidence", *place))
    gone = revision.removed is not None
    document, state = (None, State.REMOVED) if gone else _document(folder / DOCUMENT, revision)
    leaf = Leaf(inside, link, revision.removed, document, state)
    if document is not None:
        leaf.facts = json.loads(document)
    for said in link.body["files"]:
        name = Path(said["name"]).name  # must not lead out of the folder
        size = said.get("size_bytes")
        data, found = (None, State.REMOVED) if gone else _read(folder / name, said["sha256"], size)
        leaf.pictures.append(Picture(f"{inside}/{name}", said, found, data))
    return leaf


def _document(path: Path, revision: Revision) -> tuple[bytes | None, State]:
    sha256 = str(revision.link.body["document_sha256"])
    if revision.document is not None and _sha256(revision.document) == sha256:
        return revision.document, State.WHOLE
    return _read(path, sha256)


def _read(path: Path, sha256: str, size: int | None = None) -> tuple[bytes | None, State]:
    try:
        if size is not None and path.stat().st_size != size:
            return None, State.ALTERED  # of gigabytes, maybe: not even read
        data = path.read_bytes()
    except OSError:
        return None, State.MISSING
    if _sha256(data) != sha256:
        return None, State.ALTERED
    return data, State.WHOLE


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
