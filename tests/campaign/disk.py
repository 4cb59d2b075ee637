"""A disk as a power cut leaves it: what was synced, and any part of what was not.

A run is traced once by ``strace``; :class:`Disk` plays the calls and can be cut after each. The
model: bytes synced with their file are there; of the others any set of 512-byte sectors. The name
of a file is there once the file or its folder was synced; renames, removals and folders once the
folder above was synced, before that any first part of them. It takes the device at its word: a
sync that returned is on the medium.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

TRACED = "openat,pwrite64,write,writev,fsync,fdatasync,rename,ftruncate,unlink,mkdir"
_SECTOR = 512
_CALL = re.compile(rb"^\d+ +(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_FD = re.compile(rb"^\d+<([^>]*)>")
_TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that came through.

    Attributes:
        name: of the call; ``create`` for an open that may make or empty a file.
        path: of the file or folder.
        data: what was written.
        number: offset or size; 1 when ``create`` empties the file.
        other: the new name.
    """

    name: str
    path: str
    data: bytes = b""
    number: int = 0
    other: str = ""


def read_trace(trace: Path) -> Iterator[Call]:
    """The calls of a trace made with ``-f -y -xx`` and a string size that cuts nothing."""
    for line in _whole_lines(trace):
        found = _CALL.match(line)
        if found is not None and int(found[3]) >= 0:
            call = _call(found[1].decode(), found[2], found[4] or b"")
            if call is not None:
                yield call


def _whole_lines(trace: Path) -> Iterator[bytes]:
    """A call during which another thread made one stands in two lines; it counts at its end."""
    begun: dict[bytes, bytes] = {}
    for line in trace.read_bytes().splitlines():
        thread = line.split(b" ", 1)[0]
        if line.endswith(b" <unfinished ...>"):
            begun[thread] = line.removesuffix(b" <unfinished ...>")
        elif b"<... " in line and b" resumed>" in line:
            yield begun.pop(thread) + line.partition(b" resumed>")[2]
        else:
            yield line


def _call(name: str, words: bytes, returned: bytes) -> Call | None:
    texts = [bytes.fromhex(t.decode().replace("\\x", "")) for t in _TEXT.findall(words)]
    if name == "openat":
        if b"O_CREAT" not in words:
            return None
        return Call("create", _plain(returned), number=int(b"O_TRUNC" in words))
    if name in ("rename", "unlink", "mkdir"):
        return Call(name, texts[0].decode(), other=texts[1].decode() if len(texts) > 1 else "")
    of = _FD.match(words)
    if of is None:
        return None
    number = int(words.rsplit(b", ", 1)[1]) if name in ("pwrite64", "ftruncate") else 0
    return Call(name, _plain(of[1]), data=texts[0] if texts else b"", number=number)


def _plain(name: bytes) -> str:
    """A path behind a descriptor, which ``-xx`` writes in hexadecimal."""
    return str(ast.literal_eval(f'"{name.decode()}"'))


@dataclass(slots=True)
class _File:
    safe: bytearray = field(default_factory=bytearray)
    now: bytearray = field(default_factory=bytearray)
    loose: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Not synced: offset and bytes, or a new size and None."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A change of a folder that is not synced."""

    kind: str
    path: str
    other: str
    file: _File | None


class Disk:
    """Files and folders below one folder; others are not looked at."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._names: dict[str, _File] = {}
        self._safe_names: dict[str, _File] = {}
        self._safe_folders = {self._root}
        self._loose: dict[str, list[_Entry]] = {}

    def play(self, call: Call) -> bool:
        """Do one call; False: it is none of ours."""
        if not call.path.startswith(self._root):
            return False
        match call.name:
            case "create":
                self._create(call)
            case "pwrite64":
                _write(self._names[call.path], call.number, call.data)
            case "write":
                _write(self._names[call.path], len(self._names[call.path].now), call.data)
            case "ftruncate":
                _resize(self._names[call.path], call.number)
            case "fsync" | "fdatasync":
                self._sync(call.path)
            case "rename":
                file = self._names[call.other] = self._names.pop(call.path)
                self._note("rename", call.path, call.other, file)
            case "unlink":
                self._names.pop(call.path, None)
                self._note("unlink", call.path)
            case "mkdir":
                self._note("mkdir", call.path)
            case _:
                return False
        return True

    def cut(self, rng: random.Random | None) -> dict[str, bytes]:
        """What is on the disk after a power cut now: synced only, or some of the rest as well."""
        names, folders = dict(self._safe_names), set(self._safe_folders)
        for entries in self._loose.values():
            for entry in entries[: rng.randint(0, len(entries)) if rng else 0]:
                _apply(entry, names, folders)
        share = rng.choice((0.1, 0.5, 0.9)) if rng else 0.0
        return {
            path: _content(file, rng, share)
            for path, file in names.items()
            if all(str(above) in folders for above in _folders(path, self._root))
        }

    def _create(self, call: Call) -> None:
        file = self._names.get(call.path)
        if file is None:
            file = self._names[call.path] = _File()
            self._note("link", call.path, "", file)
        elif call.number:
            _resize(file, 0)

    def _note(self, kind: str, path: str, other: str = "", file: _File | None = None) -> None:
        folder = str(PurePosixPath(other or path).parent)
        self._loose.setdefault(folder, []).append(_Entry(kind, path, other, file))

    def _sync(self, path: str) -> None:
        file = self._names.get(path)
        if file is None:
            self._settle(path, len(self._loose.get(path, [])))
            return
        file.safe[:] = file.now
        file.loose.clear()
        for folder, entries in self._loose.items():
            made = [n for n, e in enumerate(entries) if e.kind == "link" and e.file is file]
            if made:
                self._settle(folder, made[-1] + 1)

    def _settle(self, folder: str, count: int) -> None:
        """The first changes of a folder are on the disk; a journal keeps their order."""
        entries = self._loose.get(folder, [])
        for entry in entries[:count]:
            _apply(entry, self._safe_names, self._safe_folders)
        del entries[:count]


def _apply(entry: _Entry, names: dict[str, _File], folders: set[str]) -> None:
    match entry.kind:
        case "link":
            assert entry.file is not None
            names[entry.path] = entry.file
        case "rename":
            assert entry.file is not None
            names.pop(entry.path, None)
            names[entry.other] = entry.file
        case "unlink":
            names.pop(entry.path, None)
        case "mkdir":
            folders.add(entry.path)


def _folders(path: str, root: str) -> Iterator[PurePosixPath]:
    for above in PurePosixPath(path).parents:
        yield above
        if str(above) == root:
            return


def _write(file: _File, offset: int, data: bytes) -> None:
    file.loose.append((offset, data))
    _put(file.now, offset, data)


def _resize(file: _File, size: int) -> None:
    file.loose.append((size, None))
    _put_size(file.now, size)


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _put_size(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _content(file: _File, rng: random.Random | None, share: float) -> bytes:
    content = bytearray(file.safe)
    if rng is None:
        return bytes(content)
    for offset, data in file.loose:
        if data is None:
            if rng.random() < share:
                _put_size(content, offset)
            continue
        for at in range(0, len(data), _SECTOR):
            if rng.random() < share:
                _put(content, offset + at, data[at : at + _SECTOR])
    return bytes(content)
