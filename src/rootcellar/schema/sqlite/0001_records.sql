-- The records. seq is new, and never used twice, each time a record changes (AUTOINCREMENT): a watcher that remembers
-- the last seq it saw finds every later change with one range scan.
CREATE TABLE {record} (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    payload BLOB NOT NULL,
    name TEXT,
    worker TEXT,
    queue TEXT,
    retries INTEGER,
    parent_id TEXT,
    group_id TEXT,
    done_at REAL,
    expires_at REAL
);
CREATE INDEX {record_expires} ON {record} (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE {groups} (
    id TEXT NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL,
    expires_at REAL
) WITHOUT ROWID;
