-- Says that a body has arrived at a worker.
--
-- ARGV[3]  the token of the claim it was sent under
-- ARGV[4]  how long that is remembered, in whole seconds
redis.call('SET', rkey, ARGV[3], 'NX', 'EX', ARGV[4])
return redis.call('GET', rkey) == ARGV[3] and 1 or 0
