-- Stores a task's document and publishes it on the channel of the same name, unless a SUCCESS lies there: what Celery's
-- own backend does in two round trips and without the guard being atomic.
--
-- KEYS[1]  the record's key
-- ARGV[1]  the document
-- ARGV[2]  how long to keep it, in whole seconds; 0: for ever
-- ARGV[3]  SHA1 of a document the caller has read and found not to be a SUCCESS; '': none
--
-- Returns 1: stored; 0: a SUCCESS was kept; the document that lies there: it is not plain JSON (compressed, or of
-- another serializer), so the caller must read its state and call again with its SHA1.
local start = redis.call('GETRANGE', KEYS[1], 0, 19)
if start == '{"status": "SUCCESS"' then
    return 0
end
if start ~= '' and string.sub(start, 1, 12) ~= '{"status": "' then
    local kept = redis.call('GET', KEYS[1])
    if redis.sha1hex(kept) ~= ARGV[3] then
        return kept
    end
end
if ARGV[2] == '0' then
    redis.call('SET', KEYS[1], ARGV[1])
else
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
-- pcall: a login that may not publish has stored its result all the same; waiters then find it when they look.
redis.pcall('PUBLISH', KEYS[1], ARGV[1])
return 1
