"""Clear originals: what redaction covers, kept encrypted for whom the law lets look.

Only where ``evidence.keep_clear`` is set. One file a revision, AES-256-GCM under a key of this box
that lies beside them with strict permissions; a file that was altered, or moved to another case,
does not open. They are never part of a message, go when their case's evidence goes, and are opened
only with a name and a reason, which are written down first.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.cases.evidence import write_durably
from edge.clock import Clock, iso, utc_now
from edge.errors import Code, StoreError
from edge.sqlite import as_store_error
from edge.streams.frame import Image

_KEY_BYTES, _NONCE_BYTES = 32, 12
_QUALITY = 95
_TIDY_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody opened an original.

    Attributes:
        at: aware UTC.
        by: who, as they said.
        why: for what.
    """

    at: datetime
    by: str
    why: str
    case_id: str
    revision: int


class Originals:
    """Keeps and opens clear originals below one folder.

    Args:
        folder: where they lie; made with the key when the first is kept.
        evidence: the evidence folder: an original stays as long as its revision does there.
        clock: what time it is.
    """

    def __init__(self, folder: Path, evidence: Path, *, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._evidence = evidence
        self._clock = clock
        self._tidy_at = time.monotonic() + _TIDY_EVERY_S

    def keep(self, case_id: str, revision: int, image: Image, view: str = "") -> None:
        """Encrypt a whole picture and write it, synced.

        Args:
            case_id, revision: whose evidence it is behind.
            image: as the camera gave it.
            view: ``near`` where that view is of another look than the rest.

        Raises:
            StoreError: the disk refused, or the key is not in order; nothing was written.
        """
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        path = self._path(case_id, revision, view)
        if not done:
            raise StoreError(
                Code.STO_WRITE, str(path), "a picture cannot be encoded", "Report this fault"
            )
        nonce = os.urandom(_NONCE_BYTES)
        key = self._key(make=True)
        sealed = AESGCM(key).encrypt(nonce, bytes(data), _name(case_id, revision, view))
        write_durably(path, nonce + sealed)

    def open(self, case_id: str, revision: int, *, by: str, why: str, view: str = "") -> bytes:
        """The JPEG of an original; who asks and why is on the disk before it is decrypted.

        Raises:
            StoreError: there is none, it was altered, or the access could not be written down.
        """
        path = self._path(case_id, revision, view)
        try:
            sealed = path.read_bytes()
        except OSError as error:
            raise StoreError(
                Code.EVI_MISSING,
                str(path),
                f"no clear original ({error.strerror})",
                "evidence.keep_clear keeps them, as long as the case's evidence stays",
            ) from error
        self._write_down(Access(self._clock(), by, why, case_id, revision))
        try:
            cipher = AESGCM(self._key(make=False))
            return cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _name(case_id, revision, view)
            )
        except InvalidTag:
            raise StoreError(
                Code.EVI_ALTERED,
                str(path),
                "was altered, is of another case, or of another box's key",
                "Restore the file, or the key beside it, from a backup",
            ) from None

    def accesses(self) -> list[Access]:
        """Everybody who opened one, oldest first."""
        try:
            lines = self._log.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        rows = [json.loads(line) for line in lines]
        return [
            Access(datetime.fromisoformat(r["at"]), r["by"], r["why"], r["case_id"], r["revision"])
            for r in rows
        ]

    def tidy(self, *, now: bool = False) -> int:
        """Remove originals whose evidence is gone, now and then; returns how many."""
        if not now and time.monotonic() < self._tidy_at:
            return 0
        self._tidy_at = time.monotonic() + _TIDY_EVERY_S
        removed = 0
        for path in self._folder.glob("*/r*"):
            if not (self._evidence / path.parent.name / path.stem.partition("-")[0]).is_dir():
                path.unlink(missing_ok=True)
                removed += 1
        for folder in self._folder.glob("*/"):
            if not any(folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)
        return removed

    @property
    def _log(self) -> Path:
        return self._folder / "access.jsonl"

    def _path(self, case_id: str, revision: int, view: str) -> Path:
        return self._folder / case_id / f"r{revision}{_behind(view)}.sealed"

    def _key(self, *, make: bool) -> bytes:
        path = self._folder / "key"
        try:
            if make and not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(AESGCM.generate_key(_KEY_BYTES * 8))
                    file.flush()
                    os.fsync(file.fileno())
            key, mode = path.read_bytes(), path.stat().st_mode
        except OSError as error:
            raise as_store_error(path, error) from error
        if mode & 0o077 or len(key) != _KEY_BYTES:
            what = "is readable by others" if mode & 0o077 else f"is not {_KEY_BYTES} bytes"
            raise StoreError(Code.SEC_KEY, str(path), what, "chmod 600 it, or restore the key")
        return key

    def _write_down(self, access: Access) -> None:
        row = {
            "at": iso(access.at),
            "by": access.by,
            "why": access.why,
            "case_id": access.case_id,
            "revision": access.revision,
        }
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise as_store_error(self._log, error) from error


def _name(case_id: str, revision: int, view: str) -> bytes:
    return f"{case_id}/r{revision}{_behind(view)}".encode()


def _behind(view: str) -> str:
    return f"-{view}" if view else ""
