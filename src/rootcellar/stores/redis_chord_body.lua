-- Says that a body has arrived at a worker.
--
-- ARGV[1]  the token of the claim it was sent under
-- ARGV[2]  the run it belongs to; ''
if (redis.call('HGET', bkey, 'run') or '') ~= ARGV[2] then
    return 1  -- of another run than the latest
end
redis.call('SET', rkey, ARGV[1], 'NX', 'EX', MARK_S)
return redis.call('GET', rkey) == ARGV[1] and 1 or 0
