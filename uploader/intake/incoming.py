"""A message as the store sees it, whatever it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.errors import Code, ContractError
from uploader.contract.messages import CaseEvent, Evidence, ReplyEvent, read, source_of
from uploader.intake.database import Row
from uploader.topics import UpTopic


@dataclass(frozen=True, slots=True)
class Incoming:
    """A valid case or reply.

    Attributes:
        what: which of the two.
        ref, revision: with the box, what makes it the same message again: case id and revision,
            or request id and 0.
        seq: its number among the box's messages.
        evidence: files it speaks of, each once.
        elsewhere: whether any of them is to be fetched from an S3 store.
    """

    what: Literal["case", "reply"]
    ref: str
    revision: int
    seq: int
    evidence: tuple[str, ...]
    elsewhere: bool


def read_incoming(topic: UpTopic, payload: bytes) -> Incoming:
    """Read a message from a box.

    Raises:
        ContractError: it does not fit the contract, or is another box's (MSG-001).
    """
    event: CaseEvent | ReplyEvent
    if topic.what == "reply":
        event = read(ReplyEvent, payload, topic.name)
        ref, revision = event.data.request_id, 0
    else:
        event = read(CaseEvent, payload, topic.name)
        ref, revision = event.data.case_id, event.data.revision
    if event.source != source_of(topic.box.city, topic.box.node):
        raise refusal(topic, Code.MSG_SCHEMA, f"source {event.source} is not this topic's box")
    return Incoming(
        "reply" if topic.what == "reply" else "case",
        ref,
        revision,
        event.seq,
        tuple(dict.fromkeys(item.sha256 for item in event.data.evidence)),
        any(item.url is not None for item in event.data.evidence),
    )


def refusal(topic: UpTopic, code: Code, what: str) -> ContractError:
    """A message that is kept, but not taken."""
    return ContractError(code, topic.name, what, "It was kept among the refused messages")


def evidence_of(row: Row) -> tuple[Evidence, ...]:
    """The files a stored message speaks of."""
    if row["what"] == "reply":
        return read(ReplyEvent, bytes(row["payload"]), "intake").data.evidence
    return read(CaseEvent, bytes(row["payload"]), "intake").data.evidence
