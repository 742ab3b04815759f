-- forget_parts: of a chord that is about to be begun, unless the same task began it before
DELETE FROM {part} WHERE chord_id = ?1 AND NOT EXISTS (
    SELECT 1 FROM {chord} WHERE id = ?1 AND origin = ?2 AND (expires_at IS NULL OR expires_at > ?3)
)

-- open: begins a chord, anew unless the same task began it before
INSERT INTO {chord} (id, is_open, document, deadline_at, due_at, origin, run) VALUES (?1, 1, ?2, ?3, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET
    is_open = 1, size = NULL, extra = 0, added = '[]', ready = 0, document = excluded.document,
    deadline_at = excluded.deadline_at, due_at = excluded.due_at, origin = excluded.origin, run = excluded.run,
    token = NULL, claims = 0, body_token = NULL, expires_at = NULL
WHERE origin IS NULL OR origin IS NOT excluded.origin OR expires_at <= ?6

-- keep_opening: what a report knows of a chord that nobody has opened. It is due at its deadline, unless it is claimed
-- or can be
UPDATE {chord} SET
    document = ?2, deadline_at = ?3, origin = ?4, run = ?5, is_open = 1,
    due_at = CASE WHEN token IS NOT NULL OR ready >= size + extra THEN due_at ELSE ?3 END
WHERE id = ?1 AND expires_at IS NULL AND NOT is_open

-- set_size: how many members there are; a chord that is complete now, and claimed by nobody, is due at once, and one
-- that nobody has opened or reported to when it is given up
INSERT INTO {chord} (id, size, due_at) VALUES (?1, ?2, ?3 + ?4)
ON CONFLICT (id) DO UPDATE SET
    size = excluded.size,
    due_at = CASE
        WHEN NOT is_open AND ready = 0 THEN excluded.due_at
        WHEN token IS NULL AND ready >= excluded.size + extra THEN ?3
        ELSE due_at
    END
WHERE expires_at IS NULL

-- add: that there is a member more
INSERT INTO {chord} (id, extra, added, due_at) VALUES (?1, 1, json_array(?2), ?3 + ?4)
ON CONFLICT (id) DO UPDATE SET
    extra = extra + 1, added = json_insert(added, '$[#]', ?2),
    due_at = CASE WHEN NOT is_open AND ready = 0 THEN excluded.due_at ELSE due_at END
WHERE expires_at IS NULL AND NOT EXISTS (SELECT 1 FROM json_each(added) WHERE value = ?2)

-- report: keeps a part unless the chord is over
INSERT INTO {part} (chord_id, task_id, place, state, payload)
SELECT ?1, ?2, coalesce(?3, 2147483647), ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM {chord} WHERE id = ?1 AND expires_at IS NOT NULL)
ON CONFLICT DO NOTHING

-- count: adds what report has kept, 1 or 0
INSERT INTO {chord} (id, ready) VALUES (?1, ?2)
ON CONFLICT (id) DO UPDATE SET ready = ready + excluded.ready WHERE expires_at IS NULL

-- give: a chord that is complete, or overdue where that is asked for, to a token, if nobody else holds it
UPDATE {chord} SET claims = claims + (token IS NOT ?2), token = ?2, due_at = ?3 + ?4
WHERE id = ?1 AND expires_at IS NULL AND body_token IS NULL
    AND (is_open OR ready > 0)
    AND (ready >= size + extra OR (?5 AND deadline_at <= ?3))
    AND (token IS NULL OR due_at <= ?3 OR token = ?2)

-- put_off: a chord that is due, and that there is nothing to do for; it is nobody's
UPDATE {chord} SET due_at = deadline_at, token = NULL
WHERE id = ?1 AND expires_at IS NULL AND (is_open OR ready > 0) AND (token IS NULL OR due_at <= ?3 OR token = ?2)

-- no_chord: drops what nobody has opened or reported to, when it is due
DELETE FROM {chord} WHERE id = ?1 AND expires_at IS NULL AND NOT is_open AND ready = 0 AND due_at <= ?2

-- tally: where a chord stands; the document only where the token holds the claim
SELECT ready, size + extra, is_open, claims > 1, CASE WHEN token = ?2 THEN document END,
    coalesce(ready < size + extra, 1)
FROM {chord} WHERE id = ?1 AND expires_at IS NULL

-- renew: makes a lease last longer; a claim that was given back may be taken up again
UPDATE {chord} SET token = ?2, due_at = ?3
WHERE id = ?1 AND (token = ?2 OR token IS NULL AND claims > 0) AND expires_at IS NULL

-- release: gives a claim back; housekeepers look later, and whoever asks meanwhile gets it
UPDATE {chord} SET token = NULL, due_at = ?3 WHERE id = ?1 AND token = ?2 AND expires_at IS NULL

-- parts: a batch of payloads behind a place and an arrival
SELECT place, seq, payload FROM {part}
WHERE chord_id = ?1 AND (place, seq) > (?2, ?3)
ORDER BY place, seq
LIMIT ?4

-- failed: the first payload that is no SUCCESS
SELECT payload FROM {part} WHERE chord_id = ?1 AND state <> 'SUCCESS' ORDER BY place, seq LIMIT 1

-- finish: leaves a mark of a chord, for a token
UPDATE {chord} SET document = NULL, due_at = NULL, expires_at = coalesce(expires_at, ?3)
WHERE id = ?1 AND (token = ?2 OR token IS NULL AND claims > 0)

-- finish_run: leaves a mark of a chord whose body has begun to run
UPDATE {chord} SET document = NULL, due_at = NULL, expires_at = ?2
WHERE id = ?1 AND body_token IS NOT NULL AND expires_at IS NULL

-- drop_parts: of a chord that is over
DELETE FROM {part} WHERE chord_id = ?1

-- begin_body: the first token of the chord's run keeps it
UPDATE {chord} SET body_token = ?2 WHERE id = ?1 AND run IS ?3 AND body_token IS NULL

-- has_begun: whether another token of that run has it
SELECT 1 FROM {chord} WHERE id = ?1 AND run IS ?3 AND body_token <> ?2

-- due: chords to look at
SELECT id FROM {chord} WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2

-- purge_chords: a batch of marks whose time is over
DELETE FROM {chord} WHERE id IN (SELECT id FROM {chord} WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
