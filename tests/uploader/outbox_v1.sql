CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_sha256 TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    receipt TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (case_id, revision)
) STRICT;
CREATE INDEX outbox_pending ON outbox (seq) WHERE state = 'pending';
CREATE INDEX outbox_payload ON outbox (payload_sha256);
CREATE INDEX outbox_state ON outbox (state);
CREATE TABLE outbox_evidence (
    seq INTEGER NOT NULL REFERENCES outbox (seq),
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (seq, sha256)
) STRICT;
CREATE TABLE uplink (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO uplink VALUES ('session', 41);
INSERT INTO outbox VALUES (7, 'case-7', 1, 'new', x'7B7D', 'aa', 'done', 0,
    '2026-11-24T03:00:00.000Z', NULL, '2026-11-24T03:00:00.000Z');
INSERT INTO outbox VALUES (8, 'case-8', 1, 'new', x'7B7E', 'bb', 'pending', 2,
    '2026-11-24T03:30:00.000Z', NULL, '2026-11-24T03:00:00.000Z');
INSERT INTO outbox VALUES (9, 'case-9', 1, 'new', x'7B7F', 'cc', 'dead', 0,
    '2026-11-24T03:00:00.000Z', NULL, '2026-11-24T03:00:00.000Z');
INSERT INTO outbox_evidence VALUES (8, 'dd', '/evidence/case-8/far.jpg', 3, 'image/jpeg');
