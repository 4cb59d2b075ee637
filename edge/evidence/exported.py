"""An export vouches for itself: ``SHA256SUMS`` names every file, ``export.json`` signs those sums.

A folder of manifests alone says nothing of a report beside it, nor of a case that somebody took
out. The sums are in the format of ``sha256sum``, so that files can be checked without us.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.evidence.findings import Finding, Report, What
from edge.evidence.keyring import Keyring
from edge.evidence.link import BadLinkError, read_link, read_signed
from edge.evidence.sources import CLIMB

LISTING = "export.json"
SUMS = "SHA256SUMS"
LINKS = "links.jsonl"
"""The links of the cases, and those that say which key signs which part of the chain."""
KIND = "export"
_SHAPE: Mapping[str, type] = {
    "box": str,
    "chain": str,
    "kid": str,
    "kind": str,
    "public_key": str,
    "sig": str,
    "sums_sha256": str,
}
_HEX = 64


@dataclass
class Listing:
    """What an export says of itself, and whether it is so.

    Attributes:
        root: the export's folder.
        body: the signed listing; None when it is missing or not as it was signed.
        faults: of listing and sums themselves.
        sums: SHA-256 by path; empty unless the listing vouches for them.
        whole: files that are as they are listed.
    """

    root: Path
    body: Mapping[str, Any] | None = None
    faults: list[tuple[What, Path, str]] = field(default_factory=list)
    sums: dict[Path, str] = field(default_factory=dict)
    whole: frozenset[Path] = frozenset()

    @classmethod
    def around(cls, path: Path, digest: Callable[[Path], str]) -> Listing | None:
        """The export that a path is, or lies in; None when it is none.

        Args:
            path: a file or folder.
            digest: SHA-256 of a file's bytes.
        """
        root = _root(path)
        if root is None:
            return None
        found = cls(root)
        found._read(digest)
        return found

    @property
    def kid(self) -> str | None:
        """Short name of the key that signed it."""
        return str(self.body["kid"]) if self.body is not None else None

    def vouches_for(self, path: Path, trusted: Collection[str]) -> bool:
        """Whether a key that is trusted signs that the file belongs here as it is.

        So an export that was signed after a change of keys vouches for what the old key signed.
        """
        return self.kid in trusted and path in self.whole

    def into(
        self,
        report: Report,
        path: Path,
        name: Callable[[Path], str],
        trusted: Collection[str],
        revoked: Collection[str],
    ) -> None:
        """Add what is not as it was exported, unless its manifest said so before.

        Args:
            report: gets what is found.
            path: what was asked for: the export, or something in it.
            name: a path as the report should call it.
            trusted, revoked: short names of keys.
        """
        said = {finding.path for finding in report.findings}
        for what, where, says in (*self.faults, *self._differing()):
            asked = where == path or path in where.parents or where.parent == self.root
            if asked and name(where) not in said:
                report.findings.append(Finding(what, name(where), says))
        known = set(report.whole)
        report.whole += [
            name(each)
            for each in sorted(self.whole)
            if (each == path or path in each.parents) and name(each) not in known
        ]
        self._name_key(report, name(self.root / LISTING), trusted, revoked)
        self._follow_keys(report, name, trusted)

    def _differing(self) -> list[tuple[What, Path, str]]:
        if self.body is None or not self.sums:
            return []
        found = []
        for each in sorted(set(self.sums) - self.whole):
            if each.is_file():
                found.append((What.ALTERED, each, "not the file that was exported"))
            else:
                found.append((What.MISSING, each, "missing; it was exported"))
        own = {self.root / LISTING, self.root / SUMS, *self.sums}
        for each in sorted(set(filter(Path.is_file, self.root.rglob("*"))) - own):
            found.append((What.STRANGER, each, "was not exported"))
        return found

    def _name_key(
        self, report: Report, where: str, trusted: Collection[str], revoked: Collection[str]
    ) -> None:
        kid = self.kid
        if self.body is None or kid is None:
            return
        if kid not in report.keys:
            report.keys.append(kid)
        for wrong, why in (
            (bool(trusted) and kid not in trusted, "which nobody vouches for"),
            (kid in revoked, "which is revoked"),
        ):
            if wrong:
                says = f"the export is signed with key {kid}, {why}"
                report.findings.append(Finding(What.WRONG_KEY, where, says))
        if not trusted:
            report.notes.append(
                f"exported by box {self.body['box']}, signed with {kid};"
                " nobody vouched for it: give --key"
            )

    def _follow_keys(
        self, report: Report, name: Callable[[Path], str], trusted: Collection[str]
    ) -> None:
        """The export is signed with the key that the box's chain goes on with, or is not its."""
        path = self.root / LINKS
        if self.body is None or path not in self.whole:
            return
        try:
            links = [read_link(line) for line in path.read_bytes().splitlines()]
        except BadLinkError as error:
            report.findings.append(Finding(What.ALTERED, name(path), f"holds no link ({error})"))
            return
        chain = self.body["chain"]
        for link in links:
            if link.chain != chain:
                says = f"{link.says} is of another chain than the export"
                report.findings.append(Finding(What.FOREIGN, name(path), says, link.seq))
        ring = Keyring.along({link.seq: link for link in links if link.chain == chain}, trusted)
        for what, says, seq in ring.faults:
            report.findings.append(Finding(what, name(path), says, seq))
        if self.kid not in ring.keys:
            says = f"signed with key {self.kid}, which the chain of the box does not go on with"
            report.findings.append(Finding(What.WRONG_KEY, name(self.root / LISTING), says))

    def _read(self, digest: Callable[[Path], str]) -> None:
        listing, sums = self.root / LISTING, self.root / SUMS
        try:
            body = read_signed(listing.read_bytes(), _SHAPE)
            if body["kind"] != KIND:
                raise BadLinkError(f"it is of kind {body['kind']}")
        except OSError:
            self.faults.append((What.MISSING, listing, "missing; nothing vouches for the rest"))
            return
        except BadLinkError as error:
            self.faults.append((What.ALTERED, listing, f"not as it was signed ({error})"))
            return
        self.body = body
        try:
            if digest(sums) != body["sums_sha256"]:
                self.faults.append((What.ALTERED, sums, f"not the one that {LISTING} signs"))
                return
            lines = sums.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            self.faults.append((What.MISSING, sums, f"missing; {LISTING} signs it"))
            return
        self.sums = {self.root / line[_HEX + 2 :]: line[:_HEX] for line in lines}
        self.whole = frozenset(path for path, sha in self.sums.items() if _is(path, sha, digest))


def _is(path: Path, sha256: str, digest: Callable[[Path], str]) -> bool:
    try:
        return digest(path) == sha256
    except OSError:
        return False


def _root(path: Path) -> Path | None:
    start = path if path.is_dir() else path.parent
    if (start / "evidence").is_dir() and any((start / name).is_file() for name in (SUMS, LINKS)):
        return start  # also without its listing: that it is gone is worth saying
    for folder in (start, *list(start.parents)[:CLIMB]):
        if (folder / LISTING).is_file():
            return folder
    return None
