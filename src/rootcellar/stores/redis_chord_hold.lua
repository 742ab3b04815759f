-- Makes a lease longer, or gives it back.
--
-- ARGV[1]  token
-- ARGV[2]  lease from now, in milliseconds; '0': give it back
-- ARGV[3]  when it is given back: after how many seconds to look at the chord again
local holder = redis.call('GET', ckey)
if ARGV[2] == '0' then
    if holder == ARGV[1] then
        redis.call('DEL', ckey)
        redis.call('ZADD', index, now + ARGV[3], chord_id)
    end
    return 1
end
if not is_mine(holder, ARGV[1]) then
    return 0
end
redis.call('SET', ckey, ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', index, now + ARGV[2] / 1000, chord_id)
return 1
