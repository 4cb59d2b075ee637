"""What a zone may show: named in the configuration, there when watching began, or accepted.

OCR reads the same sign a little differently each time, in parts, or with a wrong character, so
wording is compared by similarity, and more leniently at the place where the sign hangs. Numbers
are kept in their public form only. A small ad's number is never learned; a shop board that carries
its own number is, and an operator may accept anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

from edge.errors import Code, StoreError
from edge.geometry import Box
from edge.scenes.numbers import NumberGuard, split_number
from edge.scenes.wording import AdPatterns, normalised, shipped_patterns

Kind = Literal["text", "board", "qr"]
How = Literal["given", "learned", "accepted"]

_ALIKE = 0.7
_ALIKE_IN_PLACE = 0.34
_SHOP_SIGN_WIDTH = 0.12
"""A board with a number at least so wide (share of the picture) belongs to a shop."""
_MOST_SIGNS = 500
_DARK_AT_MOST_S = 14 * 3600.0
"""So long is daylight waited for before learning gives up on it."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something a zone may show.

    Attributes:
        kind: wording, an advertising board, or a QR code.
        text: what it says, numbers in their public form; the payload's hash of a code.
        box: where it hangs, None for anywhere in the zone.
        how: named in the configuration, learned, or accepted by an operator.
    """

    kind: Kind
    text: str
    box: Box | None
    how: How


class PermittedSigns:
    """What one zone may show. One thread calls it; the command line may accept meanwhile.

    Args:
        given: wording from the configuration.
        learn_s: seconds from the first look by daylight in which signs are learned.
        memory: file that keeps signs over a restart, or None.
        guard: how numbers are kept; masked if None.
        patterns: what small ads say; the shipped list if None.
    """

    def __init__(
        self,
        given: Sequence[str],
        *,
        learn_s: float,
        memory: Path | None = None,
        guard: NumberGuard | None = None,
        patterns: AdPatterns | None = None,
    ) -> None:
        self._patterns = patterns or shipped_patterns()
        self._guard = guard or NumberGuard(self._patterns, "masked")
        self._given = tuple(
            Sign("text", self._guard.scrubbed(text), None, "given") for text in given
        )
        self._learn_s = learn_s
        self._memory = memory
        self._stamp: tuple[int, int] | None = None
        self._kept: list[Sign] = []
        self._done = False
        self._recall()
        self._began: datetime | None = None
        self._waiting_since: datetime | None = None

    @property
    def signs(self) -> tuple[Sign, ...]:
        """Everything permitted now."""
        self._recall()
        return (*self._given, *self._kept)

    @property
    def still_learning(self) -> bool:
        """Whether what the zone may show is not known yet."""
        return self._learn_s > 0 and not self._done

    def learning(self, now: datetime, *, lit: bool = True) -> bool:
        """Whether what is shown now is taken as permitted; by night nothing can be learned."""
        self._recall()
        if self._done or self._learn_s <= 0:
            return False
        self._waiting_since = self._waiting_since or now
        waited_s = (now - self._waiting_since).total_seconds()
        if self._began is None and not lit and waited_s < _DARK_AT_MOST_S:
            return True
        self._began = self._began or now
        if (now - self._began).total_seconds() < self._learn_s:
            return True
        self._done = True
        self._keep()
        return False

    def learn(self, shown: Iterable[tuple[str, Box | None]], kind: Kind = "text") -> None:
        """Take what is shown as permitted, but no small ad: no number on anything small."""
        for text, box in shown:
            if kind == "text" and not self._may_learn(text, box):
                continue
            self._add(Sign(kind, self._guard.scrubbed(text), box, "learned"))

    def accept(self, text: str, box: Box | None = None, kind: Kind = "text") -> Sign:
        """An operator permits it, number and all; kept at once.

        Args:
            text: as read, or as shown with its number hidden.
            box: where it hangs; None permits it anywhere in the zone.

        Raises:
            ValueError: there is neither wording nor a place.
            StoreError: it cannot be kept.
        """
        if not normalised(text) and box is None:
            raise ValueError("a sign needs wording or a place")
        self._recall()
        sign = Sign(kind, self._guard.scrubbed(text), box, "accepted")
        self._add(sign)
        self._keep()
        return sign

    def permits(self, text: str, box: Box | None = None, kind: Kind = "text") -> bool:
        """Whether it is, or is part of, something permitted."""
        if kind != "text":
            return any(_same_thing(text, box, sign) for sign in self.signs if sign.kind == kind)
        wording, number = split_number(self._guard, text)
        wanted = normalised(wording)
        if not wanted and number is None:
            return True
        small_ad = self._patterns.word(text) is not None
        return any(
            self._covers(sign, wanted, number, box, small_ad)
            for sign in self.signs
            if sign.kind == "text"
        )

    def _covers(
        self, sign: Sign, wanted: str, number: str | None, box: Box | None, small_ad: bool
    ) -> bool:
        wording, known_number = split_number(self._guard, sign.text)
        known = normalised(wording)
        here = _in_place(box, sign.box)
        if number is not None:
            if known_number is None:
                return False
            same_size = here and box is not None and sign.box is not None
            same_size = same_size and box.area >= 0.4 * sign.box.area  # type: ignore[union-attr]
            return number == known_number or same_size
        if here:
            overlapping = box is not None and sign.box is not None and box.iou(sign.box) >= 0.5
            return _shared(wanted, known) >= _ALIKE_IN_PLACE or (overlapping and not small_ad)
        if small_ad:
            return _ratio(wanted, known) >= _ALIKE
        contained = min(len(wanted), len(known)) >= 2 and (wanted in known or known in wanted)
        return contained or _ratio(wanted, known) >= _ALIKE

    def _may_learn(self, text: str, box: Box | None) -> bool:
        if not normalised(text) or self._patterns.grave(text):
            return False
        if split_number(self._guard, text)[1] is None:
            return True
        small_ad = self._patterns.word(text) is not None
        return box is not None and box.width >= _SHOP_SIGN_WIDTH and not small_ad

    def _add(self, sign: Sign) -> None:
        if any(
            known.kind == sign.kind and known.text == sign.text and _in_place(sign.box, known.box)
            for known in self._kept
        ):
            return
        if len(self._kept) < _MOST_SIGNS:
            self._kept.append(sign)

    def _recall(self) -> None:
        """Read the file again when another process has written it."""
        if self._memory is None:
            return
        try:
            status = self._memory.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            document = json.loads(self._memory.read_text(encoding="utf-8"))
            signs, done = _read(document)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return  # none yet, or half written: learned anew
        self._stamp = stamp
        mine = [] if self._done else [sign for sign in self._kept if sign not in signs]
        self._kept, self._done = signs + mine, self._done or done

    def _keep(self) -> None:
        if self._memory is None:
            return
        document = {
            "learned": self._done,
            "signs": [{**asdict(sign), "box": _corners(sign.box)} for sign in self._kept],
        }
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            draft = self._memory.with_suffix(f".{os.getpid()}.new")
            draft.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
            draft.replace(self._memory)
        except OSError as error:
            raise StoreError(
                Code.STO_WRITE,
                str(self._memory),
                f"permitted signs cannot be kept ({error.strerror})",
                "Free space, or make the state folder writable",
            ) from error
        status = self._memory.stat()
        self._stamp = (status.st_mtime_ns, status.st_size)


def _read(document: Any) -> tuple[list[Sign], bool]:
    if isinstance(document, list):  # wording only, as versions before 0.2 kept it
        return [Sign("text", str(text), None, "learned") for text in document], True
    signs = [
        Sign(
            entry["kind"],
            str(entry["text"]),
            Box(*entry["box"]) if entry.get("box") else None,
            entry.get("how", "learned"),
        )
        for entry in document["signs"]
    ]
    return signs, document["learned"] is True


def _corners(box: Box | None) -> list[float] | None:
    return [round(v, 5) for v in (box.x0, box.y0, box.x1, box.y1)] if box else None


def _in_place(box: Box | None, sign: Box | None) -> bool:
    """Whether a box lies on a sign, or nearly covers it: parts are read as well as wholes."""
    if box is None or sign is None:
        return box is None and sign is None
    near = sign.grown(0.25)
    return box.covered_by(near) >= 0.6 or (box.iou(sign) >= 0.3)


def _same_thing(text: str, box: Box | None, sign: Sign) -> bool:
    if sign.kind == "qr" and text and text == sign.text:
        return True
    return box is not None and sign.box is not None and _in_place(box, sign.box)


def _ratio(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio() if left and right else 0.0


def _shared(left: str, right: str) -> float:
    """Share of the shorter wording that the other one holds in the same order."""
    if not left or not right:
        return 0.0
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / min(len(left), len(right))
