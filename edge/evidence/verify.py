"""``gridpatrol verify``: is evidence as it was sealed? Offline; and what exactly is not.

A path may be one file, a case's folder, a box's state folder, what ``gridpatrol consume`` laid
out, or a ZIP of any of them. Where the chain lies at or above it (``chain.jsonl`` or the
database), evidence is held against the chain; otherwise each manifest stands for itself.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from edge.evidence.checkpoint import Checkpoint
from edge.evidence.copies import CHAIN_FILE, MANIFEST
from edge.evidence.exported import Listing
from edge.evidence.findings import Finding, Report, What
from edge.evidence.folders import FolderCheck, Known, digest_of
from edge.evidence.link import REPLIES, Link, read_link
from edge.evidence.removals import case_of
from edge.evidence.sources import CLIMB, DATABASE, chain_copies, chain_root, nothing, unpack
from edge.evidence.walk import Read, Walk, walk
from edge.evidence.whole import Whole, behind

Place = tuple[str, int]
"""Case id and revision."""


class Verifier:
    """Checks evidence.

    Args:
        trusted: short names of keys that somebody vouches for; empty: the keys say so themselves.
        checkpoints: the platform's word on how long chains are.
        revoked: keys whose signatures are worth nothing.
        read, digest: replaced by whoever checks the same thing many times.
    """

    def __init__(
        self,
        *,
        trusted: Collection[str] = (),
        checkpoints: Sequence[Checkpoint] = (),
        revoked: Collection[str] = (),
        read: Read = read_link,
        digest: Callable[[Path], str] | None = None,
    ) -> None:
        self._trusted = frozenset(trusted)
        self._checkpoints = checkpoints
        self._revoked = frozenset(revoked)
        self._read = read
        self._digest = digest

    def check(self, path: Path) -> Report:
        """Check a file, a folder or a ZIP.

        Raises:
            StoreError: there is nothing to check (EVI-003), or it cannot be read.
        """
        if not path.exists():
            return self._deleted(path)
        if path.is_file() and zipfile.is_zipfile(path):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name).resolve()
                unpack(path, folder)
                return self._check(folder, chain_root(folder, 0), folder)
        path = path.resolve()
        root = chain_root(path, CLIMB)
        below = root.parent if root else path if path.is_dir() else path.parent
        return self._check(path, root, below)

    def check_case(self, root: Path, case_id: str) -> Report:
        """One case or answer of a box by its id, or the beginning of it.

        Args:
            root: the folder where the cases' folders and the chain lie.
            case_id: at least the first characters.

        Raises:
            StoreError: there is no such case, or several (EVI-003).
        """
        root = root.resolve()
        links, _ = _join(self._walks(root, root.parent), Report())
        known = {place[0] for link in links.values() if (place := link.place)}
        answers = {place[0] for link in links.values() if (place := link.place) and not place[1]}
        known |= {path.name for path in root.glob(f"{case_id}*") if path.is_dir()}
        chosen = sorted(each for each in known if each.startswith(case_id))
        if len(chosen) != 1:
            what = f"{len(chosen)} cases begin so" if chosen else "no such case, file or folder"
            raise nothing(root / case_id, what)
        answered = chosen[0] in answers
        below = root.parent / REPLIES if answered else root
        return self._check(below / chosen[0], root, root.parent)

    def _deleted(self, path: Path) -> Report:
        """A path that is not there: perhaps the chain says why.

        Raises:
            StoreError: it does not (EVI-003).
        """
        path = path.resolve()
        here = next((parent for parent in path.parents if parent.exists()), path)
        root = chain_root(here, CLIMB)
        if root is not None and case_of(path, root) is not None:
            links, chain = _join(self._walks(root, root.parent), Report())
            known = Known.of(links, chain, frozenset())
            if any(each.case_id == case_of(path, root) for each in known.removed):
                return self._check(path, root, root.parent)
        raise nothing(path, "no such file or folder")

    def _check(self, path: Path, root: Path | None, below: Path) -> Report:
        report = Report()
        listing = Listing.around(path, self._digest or digest_of)
        if listing is not None:  # it stands for itself, wherever it was unpacked
            root, below = None, listing.root
        walks = self._walks(root, below)
        links, chain = _join(walks, report)
        known = Known.of(links, chain, behind(walks))
        folders = FolderCheck(report, known, self._read, lambda p: name(p, below), self._digest)
        case_id = case_of(path, root)
        report.removed = [r for r in known.removed if case_id in {None, r.case_id}]
        everything = root is not None and root.is_relative_to(path)
        if everything or path.name in {CHAIN_FILE, DATABASE}:
            whole = Whole(self._trusted, self._checkpoints, self._revoked)
            whole.check(report, walks, links, chain)
        if everything and root is not None:
            if not (root / CHAIN_FILE).is_file():
                says = f"missing; {len(links)} link(s) are in the database, a start writes it anew"
                report.findings.append(Finding(What.MISSING, folders.name(root / CHAIN_FILE), says))
            for aside in sorted(root.glob(f"{CHAIN_FILE}.aside-*")):
                says = "another history; a start found it in place of this one and set it aside"
                report.findings.append(Finding(What.FORKED, folders.name(aside), says))
            _all_folders(folders, report, known, root)
            if root.parent.is_relative_to(path):
                _all_answers(folders, report, known, root.parent)
        elif path.name not in {CHAIN_FILE, DATABASE}:
            self._part(folders, report, known, path, listing)
        if listing is not None:
            listing.into(report, path, folders.name, self._trusted, self._revoked)
        report.notes += [] if case_id is None else [each.says for each in report.removed]
        if not (report.findings or report.whole or report.notes or links):
            raise nothing(path, f"no {MANIFEST} and no {CHAIN_FILE} here")
        return report

    def _walks(self, root: Path | None, below: Path) -> list[Walk]:
        return [
            walk(name(at, below), items, self._read, trusted=self._trusted)
            for at, items in (chain_copies(root) if root else ())
        ]

    def _part(
        self,
        folders: FolderCheck,
        report: Report,
        known: Known,
        path: Path,
        listing: Listing | None,
    ) -> None:
        """Single files and folders, each by its manifest."""
        only = path.name if path.is_file() and path.name != MANIFEST else None
        seen: defaultdict[str, set[int]] = defaultdict(set)
        here = [each for each in _folders_of(path, known) if not known.is_gone(_place(each))]
        if listing is not None:  # what else lies in it, the listing vouches for
            here = [folder for folder in here if (folder / MANIFEST).is_file()]
        for folder in here:
            manifest = folder / MANIFEST
            link = folders.check(folder, known.revisions.get(_place(folder)), only)
            if link is not None:
                known_key = known.chain is not None or (
                    listing is not None and listing.vouches_for(manifest, self._trusted)
                )
                self._vouch(report, folders.name(manifest), link, known_key=known_key)
                if place := link.revision:  # of answers there is one each
                    seen[place[0]].add(place[1])
        report.cases = len(seen)
        if known.chain is None and path.is_dir() and here and listing is None:
            report.notes.append("no chain is here: whole cases that were taken away leave no trace")
            if path not in here:
                _name_gaps(report, folders.name(path), seen)

    def _vouch(self, report: Report, where: str, link: Link, *, known_key: bool) -> None:
        """Who signed a manifest that stands by itself."""
        if link.kid not in report.keys:
            report.keys.append(link.kid)

        def add(what: What, says: str) -> None:
            report.findings.append(Finding(what, where, f"{link.says} {says}", link.seq))

        if not known_key and self._trusted and link.kid not in self._trusted:
            add(What.WRONG_KEY, f"is signed with key {link.kid}, which nobody vouches for")
        if link.kid in self._revoked:
            add(What.WRONG_KEY, f"is signed with key {link.kid}, which is revoked")
        for point in self._checkpoints:
            if (point.chain, point.seq) == (link.chain, link.seq) and point.sha256 != link.sha256:
                add(What.FORKED, f"is not the one of the checkpoint of {point.at}")


def name(path: Path, below: Path) -> str:
    """A path as reports call it."""
    return str(path).removeprefix(f"{below}/")


def _join(walks: Sequence[Walk], report: Report) -> tuple[dict[int, Link], str | None]:
    """All copies together: what one has lost another may have."""
    links: dict[int, Link] = {}
    for each in walks:
        for seq, link in each.links.items():
            other = links.setdefault(seq, link)
            if other.sha256 != link.sha256:
                says = f"{link.says} differs between the copies of the chain"
                report.findings.append(Finding(What.FORKED, each.where, says, seq))
    longest = max(walks, key=lambda each: len(each.links), default=None)
    report.keys = list(longest.keyring.keys) if longest else []
    return links, longest.chain if longest else None


def _all_folders(folders: FolderCheck, report: Report, known: Known, root: Path) -> None:
    expected = {place: link for place, link in known.left().items() if link.kind == "case"}
    report.cases = len({case_id for case_id, _ in expected})
    for (case_id, revision), link in expected.items():
        folders.check(root / case_id / f"r{revision}", link)
    for folder in sorted(root.glob("*/r*")):
        if _place(folder) not in known.revisions and folder.is_dir():
            folders.check(folder, None)


def _all_answers(folders: FolderCheck, report: Report, known: Known, state: Path) -> None:
    expected = {place[0]: link for place, link in known.left().items() if link.kind == "answer"}
    for link in expected.values():
        folders.check(state / REPLIES / link.owner.rpartition("/")[2], link)
    without = 0
    for folder in sorted(filter(Path.is_dir, (state / REPLIES).glob("*"))):
        if known.revisions.get((folder.name, 0)) is not None:
            continue
        if (folder / MANIFEST).exists():
            folders.check(folder, None)
        else:
            without += 1
    if without:
        says = "of before answers were sealed, or not answered yet"
        report.notes.append(f"{REPLIES}: {without} folder(s) of answers have no link ({says})")


def _folders_of(path: Path, known: Known) -> list[Path]:
    """Folders with a manifest, or that should have one, at or below a path."""
    if path.is_file():
        return [path.parent]
    found = {manifest.parent for manifest in path.rglob(MANIFEST)}
    for _, revision in known.left(path.name):  # an answer has one folder, a case one a revision
        found.add(path / f"r{revision}" if revision else path)
    if not found and path.is_dir() and (known.chain is None or _place(path) in known.revisions):
        found = {path} if any(path.iterdir()) or _place(path) in known.revisions else set()
    return sorted(found)


def _name_gaps(report: Report, where: str, seen: Mapping[str, set[int]]) -> None:
    """A case's revisions count from 1 without gaps."""
    for case_id, revisions in sorted(seen.items()):
        for revision in sorted(set(range(1, max(revisions))) - revisions):
            says = f"revision {revision} of case {case_id} is not here"
            report.findings.append(Finding(What.MISSING, where, says))


def _place(folder: Path) -> Place:
    """Case id and revision of ``<case id>/r<revision>``; request id and 0 of an answer's."""
    if folder.parent.name == REPLIES:
        return folder.name, 0
    number = folder.name.removeprefix("r")
    return folder.parent.name, int(number) if number.isdigit() else 0
