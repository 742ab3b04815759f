-- Says how many members a chord has.
--
-- ARGV[1]  how many, or the id of a task
-- ARGV[2]  '1': this task besides those in the header; '0': so many in the header
if is_done() then
    return 0
end
local is_open = redis.call('HEXISTS', bkey, 'deadline') == 1
if ARGV[2] == '1' then
    if redis.call('HSETNX', bkey, 'added ' .. ARGV[1], 1) == 1 then
        redis.call('INCR', tkey)
    end
else
    redis.call('SET', skey, ARGV[1])
    redis.call('HSET', bkey, 'sized', 1)
    if ready_count() >= size() and redis.call('EXISTS', ckey) == 0 then
        redis.call('ZADD', index, now, chord_id)  -- the last part came before this
    end
end
if not is_open then
    for _, key in ipairs({tkey, skey, bkey}) do
        redis.call('EXPIRE', key, MARK_S)  -- a group that is no chord's header, unless somebody reports to it
    end
end
return 1
