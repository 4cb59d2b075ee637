"""The signs a zone may show: named in the configuration, or there when watching began.

OCR reads the same sign a little differently each time, so wording is compared by similarity.
Wording with a phone number is never learned as permitted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path

_ALIKE = 0.7
_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|[48]00-?\d{3}-?\d{4})(?!\d)")
_NOT_DIGIT_OR_LETTER = re.compile(r"[\W_]+")


def phone_number(text: str) -> str | None:
    """The first Chinese mobile, land-line or 400/800 number in a text, digits only.

    Numbers on small ads are broken up with spaces and dots; those are taken out first.
    """
    joined = re.sub(r"(?<=\d)[\s.·•—-]+(?=\d)", "", unicodedata.normalize("NFKC", text))
    found = _PHONE.search(joined)
    return found.group(0).replace("-", "") if found else None


def normalised(text: str) -> str:
    """Wording as it is compared: width, case, spaces and punctuation taken out."""
    return _NOT_DIGIT_OR_LETTER.sub("", unicodedata.normalize("NFKC", text)).casefold()


class PermittedSigns:
    """What one zone may show.

    Args:
        given: wording from the configuration.
        learn_s: seconds from the first look in which wording is learned as permitted.
        memory: file that keeps learned wording over a restart, or None.
    """

    def __init__(self, given: Sequence[str], *, learn_s: float, memory: Path | None = None) -> None:
        self._given = {normalised(text) for text in given} - {""}
        self._learn_s = learn_s
        self._memory = memory
        self._learned, self._done = _recall(memory)
        self._began: datetime | None = None

    def learning(self, now: datetime) -> bool:
        """Whether what is shown now is taken as permitted."""
        if self._done or self._learn_s <= 0:
            return False
        self._began = self._began or now
        if (now - self._began).total_seconds() < self._learn_s:
            return True
        self._done = True
        self._keep()
        return False

    def learn(self, texts: Iterable[str]) -> None:
        """Take wording as permitted; advertising numbers never are."""
        self._learned |= {normalised(t) for t in texts if phone_number(t) is None} - {""}

    def permits(self, text: str) -> bool:
        """Whether the wording is, or is part of, something permitted."""
        wanted = normalised(text)
        return not wanted or any(_alike(wanted, known) for known in self._given | self._learned)

    def _keep(self) -> None:
        if self._memory is None:
            return
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.write_text(
            json.dumps(sorted(self._learned), ensure_ascii=False), encoding="utf-8"
        )


def _recall(memory: Path | None) -> tuple[set[str], bool]:
    if memory is None or not memory.is_file():
        return set(), False
    try:
        return set(json.loads(memory.read_text(encoding="utf-8"))), True
    except (OSError, ValueError, TypeError):
        return set(), False  # a half-written memory is learned anew


def _alike(left: str, right: str) -> bool:
    if min(len(left), len(right)) >= 2 and (left in right or right in left):
        return True
    return SequenceMatcher(None, left, right).ratio() >= _ALIKE
