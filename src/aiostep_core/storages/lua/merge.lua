-- Put fields into a record, which need not exist. Without a time to live it keeps the one it has.
-- KEYS: record, log
-- ARGV: time to live in milliseconds or '', then field, value, ...
-- Returns a list with a list of field, value, ... of all its fields then, as read.lua does.
push('HSET', KEYS[1], ARGV, 2, #ARGV)
if ARGV[1] ~= '' then expire(ARGV[1], KEYS[1], KEYS[2]) end
return { redis.call('HGETALL', KEYS[1]) }, MERGED
