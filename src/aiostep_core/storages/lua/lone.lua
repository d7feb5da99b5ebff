-- Carry out one operation that must not be carried out twice. `carry_out(KEYS, ARGV)` stands in front of this.
--
-- What a sender sends has a number, which only grows. What it was answered last is noted. So what arrives again,
-- because the answer was lost, is answered again without being carried out again; and what was overtaken by
-- something later, because the sender gave up on the connection, is not carried out at all.
--
-- KEYS: those of the operation, then the sender's note: number and answer
-- ARGV: those of the operation, then the number in 16 digits, and how long to keep the note in milliseconds
-- Returns what the operation does.
local note = table.remove(KEYS)
local milliseconds = table.remove(ARGV)
local number = table.remove(ARGV)
local noted = redis.call('GET', note)
if noted and noted:sub(1, #number) > number then return redis.error_reply(OVERTAKEN) end
if noted and noted:sub(1, #number) == number then
  local answer = cmsgpack.unpack(noted:sub(#number + 1))
  return answer == MERGED and { redis.call('HGETALL', KEYS[1]) } or answer
end
local answer, instead = carry_out(KEYS, ARGV)
redis.pcall('SET', note, number .. cmsgpack.pack(instead or answer), 'PX', milliseconds)
return answer
