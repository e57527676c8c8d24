-- Takes pieces out of one part of an item, for another part of the same count (see flash_fill.lua).
--
-- KEYS[1]  item (see flash_claim.lua)
-- ARGV     pieces wanted, gen
-- Returns  how many were taken.
local free, gen = unpack(redis.call('HMGET', KEYS[1], 'free', 'gen'))
if not free or gen ~= ARGV[2] then
  return 0
end
local taken = math.max(0, math.min(tonumber(free), tonumber(ARGV[1])))
if taken > 0 then
  redis.call('HINCRBY', KEYS[1], 'free', -taken)
end
return taken
