"""The life of a box's signing key: handed on, renewed, revoked, kept safe, put back.

The chain says which key may sign. Files follow it: a new key waits as ``next.pem`` until the link
that hands on to it is committed, and a crash in between is settled by asking the chain.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.clock import Clock, utc_now
from edge.errors import Code, ConfigError
from edge.evidence.chain import Chain, Head, Sealed, head, open_chain
from edge.evidence.keyring import hand_over
from edge.files import sync_folder
from edge.signing import Signer, load_or_make_signer, load_signer
from edge.sqlite import as_store_error, transaction

KEY = "box.pem"
_NEXT = "next.pem"


class KeyBox:
    """The key folder of a box that does not run.

    Args:
        folder: where ``box.pem`` lies.
        database: with the chain.
        box: ``city/node``.
        clock: what time it is.
    """

    def __init__(self, folder: Path, database: Path, box: str, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._database = database
        self._box = box
        self._clock = clock

    def rotate(self) -> tuple[Sealed, Signer]:
        """Hand on to a new key: the old one vouches for it in the chain, then it is gone.

        Raises:
            ConfigError: the key at hand is not the chain's (SEC-003), or not in order (SEC-001).
            StoreError: the database refused; the old key stays.
        """
        settle(self._folder, self._database)
        old = load_signer(self._folder / KEY)
        (self._folder / _NEXT).unlink(missing_ok=True)
        new = load_or_make_signer(self._folder / _NEXT)
        now = self._head()
        _same(now, old, self._folder)
        proof = new.sign(hand_over(now.chain, now.seq + 1, new.public))["sig"]
        body = {"new_kid": new.kid, "new_key": new.public, "proof": proof}
        sealed = self._append(old, "key", body)
        settle(self._folder, self._database)
        return sealed, new

    def renew(self, reason: str) -> tuple[Sealed, Signer]:
        """Go on with a new key although the old one is lost: nobody vouches for it but people.

        Args:
            reason: what became of the old key.

        Raises:
            ConfigError: the old key is there after all (SEC-003): rotate, do not renew.
            StoreError: the database refused.
        """
        path, now = self._folder / KEY, self._head()
        held = None
        with suppress(ConfigError):
            held = load_signer(path).kid
        if held == now.kid:
            raise _refused(path, f"key {held} is there and good", "gridpatrol key rotate")
        new = load_or_make_signer(self._folder / _NEXT)
        sealed = self._append(new, "renew", {"reason": reason, "old_kid": now.kid})
        settle(self._folder, self._database)
        return sealed, new

    def revoke(self, kid: str, reason: str, from_seq: int | None) -> Sealed:
        """Say that a key's signatures are worth nothing, from a link on.

        Args:
            kid: an earlier key of this chain.
            reason: why.
            from_seq: the first link not to believe; None: only links after this one.

        Raises:
            ConfigError: it is the key in use (SEC-003): rotate first.
            StoreError: the database refused.
        """
        now, signer = self._head(), load_signer(self._folder / KEY)
        _same(now, signer, self._folder)
        if kid == now.kid:
            raise _refused(self._folder / KEY, f"{kid} is in use", "gridpatrol key rotate first")
        body: dict[str, Any] = {"revoked_kid": kid, "reason": reason}
        if from_seq is not None:
            body["from_seq"] = from_seq
        return self._append(signer, "revoke", body)

    def restore(self, backup: Path) -> Signer:
        """Put a key back from a copy, if the chain goes on with it.

        Raises:
            ConfigError: it is another key (SEC-003), or not in order (SEC-001).
        """
        signer = load_signer(backup)
        found = _head_of(self._database)
        if found is not None:
            _same(found, signer, self._folder)
        copy_key(backup, self._folder / KEY)
        return signer

    def _head(self) -> Head:
        found = _head_of(self._database)
        if found is None:
            fix = "Start gridpatrol once"
            raise _refused(self._database, "this box has no evidence chain yet", fix)
        return found

    def _append(self, signer: Signer, kind: str, body: Mapping[str, Any]) -> Sealed:
        db = open_chain(self._database)
        try:
            with transaction(db, self._database) as tx:
                return Chain(self._box, signer, clock=self._clock).append(tx, kind, body)
        finally:
            db.close()


def settle(folder: Path, database: Path) -> None:
    """Finish or undo what a crash left of a change of keys; called at every start.

    Raises:
        StoreError: the database cannot be read.
    """
    waiting = folder / _NEXT
    if not waiting.exists():
        return
    found = _head_of(database)
    try:
        signer = load_signer(waiting)
    except ConfigError:
        return  # torn before anything was said of it; the next rotation makes another
    if found is not None and found.kid == signer.kid:
        waiting.replace(folder / KEY)
        sync_folder(folder)


def copy_key(source: Path, target: Path) -> None:
    """Copy a private key: whole or not at all, readable by its owner only.

    Raises:
        ConfigError: source not in order, or target cannot be written (SEC-001).
    """
    load_signer(source)
    draft = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise ConfigError(Code.SEC_KEY, str(target), what, "Give a writable folder") from error


def _head_of(database: Path) -> Head | None:
    if not database.exists():
        return None
    db = open_chain(database)
    try:
        return head(db)
    except sqlite3.Error as error:
        raise as_store_error(database, error) from error
    finally:
        db.close()


def _same(found: Head, signer: Signer, folder: Path) -> None:
    if found.kid != signer.kid:
        what = f"the evidence chain goes on with key {found.kid}, this is {signer.kid}"
        raise _refused(folder / KEY, what, "Give the right key")


def _refused(path: Path, what: str, fix: str) -> ConfigError:
    return ConfigError(Code.SEC_CHAIN_KEY, str(path), what, fix)
