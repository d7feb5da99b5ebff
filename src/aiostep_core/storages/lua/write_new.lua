-- Put a record where there is none.
-- KEYS: record, log, agenda
-- ARGV: name, time to live in milliseconds or '', due time or '', then field, value, ...
-- Returns 1 if the record there has these fields now, 0 if it has others.
if redis.call('EXISTS', KEYS[1]) == 0 then
  replace(KEYS, ARGV)
  return 1
end
local wanted, count = {}, 0
for i = 4, #ARGV, 2 do
  wanted[ARGV[i]], count = ARGV[i + 1], count + 1
end
local there = redis.call('HGETALL', KEYS[1])
for i = 1, #there, 2 do
  if there[i] ~= DUE and there[i] ~= REVISION then
    if wanted[there[i]] ~= there[i + 1] then return 0 end
    count = count - 1
  end
end
return count == 0 and 1 or 0
