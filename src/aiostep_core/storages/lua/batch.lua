-- Carry out a batch of operations. `carry_out(name, KEYS, ARGV)` stands in front of this: it is all of them.
-- An operation that fails does not keep the others from being carried out.
--
-- KEYS: the sender's note (lone.lua says what it is), then the keys of each operation
-- ARGV: number or '' (nothing has to be noted), how long to keep the note in milliseconds,
--       then for each operation its name, how many keys it has, how many arguments, and these
-- Returns for each operation a list with its answer, or with nothing and the error.
local number, note, before = ARGV[1], KEYS[1], {}
local noted = number ~= '' and redis.call('GET', note)
if noted and noted:sub(1, #number) > number then return redis.error_reply(OVERTAKEN) end
if noted and noted:sub(1, #number) == number then before = cmsgpack.unpack(noted:sub(#number + 1)) end

local AGAIN = false -- noted of what only reads, or has failed
local answers, told = {}, {}
local key, argument = 2, 3
while argument <= #ARGV do
  local name, key_count, count = ARGV[argument], tonumber(ARGV[argument + 1]), tonumber(ARGV[argument + 2])
  local keys, arguments = { unpack(KEYS, key, key + key_count - 1) }, {}
  for i = 1, count do arguments[i] = ARGV[argument + 2 + i] end
  key, argument = key + key_count, argument + 3 + count

  local ok, answer, instead = true, before[#answers + 1], nil
  if answer == MERGED then
    answer, instead = { redis.call('HGETALL', keys[1]) }, MERGED
  elseif not answer then
    ok, answer, instead = pcall(carry_out, name, keys, arguments)
  end
  answers[#answers + 1] = ok and { answer } or { false, type(answer) == 'table' and answer.err or tostring(answer) }
  told[#told + 1] = ok and (instead or type(answer) == 'number' and answer or name == 'take' and answer) or AGAIN
end
if number ~= '' then redis.pcall('SET', note, number .. cmsgpack.pack(told), 'PX', ARGV[2]) end
return answers
