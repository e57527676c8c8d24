-- Reads one SKU's count, after dropping what is overdue if the caller mends.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     now (ms), time to live of the key (ms): 0 changes nothing
-- Returns  {} when the count is unknown, otherwise {free, held in flight, version}
local key, now, mends = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]) > 0
local held, overdue = 0, false
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  local quantity, deadline = string.match(fields[i + 1], '^(%d+):(%d+):%d+$')
  if quantity and mends and tonumber(deadline) <= now then
    redis.call('HDEL', key, fields[i])
    overdue = true
  elseif quantity then
    held = held + tonumber(quantity)
  end
end
if overdue then
  redis.call('HDEL', key, 'free', 'suspect')
  redis.call('HINCRBY', key, 'version', 1)
  redis.call('PEXPIRE', key, ARGV[2])
end
local free = redis.call('HGET', key, 'free')
if not free then
  return {}
end
return {tonumber(free), held, tonumber(redis.call('HGET', key, 'version') or '0')}
