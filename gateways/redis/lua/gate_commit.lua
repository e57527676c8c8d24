-- Ends a hold whose reservation PostgreSQL has committed: the pieces stay taken.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     hold id, time to live of the key (ms)
-- Returns  1 when the count stands, 0 when it was dropped.
local key, field = KEYS[1], 'hold:' .. ARGV[1]
local known = redis.call('HGET', key, field)
if known then
  redis.call('HDEL', key, field)
  if redis.call('HEXISTS', key, 'free') == 1 then
    if string.match(known, '^%d+:%d+:(%d+)$') ~= redis.call('HGET', key, 'version') then
      -- PostgreSQL was read while this hold was in flight: had it committed by then, the pieces
      -- were taken off twice. gate_hold looks again before it refuses anybody.
      redis.call('HSET', key, 'suspect', 1)
    end
    return 1
  end
end
-- The count is being read right now, or this hold was lost with an earlier count: a reading may
-- have missed the reservation.
redis.call('HDEL', key, 'free', 'suspect')
redis.call('HINCRBY', key, 'version', 1)
redis.call('PEXPIRE', key, ARGV[2])
return 0
