-- open: begins a chord, anew unless the same task began it before; parts of earlier generations go
WITH opened AS (
    INSERT INTO {chord} AS c (id, is_open, document, deadline_at, due_at, origin, run)
    VALUES ($1, true, $2, to_timestamp($3), to_timestamp($3), $4, $5)
    ON CONFLICT (id) DO UPDATE SET
        generation = c.generation + 1, is_open = true, size = NULL, added = ARRAY[]::text[], ready = 0,
        document = excluded.document, deadline_at = excluded.deadline_at, due_at = excluded.due_at,
        origin = excluded.origin, run = excluded.run, token = NULL, claims = 0, body_token = NULL, expires_at = NULL
    WHERE c.origin IS NULL OR c.origin IS DISTINCT FROM excluded.origin OR c.expires_at <= now()
    RETURNING c.id, c.generation
)
DELETE FROM {part} AS p USING opened WHERE p.chord_id = opened.id AND p.generation < opened.generation

-- keep_opening: what a report knows of a chord that nobody has opened; returns the document that is kept. It is due at
-- its deadline, unless it is claimed or can be
UPDATE {chord} AS c SET
    document = CASE WHEN c.is_open THEN c.document ELSE $2 END,
    deadline_at = CASE WHEN c.is_open THEN c.deadline_at ELSE to_timestamp($3) END,
    due_at = CASE
        WHEN c.is_open OR c.token IS NOT NULL OR c.ready >= c.size + cardinality(c.added) THEN c.due_at
        ELSE to_timestamp($3)
    END,
    origin = CASE WHEN c.is_open THEN c.origin ELSE $4 END,
    run = CASE WHEN c.is_open THEN c.run ELSE $5 END,
    is_open = true
WHERE c.id = $1 AND c.expires_at IS NULL
RETURNING c.document

-- set_size: how many members there are; a chord that is complete now, and claimed by nobody, is due at once, and one
-- that nobody has opened or reported to when it is given up
INSERT INTO {chord} AS c (id, size, due_at) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (id) DO UPDATE SET
    size = excluded.size,
    due_at = CASE
        WHEN NOT c.is_open AND c.ready = 0 THEN excluded.due_at
        WHEN c.token IS NULL AND c.ready >= excluded.size + cardinality(c.added) THEN now()
        ELSE c.due_at
    END
WHERE c.expires_at IS NULL

-- add: that there is a member more
INSERT INTO {chord} AS c (id, added, due_at) VALUES ($1, ARRAY[$2], now() + make_interval(secs => $3))
ON CONFLICT (id) DO UPDATE SET
    added = array_append(c.added, $2),
    due_at = CASE WHEN NOT c.is_open AND c.ready = 0 THEN excluded.due_at ELSE c.due_at END
WHERE c.expires_at IS NULL AND NOT $2 = ANY (c.added)

-- no_record: stands for put ($1 to $11) where a part comes without a record
SELECT 1 WHERE coalesce($1::text, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) IS NOT NULL

-- report: stores a record, then counts a part, then claims the chord if that completes it: one statement, and locks
-- always taken in this order. Sub-selects see what was committed when the statement began; DO UPDATE sees the row as it
-- is when its lock was got, so of two that report the last two parts, the second sees what the first has counted. A part
-- of a chord that ended, or was begun anew, in between is not counted; it is deleted with the chord.
WITH stored AS (
    {stored}
), known AS (
    SELECT generation, expires_at IS NOT NULL AS is_over FROM {chord} WHERE id = $12
), reported AS (
    INSERT INTO {part} (chord_id, task_id, generation, place, state, payload)
    SELECT
        $12, $13, coalesce((SELECT generation FROM known), 0), coalesce($14::integer, 2147483647), $15, $16::bytea
    FROM (SELECT count(*) FROM stored) AS first
    WHERE NOT EXISTS (SELECT 1 FROM known WHERE is_over)
    ON CONFLICT DO NOTHING
    RETURNING 1
), tallied AS (
    INSERT INTO {chord} AS c (id, generation, ready)
    SELECT $12, coalesce((SELECT generation FROM known), 0), reports.new
    FROM (SELECT count(*) AS new FROM reported) AS reports
    WHERE NOT EXISTS (SELECT 1 FROM known WHERE is_over)
    ON CONFLICT (id) DO UPDATE SET (ready, token, claims, due_at) = (
        SELECT n.ready,
            CASE WHEN n.is_given THEN $17 ELSE c.token END,
            c.claims + (n.is_given AND c.token IS DISTINCT FROM $17)::integer,
            CASE WHEN n.is_given THEN now() + make_interval(secs => $18) ELSE c.due_at END
        FROM (
            SELECT r.ready, coalesce(r.ready >= c.size + cardinality(c.added), false) AND c.body_token IS NULL
                AND (c.token IS NULL OR c.due_at <= now() OR c.token = $17) AS is_given
            FROM (
                SELECT c.ready + CASE WHEN c.generation = excluded.generation THEN excluded.ready ELSE 0 END AS ready
            ) AS r
        ) AS n
    )
    WHERE c.expires_at IS NULL
    RETURNING c.ready, c.size + cardinality(c.added) AS size, c.is_open,
        c.body_token IS NULL AND coalesce(c.token = $17 AND c.ready >= c.size + cardinality(c.added), false)
            AS is_given,
        c.claims > 1 AS is_takeover, CASE WHEN c.token = $17 THEN c.document END AS document
)
SELECT puts.changed > 0, t.ready, t.size, t.is_open, t.is_given, t.is_takeover, t.document
FROM (SELECT count(*) AS changed FROM stored) AS puts LEFT JOIN tallied AS t ON true

