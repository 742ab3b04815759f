-- Begins a chord, or keeps in mind what nobody had said of one that has begun.
--
-- ARGV[1]  document; ''
-- ARGV[2]  deadline, in seconds since 1970; 'inf': never
-- ARGV[3]  origin; ''
-- ARGV[4]  run; ''
-- ARGV[5]  '1': begin it anew; '0': only add what is missing
--
-- Returns the document that is kept.
local is_new = ARGV[5] == '1'
if is_new then
    if ARGV[3] ~= '' and redis.call('HGET', bkey, 'origin') == ARGV[3] then
        return 0
    end
    redis.call('DEL', jkey, tkey, skey, dkey, ckey, bkey)
    redis.call('ZREM', index, chord_id)
elseif is_done() then
    return 0
end
if redis.call('HSETNX', bkey, 'deadline', ARGV[2]) == 1 then
    redis.call('DEL', rkey)  -- of an earlier run
    redis.call('HDEL', bkey, 'origin', 'run')
    for number, field in ipairs({'document', '', 'origin', 'run'}) do
        if field ~= '' and ARGV[number] ~= '' then
            redis.call('HSET', bkey, field, ARGV[number])
        end
    end
    if not is_new then
        redis.call('HSET', bkey, 'sized', 1)  -- a client on Celery's own backend began it: it says, or has said, how many
    end
    keep()
    if not redis.call('ZSCORE', index, chord_id) then
        look_again(ARGV[2])
    end
end
return redis.call('HGET', bkey, 'document')
