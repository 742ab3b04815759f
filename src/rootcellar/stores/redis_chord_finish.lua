-- Ends a chord.
--
-- ARGV[1]  token
-- ARGV[2]  how long the mark that it is over is kept, in whole seconds
if not is_mine(redis.call('GET', ckey), ARGV[1]) then
    return 0
end
forget(ARGV[2])
return 1
