-- Says how many members a chord has.
--
-- ARGV[3]  how many, or the id of a task
-- ARGV[4]  '1': this task besides those in the header; '0': so many in the header
if is_done() then
    return 0
end
if ARGV[4] == '1' then
    if redis.call('HSETNX', bkey, 'added ' .. ARGV[3], 1) == 1 then
        redis.call('INCR', tkey)
    end
else
    redis.call('SET', skey, ARGV[3])
    redis.call('HSET', bkey, 'sized', 1)
    if ready_count() >= size() and redis.call('EXISTS', ckey) == 0 then
        redis.call('ZADD', index, now, chord_id)  -- the last part came before this
    end
end
return 1
