-- Ends a hold whose order was not made: the pieces are free again.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     hold id
-- Returns  1 when a hold was ended, 0 when there was none.
local key, field = KEYS[1], 'hold:' .. ARGV[1]
local known = redis.call('HGET', key, field)
if not known then
  return 0
end
redis.call('HDEL', key, field)
-- A rebuild leaves out what holds in flight have, so this is right whatever happened in between.
if redis.call('HEXISTS', key, 'free') == 1 then
  redis.call('HINCRBY', key, 'free', tonumber(string.match(known, '^(%d+):')))
end
return 1
