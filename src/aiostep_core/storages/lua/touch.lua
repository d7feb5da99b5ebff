-- Read a record, and give it a new time to live if it has one.
-- KEYS: record, log
-- ARGV: time to live in milliseconds
-- Returns a list with a list of field, value, ..., as read.lua does.
if redis.call('PTTL', KEYS[1]) >= 0 then expire(ARGV[1], KEYS[1], KEYS[2]) end
return { redis.call('HGETALL', KEYS[1]) }
