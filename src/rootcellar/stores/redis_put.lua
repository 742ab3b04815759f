-- Stores one record; see redis_record.lua.
--
-- KEYS[1]  the record's key
-- ARGV     document, keep_s, rank, seen
return put_record(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
