"""Somebody who alters evidence: one change at a time, undone afterwards; was it found and named?

Parts of the evidence are remembered while they do not change (by their bytes, or by the file's
identity on disk), or ten thousand checks of a thousand cases would take a day.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from edge.evidence.checkpoint import Checkpoint
from edge.evidence.findings import Report
from edge.evidence.folders import digest_of
from edge.evidence.link import BadLinkError, Link, read_link
from edge.evidence.verify import Verifier

Change = dict[Path, bytes | None]
"""Files and what they hold instead; None: they are gone."""
_NAMES = ("far.jpg", "near.jpg", "manifest.json", "case.json")


@dataclass
class Tamperer:
    """Works on a copy of a state folder without its database, as an export has it.

    Attributes:
        folder: with ``chain.jsonl`` and the cases' folders.
        point: the platform's checkpoint.
        missed: changes that were not found, or not named.
        done: changes made, by kind.
    """

    folder: Path
    point: Checkpoint
    seed: int = 0
    missed: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self._digests: dict[tuple[str, int, int, int], str] = {}
        read = lru_cache(maxsize=None)(_remembered)
        self._verifier = Verifier(
            checkpoints=[self.point],
            read=lambda raw: _told(read(raw)),
            digest=self._digest,
        )
        self.files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        self._folders = sorted({path.parent for path in self.files if path.suffix == ".jpg"})
        self.chain = self.folder / "chain.jsonl"

    def check(self, path: Path | None = None) -> Report:
        """Everything, or one path, with what was remembered."""
        return self._verifier.check(path or self.folder)

    def flip(self, path: Path, bit: int) -> None:
        """One bit of one file, by itself."""
        with self._made(self._flipped(path, bit)):
            self._judge(self.folder, ["flip"], {self._name(path)})

    def truncate(self, path: Path, size: int) -> None:
        """The end of one file, by itself."""
        with self._made({path: path.read_bytes()[:size]}):
            self._judge(self.folder, ["truncate"], {self._name(path)})

    def at_random(self, changes: int, at_once: int = 20) -> None:
        """Changes of a kind and at a place drawn by chance.

        What is done to pictures, manifests and documents is done to several cases at once, each
        of which must be named; what is done to the chain is done to it alone.
        """
        while (left := changes - self.done.total()) > 0:
            if self.rng.random() < 0.1:
                self._pictures_changed(min(left, at_once))
            else:
                self._chain_changed()

    def _pictures_changed(self, count: int) -> None:
        folders = self.rng.sample(self._folders, 2 * min(count, len(self._folders) // 2))
        with ExitStack() as undo:
            kinds, touched = [], set()
            for one, other in zip(folders[::2], folders[1::2], strict=True):
                kind = self.rng.choice(("flip", "flip", "delete", "folder", "swap", "truncate"))
                path = one / self.rng.choice(_NAMES)
                kinds.append(kind)
                match kind:
                    case "flip":
                        change = self._flipped(path, self.rng.randrange(path.stat().st_size * 8))
                    case "truncate":
                        data = path.read_bytes()[: self.rng.randrange(path.stat().st_size)]
                        change = {path: data}
                    case "delete":
                        change = {path: None}
                    case "folder":
                        change = dict.fromkeys(one / name for name in _NAMES)
                    case _:
                        twin = other / path.name
                        change = {path: twin.read_bytes(), twin: path.read_bytes()}
                undo.enter_context(self._made(change))
                touched |= {self._name(each) for each in change}
            self._judge(self.folder, kinds, touched)

    def _chain_changed(self) -> None:
        rng, lines = self.rng, self.chain.read_bytes().splitlines(keepends=True)
        one, other = rng.sample(range(len(lines)), 2)
        kind = rng.choice(("flip", "truncate", "cut off", "exchange", "move", "drop", "repeat"))
        match kind:
            case "exchange":
                lines[one], lines[other] = lines[other], lines[one]
            case "move":
                lines.insert(other, lines.pop(one))
            case "drop":
                del lines[one]
            case "repeat":
                lines.insert(other, lines[one])
            case "cut off":
                del lines[one:]
        data = b"".join(lines)
        if kind == "truncate":
            data = data[: rng.randrange(len(data))]
        change: Change = {self.chain: data}
        if kind == "flip":
            change = self._flipped(self.chain, rng.randrange(len(data) * 8))
        with self._made(change):
            self._judge(self.chain, [f"chain: {kind}"], {self._name(self.chain)})

    @staticmethod
    def _flipped(path: Path, bit: int) -> Change:
        data = bytearray(path.read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        return {path: bytes(data)}

    def _judge(self, asked: Path, kinds: list[str], touched: set[str]) -> None:
        self.done.update(kinds)
        named = {finding.path for finding in self.check(asked).findings}
        # A link that is not in the chain any more makes its manifest a stranger: named as well.
        if named != touched if self._name(self.chain) not in touched else not touched <= named:
            less, more = sorted(touched - named), sorted(named - touched)
            self.missed.append(f"{kinds}: not {less}, but {more}")

    @contextmanager
    def _made(self, change: Change) -> Iterator[None]:
        """Other bytes for a while, or none; new files, which nothing remembered is taken for."""
        held = {path: path.read_bytes() for path in change}
        try:
            for path, data in change.items():
                _put(path, data)
            yield
        finally:
            for path, data in held.items():
                _put(path, data)

    def _digest(self, path: Path) -> str:
        at = path.stat()
        known = (str(path), at.st_ino, at.st_mtime_ns, at.st_size)
        if known not in self._digests:
            self._digests[known] = digest_of(path)
        return self._digests[known]

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.folder.parent))


def flip_rows(database: Path, point: Checkpoint) -> tuple[int, list[str]]:
    """Every bit of every link in the database, one at a time; how many, and what was missed."""
    db = sqlite3.connect(database)
    db.execute("DROP TRIGGER evidence_chain_stays")
    db.execute("PRAGMA synchronous = OFF")
    rows = db.execute("SELECT seq, link FROM evidence_chain").fetchall()
    verifier, missed, done = Verifier(checkpoints=[point]), [], 0
    for seq, link in rows:
        for bit in range(len(link) * 8):
            data = bytearray(link)
            data[bit // 8] ^= 1 << bit % 8
            db.execute("UPDATE evidence_chain SET link = ? WHERE seq = ?", (bytes(data), seq))
            db.commit()
            done += 1
            if not any(f.seq == seq for f in verifier.check(database).findings):
                missed.append(f"bit {bit} of row {seq}")
        db.execute("UPDATE evidence_chain SET link = ? WHERE seq = ?", (link, seq))
        db.commit()
    db.close()
    return done, missed


def _remembered(raw: bytes) -> Link | str:
    try:
        return read_link(raw)
    except BadLinkError as error:
        return str(error)


def _told(found: Link | str) -> Link:
    if isinstance(found, str):
        raise BadLinkError(found)
    return found


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink()
        return
    draft = path.with_name(f".{path.name}.put")
    draft.write_bytes(data)
    draft.replace(path)
