"""The outbox's tables, and the way older files come to them.

Migrations are numbered and only ever appended to; ``uplink.outbox_schema`` holds the last one a
file has seen. All that is missing runs in one transaction: a file is of one version or the next.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge.errors import Code, StoreError
from edge.sqlite import open_database, transaction

VERSION = 4

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_sha256 TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    receipt TEXT,
    created_at TEXT NOT NULL,
    what TEXT NOT NULL DEFAULT 'case',
    kind TEXT NOT NULL DEFAULT '',
    settled_at TEXT,
    waited INTEGER NOT NULL DEFAULT 0,
    UNIQUE (subject, revision)
) STRICT;
CREATE TABLE IF NOT EXISTS outbox_evidence (
    seq INTEGER NOT NULL REFERENCES outbox (seq),
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    url TEXT,
    PRIMARY KEY (seq, sha256)
) STRICT;
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    score REAL NOT NULL,
    since TEXT NOT NULL,
    unseen_at TEXT,
    asked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS waiting_letters (
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    what TEXT NOT NULL,
    status TEXT NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (subject, revision)
) STRICT;
CREATE TABLE IF NOT EXISTS waiting_evidence (
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    url TEXT,
    PRIMARY KEY (subject, revision, sha256)
) STRICT;
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    day TEXT NOT NULL,
    ahead_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS leaving (path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS uplink (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS outbox_payload ON outbox (payload_sha256);
CREATE INDEX IF NOT EXISTS outbox_live ON outbox (kind, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (kind, next_at, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS outbox_done ON outbox (settled_at, seq) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS outbox_dead ON outbox (seq) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS outbox_evidence_path ON outbox_evidence (path);
CREATE INDEX IF NOT EXISTS outbox_kept
    ON outbox (subject, revision, state, settled_at, status, kind, what);
CREATE INDEX IF NOT EXISTS waiting_kind ON waiting (kind, id) WHERE unseen_at IS NULL;
CREATE INDEX IF NOT EXISTS waiting_urgent ON waiting (id) WHERE unseen_at IS NULL AND urgent = 1;
CREATE INDEX IF NOT EXISTS waiting_asked ON waiting (id) WHERE asked = 1;
CREATE INDEX IF NOT EXISTS waiting_unseen ON waiting (unseen_at) WHERE unseen_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS waiting_path ON waiting_evidence (path);
CREATE INDEX IF NOT EXISTS turns_day ON turns (day);
CREATE INDEX IF NOT EXISTS turns_at ON turns (at);
INSERT OR IGNORE INTO uplink VALUES ('outbox_schema', 4);
"""
"""What a fresh file gets. A file of this version gets what was only added since: older ones of its
version pass over that. ``leaving``: files whose removal is decided and signed, and not done yet."""

_MIGRATIONS = {
    # Replies beside cases, fairness by category, the moment a row was settled.
    2: (
        "ALTER TABLE outbox RENAME COLUMN case_id TO subject",
        "ALTER TABLE outbox ADD COLUMN what TEXT NOT NULL DEFAULT 'case'",
        "ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE outbox ADD COLUMN settled_at TEXT",
        "UPDATE outbox SET settled_at = created_at WHERE state != 'pending'",
        "DROP INDEX outbox_pending",
        "DROP INDEX outbox_state",
    ),
    # Evidence by claim check.
    3: ("ALTER TABLE outbox_evidence ADD COLUMN url TEXT",),
    # Cases that wait for their turn; their tables are new.
    4: ("ALTER TABLE outbox ADD COLUMN waited INTEGER NOT NULL DEFAULT 0",),
}


def open_outbox(path: Path) -> sqlite3.Connection:
    """Open or make the database, and bring an older outbox in it up to date.

    Raises:
        StoreError: it cannot be opened or migrated, or a newer gridpatrol made it.
    """
    db = open_database(path, "")
    try:
        # One transaction, not a script: a kill in a script leaves half the tables.
        with transaction(db, path) as tx:
            _migrate(tx, path)
            for statement in SCHEMA.split(";"):
                tx.execute(statement)
    except StoreError:
        db.close()
        raise
    return db


def _migrate(tx: sqlite3.Connection, path: Path) -> None:
    version = _version(tx)
    if version > VERSION:
        raise StoreError(
            Code.STO_OPEN,
            str(path),
            f"its outbox is of version {version}, this gridpatrol knows {VERSION}",
            "Run the gridpatrol that made it, or a newer one",
        )
    for number in range(version + 1, VERSION + 1) if version else ():
        for statement in _MIGRATIONS[number]:
            tx.execute(statement)
        tx.execute("INSERT OR REPLACE INTO uplink VALUES ('outbox_schema', ?)", (number,))


def _version(tx: sqlite3.Connection) -> int:
    """0: no outbox yet; 1: the first one, which did not say."""
    tables = {row["name"] for row in tx.execute("SELECT name FROM sqlite_schema")}
    if "outbox" not in tables:
        return 0
    row = tx.execute("SELECT value FROM uplink WHERE key = 'outbox_schema'").fetchone()
    return int(row["value"]) if row else 1
