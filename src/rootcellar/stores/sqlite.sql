-- put: replaces what lies under the id, giving it a new seq, unless that has come further and has not expired
-- (rootcellar.record.merge)
INSERT OR REPLACE INTO {record}
    (id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
WHERE NOT EXISTS (
    SELECT 1 FROM {record}
    WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?12) AND CASE state
        WHEN 'SUCCESS' THEN 1
        WHEN 'FAILURE' THEN ?2 NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')
        WHEN 'REVOKED' THEN ?2 NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')
        WHEN 'PENDING' THEN 0
        ELSE ?2 = 'PENDING'
    END
)

-- get: one record by id
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM {record}
WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?2)

-- get_many: the records of a JSON list of ids
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM {record}
WHERE id IN (SELECT value FROM json_each(?1)) AND (expires_at IS NULL OR expires_at > ?2)

-- states: those of a JSON list of ids
SELECT id, state FROM {record}
WHERE id IN (SELECT value FROM json_each(?1)) AND (expires_at IS NULL OR expires_at > ?2)

-- delete: the records of a JSON list of ids
DELETE FROM {record} WHERE id IN (SELECT value FROM json_each(?1))

-- scan: a batch behind an id, in the order of ids
SELECT id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at
FROM {record}
WHERE id > ?1 AND (expires_at IS NULL OR expires_at > ?2)
ORDER BY id
LIMIT ?3

-- purge: a batch of expired records
DELETE FROM {record}
WHERE seq IN (SELECT seq FROM {record} WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)

-- purge_groups: a batch of expired groups
DELETE FROM {groups} WHERE id IN (SELECT id FROM {groups} WHERE expires_at <= ?1 LIMIT ?2)

-- stats: records by state
SELECT state, count(*) FROM {record} GROUP BY state

-- size: bytes of the file
SELECT page_count * page_size FROM pragma_page_count, pragma_page_size

-- group_put: saves a group, replacing an earlier one
INSERT OR REPLACE INTO {groups} (id, payload, expires_at) VALUES (?1, ?2, ?3)

-- group_get: a group's document
SELECT payload FROM {groups} WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?2)

-- group_delete: deletes a group
DELETE FROM {groups} WHERE id = ?1

-- last_change: the highest seq ever given, also where that record is gone
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)

-- changes: what has changed since a seq
SELECT seq, id FROM {record} WHERE seq > ?1 ORDER BY seq LIMIT ?2

-- version: the schema's version
SELECT max(version) FROM {version}

-- version_create: the table that holds it
CREATE TABLE IF NOT EXISTS {version} (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL)

-- foreign: which tables of a JSON list of names there are
SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name IN (SELECT value FROM json_each(?1))

-- version_put: one more migration has been applied
INSERT INTO {version} (version, name) VALUES (?1, ?2)

-- version_exists: whether there is a version table at all
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1
