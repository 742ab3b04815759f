-- Put before the scripts of the chord ledger. Celery 5.7's keys of one chord, with Celery's meaning, so that workers on
-- redis:// and on cellar+redis:// may share a chord:
--
-- .j  the parts: a sorted set by their place in the header (a list, where result_chord_ordered is off)
-- .t  how many members were added to the header afterwards
-- .s  how many members the header has
-- .d  who has reported: 'task id:place'
-- .c  the claim: a token with a time to live, or 'done'
--
-- and two of our own:
--
-- .b  a hash: document, deadline, origin and run of the chord's opening; how often it was claimed, and the latest token;
--     how many parts succeeded; which members were added; whether its size is, or may be, known (see is_ended_elsewhere)
-- .r  the token of the body of this run that has begun to run
--
-- One sorted set, the eighth key, holds the ids of the open chords by when to look at them.
--
-- Every script is called with these keys, in this order, and with the chord's id before its own arguments. Times are the
-- server's: the clocks of workers differ.
local jkey, tkey, skey, dkey, ckey, bkey, rkey, index = unpack(KEYS, 1, 8)
local chord_id = table.remove(ARGV, 1)
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
-- How long it is remembered that a chord is over, or which of its bodies ran, in seconds: rootcellar.stores.ledger
local MARK_S = 86400

-- How many parts there are: as Celery counts them, and those it has merged, being equal but for their place.
local function part_count()
    local kind = redis.call('TYPE', jkey).ok
    if kind == 'zset' then
        return redis.call('ZCARD', jkey)
    elseif kind == 'list' then
        return redis.call('LLEN', jkey)
    end
    return 0
end
local function ready_count()
    return math.max(part_count(), redis.call('SCARD', dkey))
end

-- How many members there are, nil where nobody has said so yet.
local function size()
    local header = redis.call('GET', skey)
    return header and tonumber(header) + tonumber(redis.call('GET', tkey) or 0)
end

local function is_done()
    return redis.call('GET', ckey) == 'done'
end

-- When to look at an open chord: at its deadline, and now and then, since it may have been ended by a worker on Celery's
-- own backend, which knows nothing of .b and the set.
local LOOK_S = 600
local function look_again(deadline)
    local at = now + LOOK_S
    if deadline and deadline ~= 'inf' then
        at = math.min(at, tonumber(deadline))
    end
    redis.call('ZADD', index, at, chord_id)
end

-- Whether a worker on Celery's own backend has ended the chord: Celery's keys are gone, and had been there.
local function is_ended_elsewhere()
    return redis.call('EXISTS', jkey, skey) == 0 and redis.call('HEXISTS', bkey, 'sized') == 1
end

-- Remove what is kept of the chord but for the marks: that it is over, what began it, and which run it was.
local function forget(keep_s)
    local kept = redis.call('HMGET', bkey, 'origin', 'run')
    redis.call('DEL', jkey, tkey, skey, dkey, bkey)
    for number, field in ipairs({'origin', 'run'}) do
        if kept[number] then
            redis.call('HSET', bkey, field, kept[number])
            redis.call('EXPIRE', bkey, keep_s)
        end
    end
    redis.call('SET', ckey, 'done', 'EX', keep_s)
    redis.call('ZREM', index, chord_id)
end

-- Celery's own backend gives its keys a time to live, which a long chord outlives (celery/celery#4642).
local function keep()
    for _, key in ipairs({jkey, tkey, skey, dkey, bkey}) do
        redis.call('PERSIST', key)
    end
end

-- Give the claim to token, if nobody has it and no body has begun to run: {1, document, whether somebody had it before},
-- else {0}. Asked twice, since the first answer was lost, it answers the same.
local function take(token, lease_ms)
    local claims
    if redis.call('GET', ckey) == token then
        claims = tonumber(redis.call('HGET', bkey, 'claims'))
    elseif redis.call('EXISTS', rkey) == 0 and redis.call('SET', ckey, token, 'NX', 'PX', lease_ms) then
        claims = redis.call('HINCRBY', bkey, 'claims', 1)
        redis.call('HSET', bkey, 'token', token)
    else
        return {0}
    end
    redis.call('ZADD', index, now + lease_ms / 1000, chord_id)
    return {1, redis.call('HGET', bkey, 'document'), claims > 1 and 1 or 0}
end

-- Whether a claim is token's: it holds the lease, or was the last that did, and nobody has taken over. The claim of a
-- chord that was begun anew is nobody's.
local function is_mine(holder, token)
    return holder == token or not holder and redis.call('HGET', bkey, 'token') == token
end

