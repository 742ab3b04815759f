-- Ends a chord.
--
-- ARGV[3]  token
-- ARGV[4]  how long the mark that it is over is kept, in whole seconds
if not is_mine(redis.call('GET', ckey), ARGV[3]) then
    return 0
end
forget(ARGV[4])
return 1
