-- Read records that were come across, with the time they have left.
-- KEYS: a record each
-- ARGV: none
-- Returns for each record its time to live in milliseconds (-1: no end) and a list of field, value, ...
local found = {}
for i = 1, #KEYS do found[i] = { redis.call('PTTL', KEYS[i]), redis.call('HGETALL', KEYS[i]) } end
return found
