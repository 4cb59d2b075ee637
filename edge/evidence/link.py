"""One link of the chain: a manifest in canonical JSON (RFC 8785), signed with Ed25519.

The signature stands inside (``sig``) and covers everything else. Bytes that are not exactly the
canonical form are refused: so every flipped bit is found, also one that JSON would not care about.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.evidence.kinds import KINDS, lacking, misfit
from edge.signing import Signer, fingerprint

VERSION = 1
NOTHING_BEFORE = "0" * 64
"""``prev`` of the first link."""
MAX_LINK_BYTES = 256 * 1024

_SHAPE: Mapping[str, type] = {
    "box": str,
    "chain": str,
    "kid": str,
    "kind": str,
    "prev": str,
    "public_key": str,
    "seq": int,
    "sig": str,
    "v": int,
}
EVIDENCE, REPLIES = "evidence", "replies"
"""Below the state folder: where files of cases lie, and those of answers."""


class BadLinkError(ValueError):
    """Bytes that are no link as a box wrote it; the text says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose form and signature are right; whose key it is, is another question.

    Attributes:
        raw: the canonical bytes, signature included; ``prev`` of the next link is their SHA-256.
        body: the same, read.
        sha256: hex digest of ``raw``.
    """

    raw: bytes
    body: Mapping[str, Any]
    sha256: str

    @property
    def seq(self) -> int:
        """Place in the chain: 1, 2, 3 … without gaps."""
        return int(self.body["seq"])

    @property
    def kind(self) -> str:
        """``begin``, ``case``, ``removed``, ``hold``, ``key`` …: docs/evidence.md lists them."""
        return str(self.body["kind"])

    @property
    def chain(self) -> str:
        """Which chain it belongs to: made at its beginning, in every link."""
        return str(self.body["chain"])

    @property
    def box(self) -> str:
        """``city/node``."""
        return str(self.body["box"])

    @property
    def prev(self) -> str:
        """SHA-256 of the link before."""
        return str(self.body["prev"])

    @property
    def kid(self) -> str:
        """Short name of the key that signed it."""
        return str(self.body["kid"])

    @property
    def revision(self) -> tuple[str, int] | None:
        """Case id and revision; None for what is no case."""
        if self.kind != "case":
            return None
        return str(self.body["case_id"]), int(self.body["revision"])

    @property
    def place(self) -> tuple[str, int] | None:
        """Case id and revision, or the id of an answered request and 0; None: it has no files."""
        if self.kind == "answer":
            return str(self.body["request_id"]), 0
        return self.revision

    @property
    def inside(self) -> Path | None:
        """The folder with its files, below the state folder; None: it has no files."""
        if (place := self.place) is None:
            return None
        folder = Path(place[0]).name  # must not lead out of where it belongs
        if self.kind == "answer":
            return Path(REPLIES, folder)
        return Path(EVIDENCE, folder, f"r{place[1]}")

    @property
    def owner(self) -> str:
        """Its folder for people: ``<case id>/r1``, ``replies/<request id>``."""
        return str(self.inside or "").removeprefix(f"{EVIDENCE}/")

    @property
    def document(self) -> str:
        """Name of the document beside its files; empty: it has no files."""
        kind = KINDS.get(self.kind)
        return kind.document if kind else ""

    @property
    def says(self) -> str:
        """What it is, for people."""
        found = self.revision
        what = f"case {found[0]} r{found[1]}" if found else self.kind
        if self.kind == "answer":
            what = f"answer to request {self.body['request_id']}"
        return f"link {self.seq} ({what})"


def canonical(document: object) -> bytes:
    """Canonical JSON (RFC 8785), UTF-8.

    Raises:
        BadLinkError: the document has no canonical form (not a number, integers beyond 2^53 …).
    """
    try:
        return rfc8785.dumps(document)  # type: ignore[arg-type]  # it refuses by itself
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise BadLinkError(f"no canonical form ({error})") from error


def signed(body: Mapping[str, Any], signer: Signer) -> bytes:
    """The canonical bytes of a body with key and signature added."""
    whole = {**body, "v": VERSION, "kid": signer.kid, "public_key": signer.public}
    return canonical({**whole, "sig": signer.sign(canonical(whole))["sig"]})


def read_signed(raw: bytes, shape: Mapping[str, type]) -> dict[str, Any]:
    """The body of signed canonical JSON, when form and signature are right.

    Args:
        raw: the bytes.
        shape: fields that must be there, and of which type.

    Raises:
        BadLinkError: they are not.
    """
    body = _parsed(raw)
    if (found := lacking(body, shape)) is not None:
        raise BadLinkError(found)
    public = _decoded(body["public_key"])
    if fingerprint(public) != body["kid"]:
        raise BadLinkError("kid is not the name of public_key")
    rest = {name: value for name, value in body.items() if name != "sig"}
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(_decoded(body["sig"]), canonical(rest))
    except (InvalidSignature, ValueError) as error:
        raise BadLinkError("the signature is wrong") from error
    return body


def read_link(raw: bytes) -> Link:
    """A link from its bytes.

    Raises:
        BadLinkError: form or signature are not right.
    """
    body = read_signed(raw, _SHAPE)
    if (found := misfit(body)) is not None:
        raise BadLinkError(found)
    return Link(raw, body, hashlib.sha256(raw).hexdigest())


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_LINK_BYTES:
        raise BadLinkError(f"longer than {MAX_LINK_BYTES} bytes")
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadLinkError("no JSON") from error
    if not isinstance(body, dict):
        raise BadLinkError("no JSON object")
    if canonical(body) != raw:
        raise BadLinkError("not in canonical form")
    return body


def _decoded(text: str) -> bytes:
    """Base64, and only the one spelling of it: spare bits must be zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadLinkError("no base64") from error
    if base64.b64encode(data).decode() != text:
        raise BadLinkError("base64 with spare bits set")
    return data
