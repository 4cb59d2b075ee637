"""The coordinator's books: what each side says it did, kept by nobody who is under test.

Lines are appended by one ``writev`` each (a call that no test injects faults into), so a SIGKILL
leaves whole lines, and lines of several processes stand in the order they were written.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path


class Book:
    """An append-only file of lines ``word id``."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(self, word: str, about: str = "") -> None:
        """One line."""
        os.writev(self._fd, [f"{word} {about}\n".encode()])


def lines(path: Path) -> list[tuple[str, str]]:
    """Every line, as word and id."""
    if not path.exists():
        return []
    return [(w, a) for w, _, a in (line.partition(" ") for line in path.read_text().splitlines())]


@dataclass
class Verdict:
    """What the books say when everything has settled.

    Attributes:
        committed: revisions that a box committed, by its book and by its database.
        lost: committed without an effect.
        doubled: effects that came after the application's answer had been stored.
        phantom: effects of what was never committed.
        torn: files that were not what their hash says.
        disordered: a revision whose first effect came before that of the one before it.
        again: effects repeated because the application died before its answer was stored; its
            own key makes them one.
    """

    committed: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    doubled: list[str] = field(default_factory=list)
    phantom: set[str] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    again: int = 0

    @property
    def wrong(self) -> int:
        """Effects of nothing, torn files, wrong order."""
        return len(self.phantom) + len(self.torn) + len(self.disordered)

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not (self.lost or self.doubled or self.wrong)


def judge(boxes: list[Path], databases: set[str], platform: Path) -> Verdict:
    """Compare the books.

    Args:
        boxes: books of the boxes: ``made`` before a commit, ``committed`` after it.
        databases: every revision that the boxes' databases hold.
        platform: ``effect`` before the application's answer, ``answered`` after it, ``torn``.
    """
    said = {about for book in boxes for word, about in lines(book) if word == "committed"}
    verdict = Verdict(committed=said | databases, lost=said - databases)
    effects: Counter[str] = Counter()
    answered: set[str] = set()
    seen: defaultdict[str, int] = defaultdict(int)
    for word, about in lines(platform):
        case, _, revision = about.rpartition("-r")
        if word == "effect":
            effects[about] += 1
            if about in answered:
                verdict.doubled.append(about)
            if effects[about] == 1:
                if int(revision) != seen[case] + 1:
                    verdict.disordered.append(about)
                seen[case] = int(revision)
        elif word == "answered":
            answered.add(about)
        elif word == "torn":
            verdict.torn.append(about)
    verdict.lost |= verdict.committed - set(effects)
    verdict.phantom = set(effects) - verdict.committed
    verdict.again = sum(effects.values()) - len(effects) - len(verdict.doubled)
    return verdict
