"""Detached Ed25519 signatures over the exact bytes of a message.

They travel as the MQTT user properties ``kid`` (which key) and ``sig`` (base64): the payload needs
no canonical form, and a reader that does not care ignores them. Keys are PEM files; a private one
that others may read is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from edge.errors import Code, ConfigError
from edge.files import sync_folder

_KID_DIGITS = 16


class Signature(StrEnum):
    """What a check of a signature found; only ``valid`` is good."""

    VALID = "valid"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"


class Signer:
    """Signs with one private key.

    Attributes:
        kid: short name of the key: 16 hex digits of the SHA-256 of the raw public key.
        public: the raw public key, base64.
        public_pem: the public key as ``openssl`` and ``mqtt.trusted_keys`` have it.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes_raw()
        self.kid = fingerprint(raw)
        self.public = base64.b64encode(raw).decode()
        self.public_pem = (
            key.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode("ascii")
        )

    def sign(self, payload: bytes) -> dict[str, str]:
        """The user properties that go with these bytes."""
        return {"kid": self.kid, "sig": base64.b64encode(self._key.sign(payload)).decode()}


class Verifier:
    """Checks signatures against the keys it trusts; with none, nothing is ever valid."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {fingerprint(key.public_bytes_raw()): key for key in keys}

    def __bool__(self) -> bool:
        """Whether any key is trusted."""
        return bool(self._keys)

    def check(self, payload: bytes, user: Mapping[str, str]) -> Signature:
        """What the signature among a message's user properties is worth. Never raises."""
        kid, sig = user.get("kid"), user.get("sig")
        if kid is None or sig is None:
            return Signature.UNSIGNED
        key = self._keys.get(kid)
        if key is None:
            return Signature.UNKNOWN_KEY
        try:
            key.verify(base64.b64decode(sig, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return Signature.WRONG
        return Signature.VALID


def public_pem(key: str) -> str:
    """A raw public key in base64 as a PEM file has it.

    Raises:
        ValueError: it is no Ed25519 key.
    """
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def fingerprint(raw: bytes) -> str:
    """The short name (kid) of a raw public key."""
    return hashlib.sha256(raw).hexdigest()[:_KID_DIGITS]


def fingerprint_of(key: str) -> str:
    """The short name (kid) of a raw public key in base64; of what is none, some other name."""
    try:
        return fingerprint(base64.b64decode(key, validate=True))
    except ValueError:
        return fingerprint(key.encode(errors="replace"))


def load_signer(path: Path) -> Signer:
    """The private key in a PEM file that only its owner may read.

    Raises:
        ConfigError: missing, readable by others, or no Ed25519 key (SEC-001).
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})", "Put the key back") from error
    if mode & 0o077:
        raise _bad(path, f"others may read it (mode {mode & 0o777:04o})", f"chmod 600 {path}")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad(path, "is no unencrypted PEM private key", "Put an Ed25519 key there") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _bad(path, "is no Ed25519 key", "openssl genpkey -algorithm ed25519")
    return Signer(key)


def load_or_make_signer(path: Path) -> Signer:
    """The box's own key; made when there is none yet, on disk before it is used.

    Raises:
        ConfigError: as :func:`load_signer`, or the file cannot be written (SEC-001).
    """
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        try:
            _write_private(path, pem)
        except OSError as error:
            what = f"cannot be written ({error.strerror})"
            raise _bad(path, what, "Give box.state_dir a writable folder") from error
    return load_signer(path)


def trusted(paths: Iterable[Path]) -> Verifier:
    """A verifier for the public keys in PEM files.

    Raises:
        ConfigError: a file is missing or holds no Ed25519 public key (SEC-001).
    """
    return Verifier([_public_key(path) for path in paths])


def published(keys: Iterable[str]) -> Verifier:
    """A verifier for raw public keys in base64, as ``up/reported`` gives them.

    Raises:
        ValueError: one is no Ed25519 key.
    """
    return Verifier([Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for key in keys])


def kid_of(path: Path) -> str:
    """The short name of the public key in a PEM file.

    Raises:
        ConfigError: it is missing or holds no Ed25519 public key (SEC-001).
    """
    return fingerprint(_public_key(path).public_bytes_raw())


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})", "Give an existing file") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _bad(path, "is no PEM public key", "openssl pkey -in KEY -pubout") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _bad(path, "is no Ed25519 key", "openssl genpkey -algorithm ed25519")
    return key


def _write_private(path: Path, data: bytes) -> None:
    """Whole or not at all, also after a power cut, and never readable by others in between."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _bad(path: Path, what: str, fix: str) -> ConfigError:
    return ConfigError(Code.SEC_KEY, str(path), what, fix)
