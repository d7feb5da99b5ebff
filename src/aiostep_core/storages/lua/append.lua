-- Append to a journal, if it is at a revision. The time to live and the due time take the place of those it had.
-- KEYS: record, log, agenda
-- ARGV: name, revision or '', how many entries to keep or '', time to live in milliseconds or '', due time or '',
--       the number of arguments that are field, value, ..., these, then entries
-- Returns the new revision, or 0 if it is at another one.
local record, log = KEYS[1], KEYS[2]
local at = tonumber(redis.call('HGET', record, REVISION) or 0)
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= at then return 0 end

redis.call('HSET', record, REVISION, at + 1) -- first, because a full server refuses it, and would not refuse DEL
-- A record that was written has no log, and the log of one that expired may be there for a moment.
if at == 0 or ARGV[3] == '0' then
  redis.call('DEL', log)
elseif ARGV[3] ~= '' then
  redis.call('LTRIM', log, 0, ARGV[3] - 1)
end
local fields = 6 + ARGV[6]
push('RPUSH', log, ARGV, fields + 1, #ARGV)
push('HSET', record, ARGV, 7, fields)
schedule(record, KEYS[3], ARGV[1], ARGV[5])
if ARGV[4] ~= '' then
  expire(ARGV[4], record, log)
else
  redis.call('PERSIST', record)
  redis.call('PERSIST', log)
end
return at + 1
