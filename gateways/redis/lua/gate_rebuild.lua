-- Sets a missing count to what PostgreSQL has, less the holds in flight.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     available in PostgreSQL, the version seen before PostgreSQL was asked, now (ms),
--          time to live of the key (ms)
-- Returns  1 when the count stands (this one's or another's), 0 when it must be read again.
local key, now = KEYS[1], tonumber(ARGV[3])
if redis.call('HEXISTS', key, 'free') == 1 then
  return 1
end
if (redis.call('HGET', key, 'version') or '0') ~= ARGV[2] then
  return 0
end
local free = tonumber(ARGV[1])
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  local held, deadline = string.match(fields[i + 1], '^(%d+):(%d+):%d+$')
  if held and tonumber(deadline) <= now then
    redis.call('HDEL', key, fields[i])
  elseif held then
    free = free - tonumber(held)
  end
end
-- It may fall below zero: a hold whose reservation has just committed is taken off twice.
redis.call('HSET', key, 'free', free)
redis.call('HINCRBY', key, 'version', 1)
redis.call('PEXPIRE', key, ARGV[4])
return 1
