-- Remove a record, if its fields have these values, and read what it was.
-- KEYS: record, log, agenda
-- ARGV: name, then field, value, ...
-- Returns a list with a list of field, value, ..., as read.lua does; an empty one if it was not removed.
for i = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return { {} } end
end
local fields = redis.call('HGETALL', KEYS[1])
drop(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return { fields }
