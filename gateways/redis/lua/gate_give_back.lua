-- Adds pieces that PostgreSQL has made available again: an order cancelled, a delivery.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     quantity, time to live of the key (ms)
-- Returns  1 when the count was raised, 0 when it is unknown and will be read anew.
local key = KEYS[1]
if redis.call('HEXISTS', key, 'free') == 1 then
  redis.call('HINCRBY', key, 'free', tonumber(ARGV[1]))
  return 1
end
-- A rebuild under way may have read PostgreSQL before the pieces came back.
redis.call('HINCRBY', key, 'version', 1)
redis.call('PEXPIRE', key, ARGV[2])
return 0
