-- Says how many members a chord has.
--
-- ARGV[3]  how many
-- ARGV[4]  '1': so many more than was said, or will be; '0': so many in all
if is_done() then
    return 0
end
if ARGV[4] == '1' then
    redis.call('INCRBY', tkey, ARGV[3])
else
    redis.call('SET', skey, ARGV[3])
    if ready_count() >= size() and redis.call('EXISTS', ckey) == 0 then
        redis.call('ZADD', index, now, chord_id)  -- the last part came before this
    end
end
return 1
