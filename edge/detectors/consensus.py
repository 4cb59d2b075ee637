"""One wording out of several readings of the same line.

A reader of characters errs on a digit here and there, and mostly not on the same one twice: the
wording most readings agree on is right far more often than any single one. Numbers are compared
by their digits, since what stands between them is read differently each time.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

NUMBER_DIGITS = 7
"""From so many digits on a line is read as a number, digit by digit."""
_DIGIT = re.compile(r"[0-9]")
_WELL_FORMED = re.compile(r"1[3-9]\d{9}|0\d{9,11}|[48]00\d{7}|[2-8]\d{6,7}")
_WELL_FORMED_COUNTS = 1.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line was once read as.

    Attributes:
        text: the wording.
        score: certainty, 0–1.
    """

    text: str
    score: float


def digits(text: str) -> str:
    """The digits of a wording, full-width ones too, nothing else."""
    return "".join(_DIGIT.findall(unicodedata.normalize("NFKC", text)))


def is_number(text: str) -> bool:
    """Whether a line holds enough digits to be a number someone should call."""
    return len(digits(text)) >= NUMBER_DIGITS


def consensus(readings: Sequence[Reading]) -> Reading:
    """The wording that the readings agree on, character by character where they must.

    Raises:
        ValueError: when there is no reading.
    """
    if not readings:
        raise ValueError("no reading to agree on")
    as_number = [r for r in readings if is_number(r.text)]
    if 2 * sum(r.score for r in as_number) >= sum(r.score for r in readings):
        return _agreed_number(as_number or list(readings))
    text = _vote((r.text, r.score) for r in readings)
    return Reading(text, _certainty(readings, lambda r: r.text == text))


def _agreed_number(readings: Sequence[Reading]) -> Reading:
    number = _vote((digits(r.text), _weight(r)) for r in readings)
    same = [r for r in readings if digits(r.text) == number]
    score = _certainty(readings, lambda r: digits(r.text) == number)
    if same:
        return Reading(max(same, key=lambda r: r.score).text, score)
    near = [r for r in readings if len(digits(r.text)) == len(number)]
    return Reading(_with_digits(max(near, key=lambda r: r.score).text, number), score)


def _weight(reading: Reading) -> float:
    well_formed = _WELL_FORMED.fullmatch(digits(reading.text)) is not None
    return reading.score * (_WELL_FORMED_COUNTS if well_formed else 1.0)


def _vote(ballots: Iterable[tuple[str, float]]) -> str:
    """The wording of most weight when it has half of all, else a vote on each character."""
    weights: dict[str, float] = defaultdict(float)
    for text, weight in ballots:
        weights[text] += max(weight, 1e-6)
    best = max(weights, key=lambda text: weights[text])
    if 2 * weights[best] >= sum(weights.values()):
        return best
    lengths: dict[int, float] = defaultdict(float)
    for text, weight in weights.items():
        lengths[len(text)] += weight
    length = max(lengths, key=lambda n: lengths[n])
    columns: list[dict[str, float]] = [defaultdict(float) for _ in range(length)]
    for text, weight in weights.items():
        if len(text) == length:
            for column, character in zip(columns, text, strict=True):
                column[character] += weight
    return "".join(max(column, key=lambda c: column[c]) for column in columns)


def _certainty(readings: Sequence[Reading], agrees: Callable[[Reading], bool]) -> float:
    agreeing = [r.score for r in readings if agrees(r)]
    scores = agreeing or [r.score for r in readings]
    return sum(scores) / len(scores)


def _with_digits(text: str, number: str) -> str:
    rest = iter(number)
    return _DIGIT.sub(lambda _: next(rest), unicodedata.normalize("NFKC", text))
