"""Checkpoints: a signed word on how long the chain is and what it hangs on.

Kept by somebody else, one makes it plain when the end of the chain is cut off or written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.clock import iso
from edge.errors import Code, StoreError
from edge.evidence.chain import Head
from edge.evidence.link import BadLinkError, read_link, read_signed, signed
from edge.signing import Signer

_SHAPE = {
    "at": str,
    "box": str,
    "chain": str,
    "kid": str,
    "kind": str,
    "public_key": str,
    "seq": int,
    "sha256": str,
    "sig": str,
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain of a box had so many links, and the last one this hash."""

    box: str
    chain: str
    seq: int
    sha256: str
    at: str
    kid: str


def make_checkpoint(box: str, head: Head, at: datetime, signer: Signer) -> str:
    """A checkpoint of this moment: canonical JSON, signed."""
    body = {"kind": "checkpoint", "box": box, "chain": head.chain, "at": iso(at)}
    return signed({**body, "seq": head.seq, "sha256": head.sha256}, signer).decode()


def read_checkpoint(raw: bytes) -> Checkpoint:
    """A checkpoint; a manifest that the platform got with a case says the same.

    Raises:
        BadLinkError: form or signature are not right.
    """
    body = read_signed(raw, _SHAPE) if b'"kind":"checkpoint"' in raw else None
    if body is None:
        link = read_link(raw)
        at = str(link.body.get("at"))
        return Checkpoint(link.box, link.chain, link.seq, link.sha256, at, link.kid)
    names = ("box", "chain", "seq", "sha256", "at", "kid")
    return Checkpoint(**{name: body[name] for name in names})


def load_checkpoints(path: Path) -> list[Checkpoint]:
    """One checkpoint a line.

    Raises:
        StoreError: the file cannot be read, or a line is no checkpoint (EVI-003).
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                found.append(read_checkpoint(line))
        except BadLinkError as error:
            raise _bad(
                path, f"line {number} is no checkpoint as a box signed it ({error})"
            ) from error
    if not found:
        raise _bad(path, "holds no checkpoint")
    return found


def _bad(path: Path, what: str) -> StoreError:
    return StoreError(Code.EVI_MANIFEST, str(path), what, "Give the platform's own copy")
