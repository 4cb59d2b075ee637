"""Who did what, when, from where: one JSON object a line, only ever added to.

Keys: ``at``, ``who``, ``role``, ``address``, ``action``, ``about``, ``outcome`` (``ok`` or an error
code or status). Every line is on disk before the answer goes out. Box and command line write the
same file, one at a time by a lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.clock import Clock, iso, utc_now
from edge.files import own_file
from edge.sqlite import as_store_error

FILE = "audit.jsonl"
ROTATE_BYTES = 8 * 2**20
KEPT_FILES = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    at: str
    who: str
    role: str
    address: str
    action: str
    about: str
    outcome: str


class Audit:
    """The log in a state folder.

    Args:
        state: the folder.
        rotate_bytes: a file that would grow beyond this becomes ``audit.jsonl.1`` first.
    """

    def __init__(
        self, state: Path, clock: Clock = utc_now, *, rotate_bytes: int = ROTATE_BYTES
    ) -> None:
        self._path = state / FILE
        self._clock = clock
        self._rotate_bytes = rotate_bytes

    def write(
        self,
        who: str,
        action: str,
        about: str = "",
        outcome: str = "ok",
        *,
        role: str = "",
        address: str = "",
    ) -> None:
        """Add a line.

        Raises:
            StoreError: the disk refused it.
        """
        entry = Entry(iso(self._clock()), who, role, address, action, about[:200], outcome)
        line = (json.dumps(asdict(entry), ensure_ascii=True) + "\n").encode()
        try:
            with self._alone():
                self._make_room(len(line))
                own_file(self._path)
                handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
                try:
                    os.write(handle, b"\n" + line if _cut_off(handle) else line)
                    os.fsync(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            raise as_store_error(self._path, error) from error

    def newest(self, limit: int) -> list[Entry]:
        """The last entries, newest first; half a line of a power cut is passed over."""
        found: list[Entry] = []
        for path in self._files():
            try:
                lines = path.read_bytes().splitlines()
            except FileNotFoundError:
                continue
            for line in reversed(lines):
                try:
                    found.append(Entry(**json.loads(line)))
                except (ValueError, TypeError):
                    continue
                if len(found) == limit:
                    return found
        return found

    def _files(self) -> list[Path]:
        older = [self._numbered(n) for n in range(1, KEPT_FILES + 1)]
        return [self._path, *older]

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{FILE}.{number}")

    def _make_room(self, more: int) -> None:
        if not self._path.exists() or self._path.stat().st_size + more <= self._rotate_bytes:
            return
        files = self._files()
        for older, newer in zip(reversed(files), reversed(files[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f"{FILE}.lock")
        own_file(lock)
        handle = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _cut_off(handle: int) -> bool:
    """Whether the last line is half a line, from a power cut: the next must not be lost with it."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
