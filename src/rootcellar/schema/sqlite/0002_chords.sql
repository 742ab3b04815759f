-- The chord ledger: one row a chord.
CREATE TABLE {chord} (
    id TEXT NOT NULL PRIMARY KEY,
    is_open INTEGER NOT NULL DEFAULT 0,
    size INTEGER,
    -- how many members were added to it, and their ids
    extra INTEGER NOT NULL DEFAULT 0,
    added TEXT NOT NULL DEFAULT '[]',
    ready INTEGER NOT NULL DEFAULT 0,
    origin TEXT,
    -- unique for each run of the chord. The body's message carries it
    run TEXT,
    deadline_at REAL,
    -- when to look at the chord: the end of a lease, or the deadline, or a day after the last that was said of one
    -- that nobody has opened or reported to. NULL: never, or it is over
    due_at REAL,
    -- whose the lease is. NULL: nobody's
    token TEXT,
    claims INTEGER NOT NULL DEFAULT 0,
    body_token TEXT,
    -- set when the chord is over: the row is then only a mark, and may be dropped at this time
    expires_at REAL,
    document BLOB
);
CREATE INDEX {chord_due} ON {chord} (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX {chord_expires} ON {chord} (expires_at) WHERE expires_at IS NOT NULL;

-- What the members have reported. place is 2147483647 where Celery gave none, seq is the order of arrival.
CREATE TABLE {part} (
    seq INTEGER PRIMARY KEY,
    chord_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    state TEXT NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (chord_id, place, task_id)
);
