-- create_entry: what waits for delivery; its number is never given twice, and is the order it came in
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    added_at REAL NOT NULL,
    bytes INTEGER NOT NULL,
    refused TEXT,
    id TEXT, state TEXT, payload BLOB, name TEXT, worker TEXT, queue TEXT, retries INTEGER, parent_id TEXT,
    group_id TEXT, done_at REAL, expires_at REAL,
    chord_id TEXT, part_id TEXT, place INTEGER, part_state TEXT, part_payload BLOB,
    is_opened INTEGER NOT NULL, document BLOB, deadline_at REAL, origin TEXT, run TEXT
)

-- create_waiting: finds the next one past any number of refused ones
CREATE INDEX waiting ON entry (seq) WHERE refused IS NULL

-- create_held: how much there is, kept by triggers so that it need not be counted
CREATE TABLE held (records INTEGER NOT NULL, bytes INTEGER NOT NULL, refused INTEGER NOT NULL)

-- create_about: whose spool it is
CREATE TABLE about (app TEXT NOT NULL, url TEXT NOT NULL)

-- create_on_insert: keeps the count
CREATE TRIGGER on_insert AFTER INSERT ON entry BEGIN
    UPDATE held SET records = records + 1, bytes = bytes + new.bytes;
END

-- create_on_delete: keeps the count
CREATE TRIGGER on_delete AFTER DELETE ON entry BEGIN
    UPDATE held SET
        records = records - (old.refused IS NULL), bytes = bytes - old.bytes,
        refused = refused - (old.refused IS NOT NULL);
END

-- create_on_refuse: keeps the count
CREATE TRIGGER on_refuse AFTER UPDATE OF refused ON entry BEGIN
    UPDATE held SET
        records = records + (new.refused IS NULL) - (old.refused IS NULL),
        refused = refused + (new.refused IS NOT NULL) - (old.refused IS NOT NULL);
END

-- put_held: the one row there is
INSERT INTO held (records, bytes, refused) VALUES (0, 0, 0)

-- put_about: the one row there is
INSERT INTO about (app, url) VALUES (?1, ?2)

-- about: whose spool it is
SELECT app, url FROM about

-- append: adds an entry, if there is room for it
INSERT INTO entry (
    added_at, bytes, id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at,
    chord_id, part_id, place, part_state, part_payload, is_opened, document, deadline_at, origin, run
)
SELECT ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24
WHERE (SELECT bytes FROM held) + ?3 <= ?1

-- oldest: what waits, in the order it came
SELECT
    seq, bytes, id, state, payload, name, worker, queue, retries, parent_id, group_id, done_at, expires_at,
    chord_id, part_id, place, part_state, part_payload, is_opened, document, deadline_at, origin, run
FROM entry
WHERE refused IS NULL
ORDER BY seq
LIMIT ?1

-- remove: entries of a JSON list of numbers
DELETE FROM entry WHERE seq IN (SELECT value FROM json_each(?1))

-- refuse: sets an entry aside
UPDATE entry SET refused = ?2 WHERE seq = ?1

-- readmit: lets all that were set aside wait again
UPDATE entry SET refused = NULL WHERE refused IS NOT NULL

-- refusals: what was set aside
SELECT seq, coalesce(id, part_id), coalesce(state, part_state), chord_id, bytes, added_at, refused
FROM entry
WHERE refused IS NOT NULL
ORDER BY seq
LIMIT ?1

-- depth: how much there is, and since when
SELECT
    records, bytes, (SELECT added_at FROM entry WHERE entry.refused IS NULL ORDER BY seq LIMIT 1), refused
FROM held

-- waiting: how many wait
SELECT records FROM held
