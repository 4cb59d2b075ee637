"""Where evidence comes from: the chain's copies on disk, ZIP files."""

from __future__ import annotations

import lzma
import sqlite3
import struct
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

from edge.errors import Code, StoreError
from edge.evidence.copies import CHAIN_FILE

DATABASE = "gridpatrol.db"
CLIMB = 5
_MAX_UNPACKED = 4 << 30
_DAMAGED = (
    zipfile.BadZipFile,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What a ZIP with a flipped bit makes the library raise, by which bit it is."""


def chain_root(path: Path, climb: int = CLIMB) -> Path | None:
    """The folder with ``chain.jsonl`` (or that should have it) at, below or above a path."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *list(start.parents)[:climb]):
        for candidate in (folder, folder / "evidence"):
            if (candidate / CHAIN_FILE).is_file():
                return candidate
        if (folder / DATABASE).is_file():
            return folder / "evidence"
    return None


def chain_copies(root: Path) -> list[tuple[Path, list[bytes]]]:
    """The chain as the database has it first, so that a copy read later is not behind it."""
    found = []
    database = root.parent / DATABASE
    if database.is_file():
        rows = _rows(database)
        if rows is not None:
            found.append((database, rows))
    file = root / CHAIN_FILE
    if file.is_file():
        lines = file.read_bytes().split(b"\n")
        if lines[-1] == b"" or (found and _torn(lines, found[0][1])):
            lines.pop()
        else:  # also when only the end of the line is gone
            lines[-1] += b" (no end of line)"
        found.append((file, lines))
    return found


def _torn(lines: list[bytes], rows: list[bytes]) -> bool:
    """Whether the last line is the beginning of what the database has there: a crash tore it."""
    at = len(lines) - 1
    return at < len(rows) and rows[at].startswith(lines[at])


def _rows(database: Path) -> list[bytes] | None:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            table = db.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = 'evidence_chain'"
            ).fetchone()
            if table is None:
                return None
            rows = db.execute("SELECT link FROM evidence_chain ORDER BY seq")
            return [bytes(row[0]) for row in rows]
    except sqlite3.Error as error:
        raise StoreError(
            Code.STO_OPEN,
            str(database),
            f"cannot be read ({error})",
            f"Check a copy of the folder without it: {CHAIN_FILE} is enough",
        ) from error


def unpack(path: Path, folder: Path) -> None:
    """A ZIP into an empty folder.

    Raises:
        StoreError: it is damaged, or unpacks to too much (EVI-003).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_UNPACKED:
                raise nothing(path, "unpacks to more than 4 GB")
            archive.extractall(folder)  # it drops absolute names and ".."
    except _DAMAGED as error:
        raise nothing(path, f"cannot be unpacked ({error})") from error


def nothing(path: Path, what: str) -> StoreError:
    """There is nothing here that could be checked."""
    return StoreError(
        Code.EVI_MANIFEST, str(path), what, "Give a file, a case or a folder of evidence"
    )
