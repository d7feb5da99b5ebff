-- What lone.lua does, for an operation that only writes, and stands behind this: what it answers need not be noted, so
-- the note can be written first, by the command that reads what was noted before. A full server refuses that, as it
-- would the operation.
--
-- KEYS, ARGV: as for lone.lua
-- Returns, if the operation was carried out before, what merge.lua does, as the record is there.
local note = table.remove(KEYS)
local milliseconds = table.remove(ARGV)
local number = table.remove(ARGV)
local noted = redis.call('SET', note, number, 'PX', milliseconds, 'GET')
if noted and noted:sub(1, #number) >= number then
  redis.call('SET', note, noted, 'PX', milliseconds) -- as it was
  if noted:sub(1, #number) > number then return redis.error_reply(OVERTAKEN) end
  return { redis.call('HGETALL', KEYS[1]) }
end
