-- put: stores a record unless what lies there has come further and has not expired (rootcellar.record.merge), and
-- notifies the channels that wait for it
INSERT INTO {record} AS kept
    (id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10), to_timestamp($11))
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state, payload = excluded.payload, name = excluded.name, worker = excluded.worker,
    queue = excluded.queue, retries = excluded.retries, parent_id = excluded.parent_id,
    group_id = excluded.group_id, done_at = excluded.done_at, expires_at = excluded.expires_at
WHERE kept.expires_at <= now() OR CASE kept.state
    WHEN 'SUCCESS' THEN false
    WHEN 'FAILURE' THEN excluded.state IN ('SUCCESS', 'FAILURE', 'REVOKED')
    WHEN 'REVOKED' THEN excluded.state IN ('SUCCESS', 'FAILURE', 'REVOKED')
    WHEN 'PENDING' THEN true
    ELSE excluded.state <> 'PENDING'
END
RETURNING (SELECT count(pg_notify(w.channel, w.id)) FROM {waiter} AS w WHERE w.id = kept.id)

-- get: one record by id
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM {record}
WHERE id = $1 AND (expires_at IS NULL OR expires_at > now())

-- get_many: the records of an array of ids; joined, since a scan for = ANY compares each row with each of the ids
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM unnest($1::text[]) AS wanted (id) JOIN {record} USING (id)
WHERE expires_at IS NULL OR expires_at > now()

-- states: those of an array of ids
SELECT id, state FROM unnest($1::text[]) AS wanted (id) JOIN {record} USING (id)
WHERE expires_at IS NULL OR expires_at > now()

-- delete: the records of an array of ids
WITH gone AS (DELETE FROM {record} WHERE id = ANY ($1::text[]) RETURNING 1)
SELECT count(*) FROM gone

-- scan: a batch behind an id, in the order of ids
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM {record}
WHERE id > $1 AND (expires_at IS NULL OR expires_at > now())
ORDER BY id
LIMIT $2

-- purge: a batch of expired records; those another session is purging are left to it
WITH gone AS (
    DELETE FROM {record} WHERE id IN (
        SELECT id FROM {record} WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone

-- purge_groups: a batch of expired groups
WITH gone AS (
    DELETE FROM {groups} WHERE id IN (
        SELECT id FROM {groups} WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone

-- purge_waiters: rows of processes that died without saying so
DELETE FROM {waiter} WHERE seen_at < now() - make_interval(secs => $1)

-- stats: records by state
SELECT state, count(*) FROM {record} GROUP BY state

-- size: bytes of the tables, their indexes and their TOAST
SELECT sum(pg_total_relation_size(t::regclass))::bigint FROM unnest($1::text[]) AS t

-- group_put: saves a group, replacing an earlier one
INSERT INTO {groups} (id, payload, expires_at) VALUES ($1, $2, to_timestamp($3))
ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at

-- group_get: a group's document
SELECT payload FROM {groups} WHERE id = $1 AND (expires_at IS NULL OR expires_at > now())

-- group_delete: deletes a group
DELETE FROM {groups} WHERE id = $1

-- watch: registers a channel for an array of ids
INSERT INTO {waiter} (id, channel) SELECT unnest($1::text[]), $2
ON CONFLICT (id, channel) DO UPDATE SET seen_at = now()

-- unwatch: takes an array of ids off a channel
DELETE FROM {waiter} WHERE channel = $1 AND id = ANY ($2::text[])

-- unwatch_all: takes everything off a channel
DELETE FROM {waiter} WHERE channel = $1

-- still_watching: says that the channel's process lives
UPDATE {waiter} SET seen_at = now() WHERE channel = $1

-- server: what check() reports
SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
    current_setting('max_connections'), pg_is_in_recovery()::text,
    coalesce((SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'unknown')

-- privileges: whether this login may do what a worker does
SELECT bool_and(has_table_privilege(t, p))
FROM unnest($1::text[]) AS t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p

-- version: the schema's version
SELECT max(version) FROM {version}

-- version_create: the table that holds it
CREATE TABLE IF NOT EXISTS {version}
    (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())

-- version_put: one more migration has been applied
INSERT INTO {version} (version, name) VALUES ($1, $2)

-- version_exists: whether there is a version table at all
SELECT to_regclass($1) IS NOT NULL

-- upgrade_lock: one upgrade at a time, until the end of the transaction
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
