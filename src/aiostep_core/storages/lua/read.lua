-- Read records as they are at one moment.
-- KEYS: a record each
-- ARGV: none
-- Returns a list of field, value, ... for each record; an empty one where there is none.
local records = {}
for i = 1, #KEYS do records[i] = redis.call('HGETALL', KEYS[i]) end
return records
