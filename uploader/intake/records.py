"""What goes into the platform's store and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.errors import GridpatrolError
from uploader.contract.messages import CaseEvent
from uploader.topics import BoxTopics

Signature = Literal["valid", "unsigned", "unknown_key", "wrong", "unchecked"]
"""What a message's signature was found to be. ``unknown_key``: nobody vouched for the key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt, as the bytes to send, and the box it goes to."""

    box: BoxTopics
    payload: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message or a piece of evidence.

    Attributes:
        answers: receipts to send now.
        ready: a revision waits for the application.
        replies: request ids whose reply is complete.
        refused: why the message was refused; told once.
        fault: why it was not kept.
    """

    answers: tuple[Answer, ...] = ()
    ready: bool = False
    replies: tuple[str, ...] = ()
    refused: str | None = None
    fault: GridpatrolError | None = None


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A complete revision in the hands of a worker, not answered yet."""

    row: int
    box: BoxTopics
    event: CaseEvent
    signature: Signature


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the application says to a revision.

    Attributes:
        result: ``complete``: it has it; ``rejected``: never send it again; ``retry_after``.
        reason: why not.
        seconds: how long to wait before it is offered again.
    """

    result: Literal["complete", "rejected", "retry_after"]
    reason: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Messages of a box that never came: ``first`` to ``last``, both included."""

    box: str
    first: int
    last: int

    def __str__(self) -> str:
        numbers = f"{self.first}–{self.last}" if self.last > self.first else f"{self.first}"
        return f"box {self.box}: seq {numbers} missing"


@dataclass(frozen=True, slots=True)
class BoxState:
    """Who is there: the newest presence message of a box."""

    box: str
    online: bool
    reason: str
    session: int
    version: str
    at: str


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """What the store holds: revisions, how many the application has answered, messages repeated
    and refused."""

    revisions: int
    complete: int
    repeats: int
    refused: int
