"""Copies of the chain outside the database: ``chain.jsonl``, and a manifest beside each picture.

They are written after the commit and not synced one by one: the database is, and syncs cost more
than everything else here. What a crash leaves behind or torn, the next start mends.
With them an index that was lost comes back: :func:`recover`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import structlog

from edge.evidence.chain import Head, head, links_after, open_chain
from edge.evidence.kinds import KINDS
from edge.evidence.link import REPLIES, BadLinkError, Link, read_link
from edge.evidence.removals import removals
from edge.files import sync_folder
from edge.sqlite import as_store_error, transaction

CHAIN_FILE = "chain.jsonl"
MANIFEST = "manifest.json"
DOCUMENT = KINDS["case"].document
ANSWER = KINDS["answer"].document
_TAIL_BYTES = 1 << 20

_log = structlog.get_logger(__name__)


class Copies:
    """Writes what was committed. Any thread; a connection of its own.

    Args:
        database: the database file.
        folder: where the cases' folders lie.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, database: Path, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._db = open_chain(database)
        self._lock = threading.Lock()
        self._written: int | None = None
        self._unsynced = False

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def catch_up(self) -> None:
        """Bring the copies up to the database.

        A disk that refuses is reported, not raised: the links are safe in the database, and the
        next call tries again.

        Raises:
            StoreError: the disk failed; only a new process may go on.
        """
        with self._lock:
            try:
                self._catch_up()
            except (sqlite3.Error, OSError) as error:
                self._report(error)

    def _catch_up(self) -> None:
        path = self._folder / CHAIN_FILE
        if self._written is None:
            self._written = self._goes_on(path)
        new = list(links_after(self._db, self._written))
        if not new:
            return
        for link, document in new:
            if document is not None:  # or there is none, or retention has taken it since
                self._lay(link, document)
        made = not path.exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(link.raw + b"\n" for link, _ in new))
        if made:
            sync_folder(self._folder)
        self._unsynced = True
        self._written = new[-1][0].seq

    def _lay(self, link: Link, document: bytes) -> None:
        if link.inside is not None:
            folder = self._folder.parent / link.inside
            _replace(folder / link.document, document)
            _replace(folder / MANIFEST, link.raw)

    def sync(self) -> None:
        """Bring the chain's file to the disk. As :meth:`catch_up`, a refusal is only reported.

        Raises:
            StoreError: the disk failed; only a new process may go on.
        """
        with self._lock:
            if not self._unsynced:
                return
            try:
                with (self._folder / CHAIN_FILE).open("ab") as file:
                    os.fsync(file.fileno())
                self._unsynced = False
            except OSError as error:
                self._report(error)

    def _report(self, error: sqlite3.Error | OSError) -> None:
        fault = as_store_error(self._folder / CHAIN_FILE, error)
        self._written = None  # whatever got there is read anew
        if fault.fatal:
            raise fault from error
        _log.warning("chain_copy_behind", code=str(fault.code), what=fault.what)

    def _goes_on(self, path: Path) -> int:
        """Number of the last link that the file has; another history than ours is set aside."""
        last = _mend(path)
        if last is None:
            return 0
        ours = self._db.execute("SELECT sha256 FROM evidence_chain WHERE seq = ?", (last.seq,))
        row = ours.fetchone()
        if row is not None and row["sha256"] == last.sha256:
            return last.seq
        aside = path.with_name(f"{CHAIN_FILE}.aside-{last.sha256[:12]}")
        path.replace(aside)
        sync_folder(path.parent)
        _log.error("chain_set_aside", file=str(aside), last=last.seq, chain=last.chain)
        return 0

    def head(self) -> Head | None:
        """The newest link; None before the first.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._lock:
            try:
                return head(self._db)
            except sqlite3.Error as error:
                raise as_store_error(self._database, error) from error

    def revisions(self) -> set[tuple[str, int]]:
        """Every revision that was ever sealed: its folder is no leftover of a crash.

        Raises:
            StoreError: the database cannot be read.
        """
        query = (
            "SELECT case_id, json_extract(CAST(link AS TEXT), '$.revision') AS revision"
            " FROM evidence_chain WHERE kind = 'case'"
        )
        with self._lock:
            try:
                return {(row["case_id"], int(row["revision"])) for row in self._db.execute(query)}
            except sqlite3.Error as error:
                raise as_store_error(self._database, error) from error

    def answers(self) -> set[str]:
        """Every request whose answer was sealed and not removed: its pictures stay.

        Raises:
            StoreError: the database cannot be read.
        """
        query = "SELECT case_id FROM evidence_chain WHERE kind = 'answer' AND document IS NOT NULL"
        with self._lock:
            try:
                return {str(row["case_id"]) for row in self._db.execute(query)}
            except sqlite3.Error as error:
                raise as_store_error(self._database, error) from error

    def mend_folders(self) -> int:
        """Write manifests and documents anew that are gone, torn or unsealed; returns how many.

        What was changed is left as it is, for ``gridpatrol verify`` to name.

        Raises:
            StoreError: the disk or the database refused.
        """
        mended = 0
        kept = "SELECT link, document FROM evidence_chain WHERE document IS NOT NULL"
        try:
            for row in self._db.execute(kept).fetchall():
                link = read_link(bytes(row["link"]))
                folder = self._folder.parent / (link.inside or "")
                manifest, document = folder / MANIFEST, folder / link.document
                if not (_holds(manifest, b'"sig":') and _holds(document, b"{")):
                    self._lay(link, bytes(row["document"]))
                    mended += 1
        except BadLinkError as error:
            fault = sqlite3.DatabaseError(f"a link of the chain is damaged: {error}")
            raise as_store_error(self._database, fault) from error
        except (sqlite3.Error, OSError) as error:
            raise as_store_error(self._folder, error) from error
        return mended


def recover(database: Path, folder: Path, *, manifests: bool = False) -> int:
    """Take links into the database that only the files have; returns how many.

    For a database that was lost or comes from an older backup. A ``chain.jsonl`` that does not go
    on where the database ends is left alone: ``gridpatrol verify`` says what is wrong with it.
    Where it is lost, too, the manifests beside the pictures give the cases' links; what lay
    between them is missing then, and ``verify`` says so.

    Args:
        database: the database file.
        folder: where the cases' folders lie.
        manifests: look at the manifests in any case, not only where there is no other copy.

    Raises:
        StoreError: the database refused.
    """
    path = folder / CHAIN_FILE
    db = open_chain(database)
    try:
        with transaction(db, database) as tx:
            now, last = head(tx), _last(path)
            added = 0
            if last is not None and (now is None or last.seq > now.seq):
                added = _go_on(tx, now, _links(path), folder, gaps=False)
            if manifests or (now is None and last is None):
                added += _go_on(tx, head(tx), _manifests(folder), folder, gaps=True)
            return added
    finally:
        db.close()


def _go_on(
    tx: sqlite3.Connection, now: Head | None, links: list[Link], folder: Path, *, gaps: bool
) -> int:
    seq, sha256 = (now.seq, now.sha256) if now else (0, "0" * 64)
    chain, added = now.chain if now else None, 0
    for link in links:
        if link.seq <= seq or (chain is not None and link.chain != chain):
            continue
        follows = link.seq == seq + 1
        if (follows and link.prev != sha256) or not (follows or gaps):
            break
        _take(tx, link, folder)
        chain, seq, sha256, added = link.chain, link.seq, link.sha256, added + 1
    return added


def _manifests(folder: Path) -> list[Link]:
    """Links beside the pictures, of the chain that most of them belong to, in order."""
    found = []
    answers = (folder.parent / REPLIES).glob(f"*/{MANIFEST}")
    for path in (*folder.glob(f"*/r*/{MANIFEST}"), *answers):
        with suppress(BadLinkError, OSError):
            found.append(read_link(path.read_bytes()))
    chains = Counter(link.chain for link in found)
    mine = max(chains, key=lambda name: (chains[name], name), default="")
    return sorted((link for link in found if link.chain == mine), key=lambda link: link.seq)


def _take(tx: sqlite3.Connection, link: Link, folder: Path) -> None:
    found, document = link.place, None
    if link.inside is not None:
        with suppress(OSError):
            document = (folder.parent / link.inside / link.document).read_bytes()
    tx.execute(
        "INSERT INTO evidence_chain VALUES (?, ?, ?, ?, ?, ?)",
        (link.seq, link.kind, found[0] if found else None, link.raw, link.sha256, document),
    )
    for removal in removals([link]):  # an older backup still has what went since
        forget = "UPDATE evidence_chain SET document = NULL WHERE seq = ?"
        tx.executemany(forget, [(seq,) for seq in removal.links])


def _links(path: Path) -> list[Link]:
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(read_link(line))
        except BadLinkError:
            continue
    return found


def _mend(path: Path) -> Link | None:
    """The last whole line; a torn one behind it, of a crash, is cut off."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL_BYTES)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            file.truncate(start + whole)
            file.flush()
            os.fsync(file.fileno())
    return _last(path)


def _last(path: Path) -> Link | None:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        with suppress(BadLinkError):
            return read_link(line)
    return None


def _holds(path: Path, sign: bytes) -> bool:
    """Not gone, not torn, and not the plain manifest that the pictures' room writes at first."""
    try:
        return sign in path.read_bytes()
    except FileNotFoundError:
        return False


def _replace(path: Path, data: bytes) -> None:
    """Whole or as before, but for a power cut: the next start writes it anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(data)
    draft.replace(path)


__all__ = ["ANSWER", "CHAIN_FILE", "DOCUMENT", "MANIFEST", "Copies", "recover"]
