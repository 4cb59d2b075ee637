"""A row becomes packets: its evidence in chunks, then the case or reply message."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge.errors import Code, StoreError
from uploader.contract.messages import CONTENT_TYPE
from uploader.contract.properties import Sign, user_properties
from uploader.outbox import OutboxEvidence, OutboxRow
from uploader.topics import BoxTopics


@dataclass(frozen=True, slots=True)
class Packet:
    """One publish. ``last`` marks the message itself, which ends the row."""

    topic: str
    payload: bytes
    content_type: str
    user: dict[str, str]
    last: bool = False


def packets(
    row: OutboxRow,
    topics: BoxTopics,
    chunk_bytes: int,
    report: Callable[[StoreError], None],
    sign: Sign | None = None,
    *,
    historical: bool = False,
    elsewhere: bool = False,
) -> Iterator[Packet]:
    """What to publish for a row, one file in memory at a time.

    Args:
        row: files the platform has already are left out.
        topics: of this box.
        chunk_bytes: largest piece of a file.
        report: told of files that are gone or altered. The case goes without them: the platform
            then says what it lacks, and the row stays until the file is back.
        sign: signs the message; None: it goes unsigned.
        historical: it waited long: said beside the payload, whose bytes never change.
        elsewhere: files with an address are left out: they are in the store it names, or wait
            for it.
    """
    for item in row.lacking:
        if elsewhere and item.url is not None:
            continue
        try:
            content = read_evidence(item)
        except StoreError as fault:
            report(fault)
            continue
        for offset in range(0, len(content), chunk_bytes):
            yield Packet(
                topic=topics.blob(item.sha256),
                payload=content[offset : offset + chunk_bytes],
                content_type=item.media_type,
                user={"offset": str(offset), "total": str(len(content))},
            )
    yield Packet(
        topic=topics.reply if row.what == "reply" else topics.case,
        payload=row.payload,
        content_type=CONTENT_TYPE,
        user=user_properties(row.payload, sign) | ({"historical": "1"} if historical else {}),
        last=True,
    )


def read_evidence(item: OutboxEvidence) -> bytes:
    """The bytes of a file that is still what it was.

    Raises:
        StoreError: it is gone (EVI-001) or altered (EVI-002).
    """
    try:
        content = item.path.read_bytes()
    except OSError as error:
        raise StoreError(
            Code.EVI_MISSING,
            str(item.path),
            f"evidence {item.sha256[:12]} cannot be read ({error.strerror})",
            "Put the file back; the case was sent without it",
        ) from error
    if hashlib.sha256(content).hexdigest() != item.sha256:
        raise StoreError(
            Code.EVI_ALTERED,
            str(item.path),
            f"the file no longer has the hash {item.sha256[:12]}… it was filed under",
            "Restore the original; the case was sent without it",
        )
    return content
