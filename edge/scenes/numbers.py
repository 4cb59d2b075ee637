"""Numbers on ads, as they may be kept: masked, hashed or clear.

A number on a wall is a person's. What is stored, logged, shown or sent carries it only in the
form the configuration names; the same number always takes the same form, so that cases can still
be told apart and a permitted sign known again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Literal

from edge.errors import Code, StoreError
from edge.scenes.wording import AdPatterns, Number, joined

NumbersForm = Literal["masked", "hashed", "clear"]
_SECRET_BYTES = 32
_HIDDEN = re.compile(r"[0-9a-z]{0,4}\*{3,}[0-9a-z]{0,4}|#(?=\d*[a-p])[0-9a-p]{12}")
_NO_DIGITS = str.maketrans("0123456789", "ghijklmnop")
"""Hashes are written without digits: twelve hexadecimal ones may read like a number to call.

Signs kept before that was so are still known: translated once more, a hash stays what it is.
"""
_LONG_RUN = re.compile(r"\d{7,}")


class NumberGuard:
    """Writes numbers in the form in which they may leave.

    Args:
        patterns: what a number is.
        form: ``masked`` (139****0001), ``hashed`` (keyed, the same on this box only) or ``clear``.
        secret: key of the hashes.
    """

    def __init__(self, patterns: AdPatterns, form: NumbersForm, secret: bytes = b"") -> None:
        self._patterns = patterns
        self._form = form
        self._secret = secret

    def numbers(self, text: str) -> list[Number]:
        """The numbers that stand in a text in clear."""
        return self._patterns.numbers_in(text)

    def public(self, value: str) -> str:
        """One number or account in the form in which it may be kept."""
        if self._form == "clear":
            return value
        if self._form == "hashed":
            digest = hmac.new(self._secret, value.encode(), hashlib.sha256).hexdigest()
            return f"#{digest[:12].translate(_NO_DIGITS)}"
        if len(value) >= 10:
            return f"{value[:3]}{'*' * (len(value) - 7)}{value[-4:]}"
        return f"{value[:1]}{'*' * max(len(value) - 3, 3)}{value[-2:]}"

    def scrubbed(self, text: str) -> str:
        """The text with each number in its public form.

        Long runs of digits that no pattern knows are treated like numbers: a number read with a
        digit too many is still somebody's.
        """
        if self._form == "clear":
            return text
        found = self.numbers(text)
        if not found and not _LONG_RUN.search(joined(text)):
            return text
        plain = joined(text)
        for number in reversed(found):
            plain = plain[: number.start] + self.public(number.value) + plain[number.end :]
        return _LONG_RUN.sub(lambda run: self._run(plain, run), plain)

    def _run(self, text: str, run: re.Match[str]) -> str:
        inside_hidden = any(
            hidden.start() <= run.start() < hidden.end() for hidden in _HIDDEN.finditer(text)
        )
        return run.group(0) if inside_hidden else self.public(run.group(0))


def split_number(guard: NumberGuard, text: str) -> tuple[str, str | None]:
    """The wording without its numbers, and the first number's public form.

    Both a text as it was read and one whose numbers are already hidden give the same.
    """
    public = guard.scrubbed(text)
    hidden = _HIDDEN.findall(public)
    if hidden:
        first = str(hidden[0])
        name = first.translate(_NO_DIGITS) if first.startswith("#") else first
        return _HIDDEN.sub(" ", public), name
    numbers = guard.numbers(text)
    if not numbers:
        return text, None
    plain = joined(text)
    for number in reversed(numbers):
        plain = plain[: number.start] + " " + plain[number.end :]
    return plain, numbers[0].value


def box_secret(state: Path) -> bytes:
    """The box's own key for hashed numbers, made on first use, readable by its owner only.

    Raises:
        StoreError: it can neither be read nor written.
    """
    path = state / "numbers.key"
    try:
        state.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_bytes()
            if len(secret) >= _SECRET_BYTES:
                return secret
            path.unlink()  # half written at a power cut, so never used
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        secret = secrets.token_bytes(_SECRET_BYTES)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            Code.STO_OPEN,
            str(path),
            f"cannot be used ({error.strerror})",
            "Give box.state_dir a writable folder",
        ) from error
    return secret
