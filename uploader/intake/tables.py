"""The tables of the platform's store, in the words of either database."""

from __future__ import annotations

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (
    id {ID},
    root TEXT NOT NULL,
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    what TEXT NOT NULL,
    ref TEXT NOT NULL,
    revision {INT} NOT NULL,
    payload {BYTES} NOT NULL,
    payload_sha256 TEXT NOT NULL,
    signature TEXT NOT NULL,
    state TEXT NOT NULL,
    held_by TEXT NOT NULL DEFAULT '',
    due {REAL} NOT NULL DEFAULT 0,
    receipt {BYTES},
    repeats {INT} NOT NULL DEFAULT 0,
    elsewhere {INT} NOT NULL,
    received_at TEXT NOT NULL,
    UNIQUE (city, node, what, ref, revision)
) {STRICT};
CREATE INDEX IF NOT EXISTS messages_ready ON messages (id) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS messages_elsewhere ON messages (id)
    WHERE state = 'stored' AND elsewhere = 1;
CREATE INDEX IF NOT EXISTS messages_by_ref ON messages (what, ref);
CREATE TABLE IF NOT EXISTS message_evidence (
    message {INT} NOT NULL REFERENCES messages (id),
    sha256 TEXT NOT NULL,
    PRIMARY KEY (sha256, message)
) {STRICT};
CREATE INDEX IF NOT EXISTS message_evidence_by_message ON message_evidence (message);
CREATE TABLE IF NOT EXISTS refused (
    id {ID},
    topic TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    payload {BYTES} NOT NULL,
    reason TEXT NOT NULL,
    receipt {BYTES} NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (topic, payload_sha256)
) {STRICT};
CREATE TABLE IF NOT EXISTS boxes (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    session {INT} NOT NULL,
    online {INT} NOT NULL,
    reason TEXT NOT NULL,
    version TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (city, node)
) {STRICT};
CREATE TABLE IF NOT EXISTS reported (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    payload {BYTES} NOT NULL,
    PRIMARY KEY (city, node)
) {STRICT};
CREATE TABLE IF NOT EXISTS checkpoints (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    chain TEXT NOT NULL,
    seq {INT} NOT NULL,
    sha256 TEXT NOT NULL,
    signed TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (city, node, chain, seq, sha256)
) {STRICT};
CREATE TABLE IF NOT EXISTS box_keys (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    kid TEXT NOT NULL,
    public_key TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (city, node, kid)
) {STRICT};
CREATE TABLE IF NOT EXISTS seq_ranges (
    city TEXT NOT NULL,
    node TEXT NOT NULL,
    first {INT} NOT NULL,
    last {INT} NOT NULL,
    PRIMARY KEY (city, node, first)
) {STRICT};
"""

SQLITE_SCHEMA = _TABLES.format(
    ID="INTEGER PRIMARY KEY", INT="INTEGER", REAL="REAL", BYTES="BLOB", STRICT="STRICT"
)

# Evidence as well: its pieces may reach any worker, and any of them must be able to finish it.
POSTGRES_SCHEMA = (
    _TABLES.format(
        ID="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        INT="BIGINT",
        REAL="DOUBLE PRECISION",
        BYTES="BYTEA",
        STRICT="",
    )
    + """
CREATE TABLE IF NOT EXISTS evidence_pieces (
    sha256 TEXT NOT NULL,
    start BIGINT NOT NULL,
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (sha256, start, size)
);
CREATE TABLE IF NOT EXISTS evidence_files (
    sha256 TEXT PRIMARY KEY,
    content BYTEA NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
"""
)
