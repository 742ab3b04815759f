-- Claims a chord for the housekeeper.
--
-- ARGV[1]  token
-- ARGV[2]  lease, in milliseconds
--
-- Returns {0}, or {1, document, takeover, parts, members or -1, whether the deadline is over and parts are missing}.
if is_done() or redis.call('EXISTS', rkey) == 1 or is_ended_elsewhere() then
    forget(MARK_S)
    return {0}
end
local ready, members = ready_count(), size()
local is_overdue = 0
if not members or ready < members then
    local deadline = redis.call('HGET', bkey, 'deadline')
    if not deadline and ready == 0 and not members then
        redis.call('ZREM', index, chord_id)  -- nothing is left of it
        return {0}
    end
    if not deadline or deadline == 'inf' or tonumber(deadline) > now then
        keep()
        look_again(deadline)
        return {0}
    end
    is_overdue = 1
end
local claim = take(ARGV[1], tonumber(ARGV[2]))
if claim[1] == 0 then
    redis.call('ZADD', index, now + math.max(0, redis.call('PTTL', ckey)) / 1000, chord_id)
    return claim
end
return {1, claim[2], claim[3], ready, members or -1, is_overdue}
