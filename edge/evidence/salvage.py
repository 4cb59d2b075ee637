"""What of the sealed evidence is on the disk, whole; what is only half there is set aside.

Nothing is ever deleted here: a file that a crash left half-written is moved below ``aside/`` of
the state folder, where nobody takes it for evidence, and named. Bytes that were *changed* stay
where they are, for ``gridpatrol verify`` to name.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.evidence.chain import links_after
from edge.evidence.copies import DOCUMENT, MANIFEST
from edge.evidence.link import BadLinkError, Link, read_link
from edge.evidence.removals import removals
from edge.files import sync_folder

_DRAFT = ".part"


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that was set aside, or would be.

    Attributes:
        path: where it lay, below the state folder.
        now: where it lies, below the state folder.
        why: for people.
    """

    path: str
    now: str
    why: str


def standing(db: sqlite3.Connection) -> list[tuple[Link, bytes | None]]:
    """Case links in order whose files should be here, each with its document where that is right.

    Raises:
        sqlite3.Error: the chain cannot be read, or a link in it is damaged.
    """
    rows = list(links_after(db, 0))
    gone = {seq for removal in removals(link for link, _ in rows) for seq in removal.links}
    return [
        (link, document if _is_of(document, link) else None)
        for link, document in rows
        if link.kind == "case" and link.seq not in gone
    ]


def document_of(link: Link, folder: Path) -> bytes | None:
    """The case document beside the pictures; None when it is gone, or is not the sealed one."""
    with suppress(OSError):
        data = (folder / DOCUMENT).read_bytes()
        return data if _is_of(data, link) else None
    return None


class Salvage:
    """Looks through the evidence folder and sets aside what is only half there.

    Args:
        state: the state folder.
        aside: name of the folder below ``aside/`` for what is moved.
    """

    def __init__(self, state: Path, aside: str) -> None:
        self._state = state
        self._evidence = state / "evidence"
        self._room = state / "aside" / aside
        self.moved: list[Aside] = []

    def check(self, link: Link, name: Callable[[Path], str]) -> list[str]:
        """The files of a sealed revision; what is wrong with them, in words.

        Raises:
            OSError: the disk refused.
        """
        place = link.revision
        if place is None:
            return []
        folder = self._evidence / place[0] / f"r{place[1]}"
        says = [self._check(folder / Path(file["name"]).name, file) for file in link.body["files"]]
        return [f"{name(folder)}: {each}" for each in says if each]

    def sweep(self, known: Collection[tuple[str, int]]) -> None:
        """Set aside drafts of a crash, and folders that no sealed manifest vouches for.

        Args:
            known: revisions that were committed.

        Raises:
            OSError: the disk refused.
        """
        for folder in sorted(self._evidence.glob("*/r*")):
            number = folder.name.removeprefix("r")
            place = (folder.parent.name, int(number) if number.isdigit() else 0)
            if place not in known and not is_sealed(folder):
                self._move(folder, "never committed: no sealed manifest is in it")
                continue
            for draft in sorted(folder.glob(f".*{_DRAFT}")):
                self._move(draft, "half-written: a crash came before it had its name")

    def _check(self, path: Path, file: Mapping[str, Any]) -> str:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return f"{path.name} is missing"
        if hashlib.sha256(data).hexdigest() == file["sha256"]:
            return ""
        wanted = int(file.get("size_bytes", 0))
        if len(data) >= wanted:
            return f"{path.name} is not as it was sealed; it stays where it is"
        self._move(path, f"half-written: {len(data)} of {wanted} bytes")
        return f"{path.name} is half-written; it was set aside"

    def _move(self, path: Path, why: str) -> None:
        target = self._room / path.relative_to(self._state)
        while target.exists():  # never over something that was set aside before
            target = target.with_name(f"{target.name}~")
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        sync_folder(target.parent)
        sync_folder(path.parent)
        with suppress(OSError):  # a case of which nothing is left
            path.parent.rmdir()
        below = target.relative_to(self._state)
        self.moved.append(Aside(str(path.relative_to(self._state)), str(below), why))


def is_sealed(folder: Path) -> bool:
    """Whether a whole, signed manifest lies in it."""
    with suppress(OSError, BadLinkError):
        return read_link((folder / MANIFEST).read_bytes()).revision is not None
    return False


def _is_of(document: bytes | None, link: Link) -> bool:
    if document is None:
        return False
    with suppress(ValueError):
        json.loads(document)
        return hashlib.sha256(document).hexdigest() == str(link.body["document_sha256"])
    return False
