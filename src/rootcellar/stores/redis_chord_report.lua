-- Counts a part, and stores a record with it.
--
-- KEYS[9]   the record's key
-- ARGV[1]   task id
-- ARGV[2]   place in the header, or '+inf'
-- ARGV[3]   the part's payload
-- ARGV[4]   '1': it is a SUCCESS
-- ARGV[5]   '1': parts are kept in the order of the header
-- ARGV[6]   token
-- ARGV[7]   lease, in milliseconds
-- ARGV[8]  '1': there is a record; ARGV[9] to ARGV[12]: see put_record
--
-- Returns {what put_record says, parts, members or -1, whether the chord has been opened, unguarded parts, claim…}.
local stored = 1
if ARGV[8] == '1' then
    stored = put_record(KEYS[9], ARGV[9], ARGV[10], ARGV[11], ARGV[12])
    if type(stored) == 'string' then
        return {stored}
    end
end
if is_done() then
    return {stored, 0, -1, 1, 0, 0}
end
-- As Celery names it: two members may share the id of a signature that was frozen and used twice.
if redis.call('SADD', dkey, ARGV[1] .. ':' .. ARGV[2]) == 1 then
    if ARGV[5] == '1' then
        local payload = ARGV[3]
        -- The same task at two places, with one result: a set would hold it once. JSON may end in blanks.
        while string.sub(payload, 1, 1) == '[' and redis.call('ZSCORE', jkey, payload) do
            payload = payload .. ' '
        end
        redis.call('ZADD', jkey, ARGV[2], payload)
    else
        redis.call('RPUSH', jkey, ARGV[3])
    end
    redis.call('HINCRBY', bkey, 'succeeded', ARGV[4])
end
keep()
local ready, members = ready_count(), size()
local claim = {0}
if members and ready >= members then
    claim = take(ARGV[6], tonumber(ARGV[7]))
end
local unguarded = math.max(0, part_count() - redis.call('SCARD', dkey))
return {stored, ready, members or -1, redis.call('HEXISTS', bkey, 'deadline'), unguarded, unpack(claim)}
