"""Checking what lies in a folder of evidence against its manifest."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from edge.evidence.copies import MANIFEST
from edge.evidence.findings import Finding, Report, What
from edge.evidence.link import BadLinkError, Link, canonical
from edge.evidence.removals import Removal, removals, set_aside
from edge.evidence.walk import Read

_SWEPT_AFTER_S = 2 * 3600.0
_NOT_SEALED = ("seal",)
_ONLY_SEALED = frozenset(("chain", "kid", "prev", "public_key", "sig"))
"""Several, so that no flipped bit turns a sealed manifest into a plain one."""


@dataclass
class Known:
    """What is known of the chain around a folder.

    Attributes:
        revisions: link by case id and revision; of answers by request id and 0.
        files: who a file belongs to, by its SHA-256.
        removed: what retention took away.
        chain: which chain; None when only manifests are here.
        behind: links that a crash kept from being copied beside their pictures.
        aside: when and why a rebuilding set files aside, by ``case/rN/name``.
    """

    revisions: Mapping[tuple[str, int], Link] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[Removal] = ()
    chain: str | None = None
    behind: frozenset[int] = frozenset()
    aside: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, links: Mapping[int, Link], chain: str | None, behind: frozenset[int]) -> Known:
        """From the links of a chain."""
        revisions = {found: link for link in links.values() if (found := link.place)}
        files = {
            file["sha256"]: f"{link.owner}/{file['name']}"
            for link in revisions.values()
            for file in link.body["files"]
        }
        gone = tuple(removals(links.values()))
        return cls(revisions, files, gone, chain, behind, set_aside(links.values()))

    @cached_property
    def _gone(self) -> frozenset[int]:
        return frozenset(seq for removal in self.removed for seq in removal.links)

    def is_gone(self, place: tuple[str, int]) -> bool:
        """Whether retention took the files of a revision."""
        link = self.revisions.get(place)
        return link is not None and link.seq in self._gone

    def left(self, case_id: str | None = None) -> dict[tuple[str, int], Link]:
        """Revisions, or those of one case, that should still be here."""
        return {
            place: link
            for place, link in self.revisions.items()
            if link.seq not in self._gone and case_id in {None, place[0]}
        }


class FolderCheck:
    """Checks folders into one report.

    Args:
        report: gets what is found.
        known: the chain around them.
        read: reads a link.
        name: a path as the report should call it.
        digest: SHA-256 of a file's bytes.
    """

    def __init__(
        self,
        report: Report,
        known: Known,
        read: Read,
        name: Callable[[Path], str] = str,
        digest: Callable[[Path], str] | None = None,
    ) -> None:
        self._report = report
        self._known = known
        self._read = read
        self.name = name
        self._digest = digest or digest_of

    def check(self, folder: Path, expected: Link | None, only: str | None = None) -> Link | None:
        """One folder.

        Args:
            folder: where the manifest lies, or should lie.
            expected: the link that the chain has for it.
            only: the one file that is asked about; None: all.

        Returns:
            The link that its manifest is, when that is right.
        """
        manifest, sealed = folder / MANIFEST, None
        try:
            sealed = self._read(manifest.read_bytes())
        except OSError:
            self._note_missing(manifest, expected)
        except BadLinkError as error:
            self._note_bad(manifest, expected, str(error))
        else:
            self._compare(manifest, sealed, expected)
        truth = expected or sealed
        if truth is not None:
            self._files(folder, truth, only)
        return sealed

    def _note_missing(self, manifest: Path, expected: Link | None) -> None:
        if expected is not None and expected.seq in self._known.behind:
            self._note_behind(manifest, expected)
        elif expected is not None:
            says = f"missing; {expected.says} is in the chain"
            self._add(What.MISSING, manifest, says, expected.seq)
        elif self._known.chain and _young(manifest.parent):
            self._note_uncommitted(manifest.parent)
        elif manifest.parent.is_dir():
            self._add(What.UNSEALED, manifest.parent, f"no {MANIFEST} vouches for what lies here")
        else:
            self._add(What.MISSING, manifest, "missing")

    def _note_bad(self, manifest: Path, expected: Link | None, why: str) -> None:
        plain = _plain(manifest)
        if plain is None:
            what = expected.says if expected else "a manifest"
            says = f"{what} is not as it was signed ({why})"
            self._add(What.ALTERED, manifest, says, expected.seq if expected else None)
        elif expected is not None and expected.seq in self._known.behind:
            # Written with the pictures, before the case was sealed; the next start mends it.
            self._note_behind(manifest, expected)
        elif expected is None and self._known.chain and _young(manifest.parent):
            self._note_uncommitted(manifest.parent)
        else:
            says = "not signed: of before the chain began, left by a crash, or put there"
            self._add(What.UNSEALED, manifest, says, expected.seq if expected else None)

    def _note_behind(self, manifest: Path, link: Link) -> None:
        says = f"not written yet (a crash); {link.says} is in the chain, a start mends it"
        self._report.notes.append(f"{self.name(manifest)}: {says}")

    def _note_uncommitted(self, folder: Path) -> None:
        says = "never committed (left by a crash); will be swept"
        self._report.notes.append(f"{self.name(folder)}: {says}")

    def _compare(self, manifest: Path, sealed: Link, expected: Link | None) -> None:
        chain = self._known.chain
        if chain is not None and sealed.chain != chain:
            says = f"{sealed.says} of box {sealed.box}, chain {sealed.chain[:8]}…"
            self._add(What.FOREIGN, manifest, says, sealed.seq)
        elif expected is not None and sealed.sha256 != expected.sha256:
            says = f"holds {sealed.says}; {expected.says} belongs here"
            same = sealed.place == expected.place
            self._add(What.FORKED if same else What.SWAPPED, manifest, says, sealed.seq)
        elif sealed.place is None:
            self._add(
                What.SWAPPED, manifest, f"holds {sealed.says}, which has no files", sealed.seq
            )
        elif chain is not None and expected is None:
            says = f"{sealed.says} is not in the chain that is here"
            self._add(What.STRANGER, manifest, says, sealed.seq)
        else:
            self._report.whole.append(self.name(manifest))

    def _files(self, folder: Path, link: Link, only: str | None) -> None:
        # A name with a path in it must not lead out of the folder.
        files = {Path(file["name"]).name: file["sha256"] for file in link.body["files"]}
        for name, sha256 in files.items():
            if only in {None, name}:
                self._file(folder / name, sha256, link)
        if link.document and only in {None, link.document}:
            self._document(folder / link.document, link)
        try:
            there = sorted(folder.iterdir())
        except OSError:
            return
        for path in there:
            known = path.name in files or path.name in {MANIFEST, link.document}
            if known or path.name.startswith(".") or only not in {None, path.name}:
                continue
            says = "no manifest vouches for it"
            if path.is_file() and (owner := self._known.files.get(self._digest(path))):
                says = f"a copy of {owner}"
            self._add(What.STRANGER, path, says, link.seq)

    def _file(self, path: Path, sha256: str, link: Link) -> None:
        try:
            actual = self._digest(path)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            says = f"missing; {link.says} has it" if gone else f"cannot be read ({error.strerror})"
            if gone and (why := self._known.aside.get("/".join(path.parts[-3:]))):
                says += f"; {why}"
            self._add(What.MISSING, path, says, link.seq)
            return
        if actual == sha256:
            self._report.whole.append(self.name(path))
        elif (owner := self._known.files.get(actual)) is not None:
            self._add(What.SWAPPED, path, f"holds what is {owner}", link.seq)
        else:
            says = f"its sha256 is {actual[:12]}…, {link.says} has {sha256[:12]}…"
            self._add(What.ALTERED, path, says, link.seq)

    def _document(self, path: Path, link: Link) -> None:
        try:
            whole = self._digest(path) == link.body["document_sha256"]
            whole = whole or message_sha256(path.read_bytes()) == link.body["document_sha256"]
        except OSError:
            if link.seq not in self._known.behind:
                self._add(What.MISSING, path, f"missing; {link.says} has it", link.seq)
            return
        if whole:
            self._report.whole.append(self.name(path))
        else:
            self._add(What.ALTERED, path, f"not the document of {link.says}", link.seq)

    def _add(self, what: What, path: Path, says: str, seq: int | None = None) -> None:
        self._report.findings.append(Finding(what, self.name(path), says, seq))


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def message_sha256(data: bytes) -> str | None:
    """Hash of the case document in a message, as a consumer lays it out; None: it is none.

    What counts is what the box has sealed: ``data`` without the seal and the files' urls.
    """
    with suppress(ValueError, RecursionError, TypeError, AttributeError, KeyError):
        event = json.loads(data.decode())
        if isinstance(event, dict) and "specversion" in event:
            said = {k: v for k, v in event["data"].items() if k not in _NOT_SEALED}
            said["evidence"] = [
                {k: v for k, v in item.items() if k != "url"} for item in said["evidence"]
            ]
            return hashlib.sha256(canonical(said)).hexdigest()
    return None


def _plain(manifest: Path) -> list[Any] | None:
    """The files that a manifest of before the sealing lists; None when it is none."""
    with suppress(OSError, ValueError, RecursionError):
        body = json.loads(manifest.read_bytes().decode())
        sealed = isinstance(body, dict) and not body.keys().isdisjoint(_ONLY_SEALED)
        if isinstance(body, dict) and not sealed and isinstance(body.get("files"), list):
            return list(body["files"])
    return None


def _young(folder: Path) -> bool:
    with suppress(OSError):
        return time.time() - folder.stat().st_mtime < _SWEPT_AFTER_S
    return False
