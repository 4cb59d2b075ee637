"""What goes into the outbox and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

What = Literal["case", "reply"]
"""The topic a row is published on."""


class Settled(StrEnum):
    """What a receipt did."""

    DONE = "done"
    DEAD = "dead"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Which row a receipt spoke of, and what it did; no row has the bytes of an unknown one."""

    outcome: Settled
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxEvidence:
    """A file that belongs to a row; ``url``: where the message says it is, None: in chunks."""

    sha256: str
    path: Path
    size_bytes: int
    media_type: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """Something to deliver.

    Attributes:
        what: case or reply.
        subject: case id or request id; with ``revision`` it must be new.
        revision: 1, 2, 3 …; a letter waits for the earlier ones of its subject.
        status: for people and tools that look into the table.
        kind: what it is fair to: an event kind, or ``reply``.
        write: gives the payload for a sequence number; called once, inside the transaction.
        evidence: its files, on disk and synced.
        urgent: of a case: it should be handled at once.
        score: of a case: how sure the box is, 0–1.
        waited: it lay on this box for more than a minute before it got its number.
    """

    what: What
    subject: str
    revision: int
    status: str
    kind: str
    write: Callable[[int], bytes]
    evidence: tuple[OutboxEvidence, ...] = ()
    urgent: bool = False
    score: float = 0.0
    waited: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One undelivered letter.

    Attributes:
        seq: its number, without gaps, never used again.
        what: case or reply.
        subject: case id or request id.
        payload: the exact bytes to publish, the same at every attempt.
        attempts: how often it was put off.
        evidence: every file of the letter.
        missing: hashes the platform still lacks; None when it has not said.
        waited: see :class:`Letter`.
    """

    seq: int
    what: What
    subject: str
    revision: int
    payload: bytes
    payload_sha256: str
    attempts: int
    evidence: tuple[OutboxEvidence, ...]
    missing: frozenset[str] | None
    waited: bool = False

    @property
    def lacking(self) -> tuple[OutboxEvidence, ...]:
        """Files the platform may not have yet."""
        if self.missing is None:
            return self.evidence
        return tuple(item for item in self.evidence if item.sha256 in self.missing)

    @property
    def size_bytes(self) -> int:
        """What goes over the wire, about."""
        return len(self.payload) + sum(item.size_bytes for item in self.lacking)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by state."""

    pending: int
    done: int
    dead: int
