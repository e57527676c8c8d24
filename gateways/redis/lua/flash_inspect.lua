-- Reads one part of an item for the comparison with PostgreSQL.
--
-- KEYS     item, open, tickets (see flash_claim.lua)
-- ARGV     claims before this (ms) are looked for in the queue, at most so many
-- Returns  {} when the count is unknown, otherwise {free, open, gen, moves, version}, then claim and
--          record of each that is in no queue
local free, undecided, gen, moves, version = unpack(redis.call('HMGET', KEYS[1],
  'free', 'open', 'gen', 'moves', 'conf'))
if not free then
  return {}
end
local reply = {tonumber(free), tonumber(undecided), gen, moves or '0', tonumber(version)}
local looked, fields = 0, redis.call('HGETALL', KEYS[2])
for i = 1, #fields, 2 do
  local claimed, entry = string.match(fields[i + 1], ':(%d+):([^:]+)$')
  if tonumber(claimed) < tonumber(ARGV[1]) and looked < tonumber(ARGV[2]) then
    looked = looked + 1
    if #redis.call('XRANGE', KEYS[3], entry, entry) == 0 then
      table.insert(reply, fields[i])
      table.insert(reply, fields[i + 1])
    end
  end
end
return reply
