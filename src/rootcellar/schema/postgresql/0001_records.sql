-- The records. Ids compare byte by byte, so that a scan's order is the same in every locale.
CREATE TABLE {record} (
    id text COLLATE "C" PRIMARY KEY,
    state text NOT NULL,
    payload bytea NOT NULL,
    name text,
    worker text,
    queue text,
    retries integer,
    parent_id text,
    group_id text,
    done_at timestamptz,
    expires_at timestamptz
);
CREATE INDEX ON {record} (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE {groups} (
    id text COLLATE "C" PRIMARY KEY,
    payload bytea NOT NULL,
    expires_at timestamptz
);

-- Who waits for what: storing a record notifies only where a row here says that somebody listens. NOTIFY takes a lock
-- that serialises commits, so telling everybody would halve the throughput of concurrent writers. Unlogged: after a
-- crash the waiters register again.
CREATE UNLOGGED TABLE {waiter} (
    id text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, channel)
);
