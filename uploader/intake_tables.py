"""The tables of the intake store."""

from __future__ import annotations

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
