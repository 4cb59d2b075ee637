"""Somebody who alters evidence: one change at a time, undone afterwards; was it found and named?

Parts of the evidence are remembered while they do not change (by their bytes, or by the file's
identity on disk), or ten thousand checks of a thousand cases would take a day.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from edge.evidence.checkpoint import Checkpoint
from edge.evidence.findings import Report
from edge.evidence.folders import digest_of
from edge.evidence.link import BadLinkError, Link, read_link
from edge.evidence.verify import Verifier

Change = tuple[str, str]
"""What was done, and to which file (as reports call it)."""


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
        self.pictures = [path for path in self.files if path.suffix == ".jpg"]
        self.chain = self.folder / "chain.jsonl"

    def check(self) -> Report:
        """Everything, with what was remembered."""
        return self._verifier.check(self.folder)

    def flip(self, path: Path, bit: int) -> None:
        """One bit of one file."""
        data = bytearray(path.read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        with self._put(path, bytes(data)):
            self._judge("flip", f"bit {bit} of {path.name}", {self._name(path)})

    def delete(self, path: Path) -> None:
        """One file."""
        held = path.with_name(f".{path.name}.held")
        path.rename(held)
        self._judge("delete", path.name, {self._name(path)})
        held.rename(path)

    def delete_folder(self, folder: Path) -> None:
        """A whole revision."""
        held = self.folder.parent / "held"
        shutil.move(folder, held)
        self._judge("delete folder", folder.parent.name, {self._name(folder / "manifest.json")})
        shutil.move(held, folder)

    def swap(self, one: Path, other: Path) -> None:
        """The contents of two files."""
        first, second = one.read_bytes(), other.read_bytes()
        with self._put(one, second), self._put(other, first):
            self._judge("swap", f"{one} {other}", {self._name(one), self._name(other)})

    def truncate(self, path: Path, size: int) -> None:
        """The end of a file."""
        with self._put(path, path.read_bytes()[:size]):
            self._judge("truncate", f"{path.name} to {size}", {self._name(path)})

    def chain_lines(self, what: str, change: Callable[[list[bytes]], None]) -> None:
        """Something done to the lines of the chain."""
        lines = self.chain.read_bytes().splitlines(keepends=True)
        change(lines)
        with self._put(self.chain, b"".join(lines)):
            self._judge(what, self.chain.name, {self._name(self.chain)})

    def at_random(self) -> None:
        """One change of a kind and at a place drawn by chance."""
        rng, lines = self.rng, self.point.seq
        match rng.choice(("flip", "flip", "delete", "folder", "swap", "truncate", "chain", "cut")):
            case "flip":
                path = rng.choice(self.files)
                self.flip(path, rng.randrange(path.stat().st_size * 8))
            case "delete":
                self.delete(rng.choice([p for p in self.files if p != self.chain]))
            case "folder":
                self.delete_folder(rng.choice(self.pictures).parent)
            case "swap":
                name = rng.choice(("far.jpg", "near.jpg", "manifest.json", "case.json"))
                pair = rng.sample([p for p in self.files if p.name == name], 2)
                self.swap(*pair)
            case "truncate":
                path = rng.choice(self.files)
                self.truncate(path, rng.randrange(path.stat().st_size))
            case "cut":
                left = rng.randrange(lines)
                self.chain_lines("cut off", lambda found: found.__delitem__(slice(left, None)))
            case "chain":
                self._reorder(lines)

    def _reorder(self, lines: int) -> None:
        one, other = self.rng.sample(range(lines), 2)

        def exchange(found: list[bytes]) -> None:
            found[one], found[other] = found[other], found[one]

        match self.rng.choice(("exchange", "move", "drop", "repeat")):
            case "exchange":
                self.chain_lines("reorder", exchange)
            case "move":
                self.chain_lines("reorder", lambda found: found.insert(other, found.pop(one)))
            case "drop":
                self.chain_lines("drop link", lambda found: found.__delitem__(one))
            case "repeat":
                self.chain_lines("repeat link", lambda found: found.insert(other, found[one]))

    def _judge(self, what: str, detail: str, touched: set[str]) -> None:
        self.done[what] += 1
        named = {finding.path for finding in self.check().findings}
        if not touched <= named:
            self.missed.append(f"{what} {detail}: named {sorted(named)}, not {sorted(touched)}")

    @contextmanager
    def _put(self, path: Path, data: bytes) -> Iterator[None]:
        """Other bytes for a while; a new file each, so that nothing remembered is taken for it."""
        held = path.read_bytes()
        _replace(path, data)
        try:
            yield
        finally:
            _replace(path, held)

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


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.put")
    draft.write_bytes(data)
    draft.replace(path)
