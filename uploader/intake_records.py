"""The tables of the intake store, and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uploader.contract.messages import CaseEvent, ReceiptData
from uploader.topics import BoxTopics

SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL,
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    case_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    payload_sha256 TEXT NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    UNIQUE (city, node, case_id, revision)
) STRICT;
CREATE INDEX IF NOT EXISTS cases_untold ON cases (id) WHERE complete = 1 AND told = 0;
CREATE TABLE IF NOT EXISTS case_evidence (
    case_row INTEGER NOT NULL REFERENCES cases (id),
    sha256 TEXT NOT NULL,
    PRIMARY KEY (sha256, case_row)
) STRICT;
CREATE INDEX IF NOT EXISTS case_evidence_by_case ON case_evidence (case_row);
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (topic, payload_sha256)
) STRICT;
CREATE TABLE IF NOT EXISTS boxes (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    session INTEGER NOT NULL,
    online INTEGER NOT NULL,
    reason TEXT NOT NULL,
    version TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (city, node)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt and the box it goes to."""

    box: BoxTopics
    receipt: ReceiptData


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A complete revision nobody was told of yet."""

    row: int
    event: CaseEvent
    evidence: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """What the store holds: revisions, how many are complete, messages repeated and refused."""

    revisions: int
    complete: int
    repeats: int
    refused: int
