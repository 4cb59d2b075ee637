"""The wording of small ads: words and numbers by which they are known, as editable data.

``ads_words.toml`` beside this module is the shipped list; a site may name its own in
``detectors.text.patterns``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from edge.config.load import read_text
from edge.errors import Code, ConfigError
from edge.scenes.finding import Words

_NOT_DIGIT_OR_LETTER = re.compile(r"[\W_]+")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s.·•_—–‐-]+(?=\d)")


@dataclass(frozen=True, slots=True)
class WordPattern:
    """Wording that small ads use.

    Attributes:
        words: its name in reasons.
        pattern: tried on :func:`normalised` wording.
        grave: never learned as permitted.
        unless: wording that says the pattern means nothing here, tried on the same text.
    """

    words: Words
    pattern: re.Pattern[str]
    grave: bool
    unless: re.Pattern[str] | None = None

    def says(self, plain: str) -> bool:
        """Whether :func:`normalised` wording is such an ad's."""
        excused = self.unless is not None and self.unless.search(plain) is not None
        return not excused and self.pattern.search(plain) is not None


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A kind of number or account one is meant to call.

    Attributes:
        kind: ``mobile``, ``landline``, ``service`` or ``account``.
        words: its name in reasons.
        pattern: tried on :func:`joined` wording; the group ``id`` is the number itself.
    """

    kind: str
    words: Words
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Number:
    """A number found in a wording.

    Attributes:
        value: digits or account name, nothing else.
        start, end: where it stands in the :func:`joined` wording.
        pattern: what found it.
    """

    value: str
    start: int
    end: int
    pattern: NumberPattern


@dataclass(frozen=True, slots=True)
class AdPatterns:
    """All patterns of one file."""

    words: tuple[WordPattern, ...]
    numbers: tuple[NumberPattern, ...]

    def word(self, text: str) -> WordPattern | None:
        """The first small-ad word in a text."""
        plain = normalised(text)
        return next((word for word in self.words if word.says(plain)), None)

    def grave(self, text: str) -> bool:
        """Whether the text must never be learned as permitted."""
        plain = normalised(text)
        return any(word.grave and word.says(plain) for word in self.words)

    def numbers_in(self, text: str) -> list[Number]:
        """The numbers in a text, left to right, none overlapping another."""
        plain = joined(text)
        found: list[Number] = []
        for pattern in self.numbers:
            for match in pattern.pattern.finditer(plain):
                start, end = match.span("id")
                if all(end <= other.start or start >= other.end for other in found):
                    found.append(Number(match.group("id"), start, end, pattern))
        return sorted(found, key=lambda number: number.start)


def joined(text: str) -> str:
    """Wording in narrow lower-case letters, without what stands between two digits."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    return _BETWEEN_DIGITS.sub("", narrow)


def normalised(text: str) -> str:
    """Wording as it is compared: width, case, spaces and punctuation taken out."""
    return _NOT_DIGIT_OR_LETTER.sub("", unicodedata.normalize("NFKC", text)).casefold()


def phone_number(text: str) -> str | None:
    """The first mobile, land-line or 400/800 number in a text, digits only."""
    numbers = shipped_patterns().numbers_in(text)
    return next((n.value for n in numbers if n.pattern.kind != "account"), None)


@cache
def shipped_patterns() -> AdPatterns:
    """The list that ships with the product."""
    source = files("edge.scenes") / "ads_words.toml"
    return _parse(source.read_text(encoding="utf-8"), "ads_words.toml")


def load_patterns(path: Path | None) -> AdPatterns:
    """The patterns of a file, or those that ship.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or holds a pattern that does not compile.
    """
    if path is None:
        return shipped_patterns()
    fix = "Point detectors.text.patterns at a copy of edge/scenes/ads_words.toml"
    return _parse(read_text(path, fix), str(path))


def _parse(text: str, where: str) -> AdPatterns:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Code.CFG_SYNTAX, where, str(error), "Mend the TOML") from error
    return AdPatterns(
        tuple(
            WordPattern(
                _words(entry, at),
                _pattern(entry, at),
                entry.get("grave") is True,
                _pattern(entry, at, "unless") if "unless" in entry else None,
            )
            for entry, at in _entries(document, "words", where)
        ),
        tuple(
            NumberPattern(str(entry.get("kind", "number")), _words(entry, at), _number(entry, at))
            for entry, at in _entries(document, "numbers", where)
        ),
    )


def _entries(document: dict[str, Any], key: str, where: str) -> list[tuple[dict[str, Any], str]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            Code.CFG_FIELD, f"{where} {key}", "no list of tables", f"Write [[{key}]] blocks"
        )
    return [(entry, f"{where} {key}[{number}]") for number, entry in enumerate(entries)]


def _words(entry: dict[str, Any], where: str) -> Words:
    zh, en = entry.get("zh"), entry.get("en")
    if not isinstance(zh, str) or not isinstance(en, str):
        raise ConfigError(Code.CFG_FIELD, where, "zh or en is missing", "Name it in both languages")
    return Words(zh, en)


def _pattern(entry: dict[str, Any], where: str, key: str = "pattern") -> re.Pattern[str]:
    try:
        return re.compile(entry[key])
    except (KeyError, TypeError, re.error) as error:
        raise ConfigError(
            Code.CFG_FIELD,
            f"{where}.{key}",
            f"no regular expression ({error})",
            "Write one in Python's syntax",
        ) from error


def _number(entry: dict[str, Any], where: str) -> re.Pattern[str]:
    pattern = _pattern(entry, where)
    if "id" not in pattern.groupindex:
        raise ConfigError(
            Code.CFG_FIELD,
            f"{where}.pattern",
            "has no group (?P<id>…)",
            "Name the part that is the number itself",
        )
    return pattern
