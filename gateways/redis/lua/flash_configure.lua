-- Judges claims of one part of an item by a newer configuration.
--
-- KEYS     item, quota, open, mine (see flash_claim.lua)
-- ARGV     version, starts, ends, closed, limit, level, early, when all of it is forgotten (ms)
-- Returns  1 when this configuration or a newer one holds, 0 when the item is unknown.
local item = KEYS[1]
if redis.call('HEXISTS', item, 'free') == 0 then
  return 0
end
if tonumber(redis.call('HGET', item, 'conf')) < tonumber(ARGV[1]) then
  redis.call('HSET', item, 'conf', ARGV[1], 'starts', ARGV[2], 'ends', ARGV[3],
    'closed', ARGV[4], 'limit', ARGV[5], 'level', ARGV[6], 'early', ARGV[7])
  for i = 1, 4 do
    redis.call('PEXPIREAT', KEYS[i], ARGV[8])
  end
end
return 1