-- claim: gives a chord that is complete or overdue to a token; finishes it where its body has begun to run; otherwise
-- puts it off, and it is nobody's. One that nobody has opened or reported to goes when it is due
WITH looked AS (
    UPDATE {chord} AS c SET (token, claims, due_at, document, expires_at) = (
        SELECT
            CASE WHEN n.is_given THEN $2 WHEN n.is_run THEN c.token END,
            c.claims + (n.is_given AND c.token IS DISTINCT FROM $2)::integer,
            CASE
                WHEN n.is_run THEN NULL
                WHEN n.is_given THEN now() + make_interval(secs => $3)
                ELSE c.deadline_at
            END,
            CASE WHEN NOT n.is_run THEN c.document END,
            CASE WHEN n.is_run THEN now() + make_interval(secs => $4) END
        FROM (
            SELECT c.body_token IS NOT NULL AS is_run, c.body_token IS NULL AND (
                coalesce(c.ready >= c.size + cardinality(c.added), false) OR coalesce(c.deadline_at <= now(), false)
            ) AS is_given
        ) AS n
    )
    WHERE c.id = $1 AND c.expires_at IS NULL AND (c.is_open OR c.ready > 0)
        AND (c.body_token IS NOT NULL OR c.token IS NULL OR c.due_at <= now() OR c.token = $2)
    RETURNING c.id, c.expires_at IS NOT NULL AS is_over, coalesce(c.token = $2, false) AS is_given, c.ready,
        c.size + cardinality(c.added) AS size, c.document, c.claims > 1 AS is_takeover
), gone AS (
    DELETE FROM {part} WHERE chord_id IN (SELECT id FROM looked WHERE is_over)
), no_chord AS (
    DELETE FROM {chord} WHERE id = $1 AND expires_at IS NULL AND NOT is_open AND ready = 0 AND due_at <= now()
)
SELECT ready, size, document, coalesce(ready < size, true), is_takeover FROM looked WHERE is_given AND NOT is_over

-- renew: makes a lease last longer; a claim that was given back may be taken up again
UPDATE {chord} SET token = $2, due_at = now() + make_interval(secs => $3)
WHERE id = $1 AND (token = $2 OR token IS NULL AND claims > 0) AND expires_at IS NULL
RETURNING 1

-- release: gives a claim back; housekeepers look later, and whoever asks meanwhile gets it
UPDATE {chord} SET token = NULL, due_at = now() + make_interval(secs => $3)
WHERE id = $1 AND token = $2 AND expires_at IS NULL

-- parts: a batch of payloads behind a place and an arrival; no join, so that the primary key gives the order of places
SELECT place, seq, payload
FROM {part}
WHERE chord_id = $1 AND generation = (SELECT generation FROM {chord} WHERE id = $1 AND expires_at IS NULL)
    AND (place, seq) > ($2, $3)
ORDER BY place, seq
LIMIT $4

-- failed: the first payload that is no SUCCESS
SELECT payload
FROM {part}
WHERE chord_id = $1 AND generation = (SELECT generation FROM {chord} WHERE id = $1 AND expires_at IS NULL)
    AND state <> 'SUCCESS'
ORDER BY place, seq
LIMIT 1

-- finish: leaves a mark of a chord
WITH finished AS (
    UPDATE {chord} SET
        document = NULL, due_at = NULL, expires_at = coalesce(expires_at, now() + make_interval(secs => $3))
    WHERE id = $1 AND (token = $2 OR token IS NULL AND claims > 0)
    RETURNING id
), gone AS (
    DELETE FROM {part} WHERE chord_id IN (SELECT id FROM finished)
)
SELECT 1 FROM finished

-- begin_body: the first token of the chord's run keeps it
UPDATE {chord} SET body_token = coalesce(body_token, $2)
WHERE id = $1 AND run IS NOT DISTINCT FROM $3
RETURNING body_token = $2

-- due: chords to look at
SELECT id FROM {chord} WHERE due_at <= now() ORDER BY due_at LIMIT $1

-- purge_chords: a batch of marks whose time is over, with parts that came too late for finish to see
WITH over AS (
    DELETE FROM {chord} WHERE id IN (
        SELECT id FROM {chord} WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
), gone AS (
    DELETE FROM {part} WHERE chord_id IN (SELECT id FROM over)
)
SELECT count(*) FROM over
