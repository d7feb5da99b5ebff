-- Read a record with its log.
-- KEYS: record, log
-- ARGV: none
-- Returns a list of field, value, ..., and a list of entries; both empty if there is no such record.
local fields = redis.call('HGETALL', KEYS[1])
return { fields, #fields > 0 and redis.call('LRANGE', KEYS[2], 0, -1) or {} }
