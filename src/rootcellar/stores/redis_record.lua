-- Put before the scripts that store a record.
--
-- Stores a task's document and publishes it on the channel of the same name, unless what lies there has come further:
-- what Celery's own backend does in two round trips and without the guard being atomic.
--
-- key       the record's key
-- document  what to store
-- keep_s    how long to keep it, in whole seconds; '0': for ever
-- rank      how far the document's state has come: rootcellar.record.rank()
-- seen      SHA1 of a document the caller has read and found that it gives way; '': none
--
-- Returns 1: stored; 0: what lay there was kept; the document that lies there: it is not plain JSON (compressed, or of
-- another serializer), so the caller must read its state and call again with its SHA1.
local function put_record(key, document, keep_s, rank, seen)
    local start = redis.call('GETRANGE', key, 0, 19)
    if string.sub(start, 1, 12) == '{"status": "' then
        local state, kept = string.sub(start, 13), 1
        if state == 'SUCCESS"' then
            return 0
        elseif state == 'FAILURE"' or state == 'REVOKED"' then
            kept = 2
        elseif state == 'PENDING"' then
            kept = 0
        end
        if tonumber(rank) < kept then
            return 0
        end
    elseif start ~= '' then
        local kept = redis.call('GET', key)
        if redis.sha1hex(kept) ~= seen then
            return kept
        end
    end
    if keep_s == '0' then
        redis.call('SET', key, document)
    else
        redis.call('SET', key, document, 'EX', keep_s)
    end
    -- pcall: a login that may not publish has stored its result all the same; waiters then find it when they look.
    redis.pcall('PUBLISH', key, document)
    return 1
end

