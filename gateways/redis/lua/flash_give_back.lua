-- Makes pieces claimable again that a member had: their order was cancelled.
--
-- KEYS     item, quota (see flash_claim.lua)
-- ARGV     member, pieces, time to live of an item that is unknown (ms)
-- Returns  1 when the count was raised, 0 when it is unknown and will be read from PostgreSQL.
local item, quota, member = KEYS[1], KEYS[2], ARGV[1]
-- A rebuild under way may have read PostgreSQL before the pieces came back.
redis.call('HINCRBY', item, 'moves', 1)
if redis.call('PTTL', item) == -1 then
  redis.call('PEXPIRE', item, ARGV[3])
end
if redis.call('HEXISTS', item, 'free') == 0 then
  return 0
end
redis.call('HINCRBY', item, 'free', ARGV[2])
local had = tonumber(redis.call('HGET', quota, member) or 0)
if had > 0 then
  redis.call('HSET', quota, member, math.max(0, had - tonumber(ARGV[2])))
end
return 1
