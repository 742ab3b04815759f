-- Returns the ids of chords to look at.
--
-- KEYS[1]  the set of open chords
-- ARGV[1]  how many at most
local clock = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', clock[1] + clock[2] / 1000000, 'LIMIT', 0, ARGV[1])
