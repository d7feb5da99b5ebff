-- Remove a record, if its fields have these values.
-- KEYS: record, log, agenda
-- ARGV: name, then field, value, ...
-- Returns 1 if it was removed, else 0.
for i = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
drop(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return 1
