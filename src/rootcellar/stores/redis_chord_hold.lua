-- Makes a lease longer, or gives it back.
--
-- ARGV[3]  token
-- ARGV[4]  lease from now, in milliseconds; '0': give it back
-- ARGV[5]  when it is given back: after how many seconds to look at the chord again
local holder = redis.call('GET', ckey)
if ARGV[4] == '0' then
    if holder == ARGV[3] then
        redis.call('DEL', ckey)
        redis.call('ZADD', index, now + ARGV[5], chord_id)
    end
    return 1
end
if not is_mine(holder, ARGV[3]) then
    return 0
end
redis.call('SET', ckey, ARGV[3], 'PX', ARGV[4])
redis.call('ZADD', index, now + ARGV[4] / 1000, chord_id)
return 1
