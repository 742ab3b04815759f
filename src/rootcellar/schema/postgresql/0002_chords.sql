-- The chord ledger: one row a chord. A report updates its row, and no index of it, unless it completes the chord: pages
-- are left half empty, so that the new version of a row finds room beside the old one.
CREATE TABLE {chord} (
    id text COLLATE "C" PRIMARY KEY,
    -- goes up each time the chord is begun anew: parts of an earlier one do not count
    generation integer NOT NULL DEFAULT 0,
    is_open boolean NOT NULL DEFAULT false,
    size integer,
    -- ids of the members that were added to it
    added text[] NOT NULL DEFAULT ARRAY[]::text[],
    ready integer NOT NULL DEFAULT 0,
    origin text,
    -- unique for each run of the chord. The body's message carries it
    run text,
    deadline_at timestamptz,
    -- when to look at the chord: the end of a lease, or the deadline, or a day after the last that was said of one
    -- that nobody has opened or reported to. NULL: never, or it is over
    due_at timestamptz,
    -- whose the lease is. NULL: nobody's
    token text,
    claims integer NOT NULL DEFAULT 0,
    body_token text,
    -- set when the chord is over: the row is then only a mark, and may be dropped at this time
    expires_at timestamptz,
    document bytea
) WITH (fillfactor = 50);
CREATE INDEX ON {chord} (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ON {chord} (expires_at) WHERE expires_at IS NOT NULL;

-- What the members have reported. place is 2147483647 where Celery gave none, seq is the order of arrival.
CREATE TABLE {part} (
    chord_id text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    place integer NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (chord_id, generation, place, task_id)
);
