-- Read what an agenda has until a time, the soonest first.
-- The keys of records are to be declared before it is known which records those are. So the caller names those that
-- it expects, is told the names of all, and asks again with these if it did not know them.
-- KEYS: agenda, then the records that are expected
-- ARGV: until when, how many at most, then the names of the records that are expected
-- Returns for each its name, its due time, its time to live in milliseconds and a list of field, value, ...;
-- only name and due time if it was not expected.
local agenda, expected = KEYS[1], {}
for i = 3, #ARGV do
  local name, record = ARGV[i], KEYS[i - 1]
  local at, due = redis.call('ZSCORE', agenda, name), redis.call('HGET', record, DUE)
  if at and not (due and tonumber(due) == tonumber(at)) then
    redis.call('ZREM', agenda, name) -- it expired, or was written anew since
  end
  expected[name] = record
end
local found = redis.call('ZRANGEBYSCORE', agenda, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local records = {}
for i = 1, #found, 2 do
  local record = expected[found[i]]
  records[#records + 1] = record
    and { found[i], found[i + 1], redis.call('PTTL', record), redis.call('HGETALL', record) }
    or { found[i], found[i + 1] }
end
return records
