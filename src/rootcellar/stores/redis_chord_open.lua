-- Begins a chord, or keeps in mind what nobody had said of one that has begun.
--
-- ARGV[3]  document; ''
-- ARGV[4]  deadline, in seconds since 1970; 'inf': never
-- ARGV[5]  origin; ''
-- ARGV[6]  '1': begin it anew; '0': only add what is missing
if ARGV[6] == '1' then
    if ARGV[5] ~= '' and redis.call('HGET', bkey, 'origin') == ARGV[5] then
        return 0
    end
    redis.call('DEL', jkey, tkey, skey, dkey, ckey, bkey, rkey)
elseif is_done() then
    return 0
end
if redis.call('HSETNX', bkey, 'deadline', ARGV[4]) == 1 then
    if ARGV[3] ~= '' then
        redis.call('HSET', bkey, 'document', ARGV[3])
    end
    if ARGV[5] ~= '' then
        redis.call('HSET', bkey, 'origin', ARGV[5])
    end
    if ARGV[6] == '0' then
        redis.call('HSET', bkey, 'sized', 1)  -- a client on Celery's own backend began it: it says, or has said, how many
    end
    redis.call('PERSIST', bkey)
    if not redis.call('ZSCORE', index, chord_id) then
        look_again(ARGV[4])
    end
end
return 1
