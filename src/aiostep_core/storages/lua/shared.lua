-- What the operations have in common; it stands in front of them in the script that is sent (redis_scripts.py).
--
-- A record is a hash of its fields. Its due time and its journal's revision are fields too, under names that no
-- text encodes to. The log of a journal is a list beside it, the agenda of a kind a sorted set of names by due time.

local DUE, REVISION = '\255due', '\255revision'

local MERGED = 'merged' -- noted of a merge: what to answer can be read

local BITE = 4000 -- unpack puts its values on a stack of some 8,000

-- Call `command key value...` with ARGV[from..to], in bites.
local function push(command, key, values, from, to)
  for first = from, to, BITE do
    redis.call(command, key, unpack(values, first, math.min(first + BITE - 1, to)))
  end
end

local OVERTAKEN = 'STALE something later of this sender has been carried out'

-- The record goes first: its log may outlive it by a moment, never the other way round.
local function expire(ttl, record, log)
  redis.call('PEXPIRE', record, ttl)
  redis.call('PEXPIRE', log, ttl)
end

-- Put a record in an agenda at its due time ('' is none), or take it out.
local function schedule(record, agenda, name, due)
  if due ~= '' then
    redis.call('HSET', record, DUE, due)
    redis.call('ZADD', agenda, due, name)
  elseif redis.call('HDEL', record, DUE) == 1 then
    redis.call('ZREM', agenda, name)
  end
end

-- Remove a record with all that belongs to it.
local function drop(record, log, agenda, name)
  schedule(record, agenda, name, '')
  redis.call('DEL', record, log)
end

-- The same arguments as write.lua. What is there is not deleted first: a full server refuses only the first write of a
-- script and would not refuse that; and it costs less, as mostly the fields are the same.
local function replace(KEYS, ARGV)
  local record, log, agenda, name, ttl, due = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
  if #ARGV == 3 then return drop(record, log, agenda, name) end
  local there, wanted, gone = redis.call('HKEYS', record), {}, {}
  push('HSET', record, ARGV, 4, #ARGV)
  for i = 4, #ARGV, 2 do wanted[ARGV[i]] = true end
  for i = 1, #there do
    local field = there[i]
    if field == DUE then
      if due == '' then schedule(record, agenda, name, due) end
    elseif not wanted[field] then
      gone[#gone + 1] = field
      if field == REVISION then redis.call('DEL', log) end
    end
  end
  push('HDEL', record, gone, 1, #gone)
  if due ~= '' then schedule(record, agenda, name, due) end
  if ttl ~= '' then
    redis.call('PEXPIRE', record, ttl)
  elseif #there > 0 then
    redis.call('PERSIST', record)
  end
end
