-- Carry out a batch of operations, all or none of them seen by others; it stands behind them in the script.
--
-- A batch that writes has a number, which only grows for one sender. What its operations answered is noted, so that
-- a batch that arrives again, because its answer was lost, is answered again without being carried out again.
-- A batch that was overtaken by a later one (its sender gave up on the connection) is not carried out at all.
-- An operation that fails does not keep the others from being carried out.
--
-- KEYS: the sender's note, then the keys of each operation
-- ARGV: number or '' (nothing is written), how long to keep the note in milliseconds,
--       then for each operation its name, how many keys it has, how many arguments, and these
-- Returns for each operation a list with its answer, or with nothing and the error.
local number, note, before = ARGV[1], KEYS[1], {}
if number ~= '' then
  local noted = redis.call('GET', note)
  local last, answers = unpack(noted and cmsgpack.unpack(noted) or {})
  if last == number then
    before = answers
  elseif last and tonumber(last) > tonumber(number) then
    return redis.error_reply('STALE a later batch of this sender has been carried out')
  end
end

local AGAIN = false -- in the note: carry it out again, it only reads or has failed
local answers, noted = {}, {}
local key, argument = 2, 3
while argument <= #ARGV do
  local name, key_count, count = ARGV[argument], tonumber(ARGV[argument + 1]), tonumber(ARGV[argument + 2])
  local keys, arguments = {}, {}
  for i = 1, key_count do keys[i] = KEYS[key + i - 1] end
  for i = 1, count do arguments[i] = ARGV[argument + 2 + i] end
  key, argument = key + key_count, argument + 3 + count

  local ok, answer = true, before[#answers + 1]
  if answer == 'merged' then
    ok, answer = pcall(operations.read, { keys[1] }, {})
  elseif not answer then
    ok, answer = pcall(operations[name], keys, arguments)
  end
  if not ok then
    noted[#noted + 1] = AGAIN
    answers[#answers + 1] = { false, type(answer) == 'table' and answer.err or tostring(answer) }
  else
    noted[#noted + 1] = type(answer) == 'number' and answer or name == 'take' and answer or name == 'merge' and 'merged'
    answers[#answers + 1] = { answer }
  end
end
if number ~= '' then redis.pcall('SET', note, cmsgpack.pack({ number, noted }), 'PX', ARGV[2]) end
return answers
