-- Puts pieces that were drawn elsewhere into one part of an item.
--
-- KEYS[1]  item (see flash_claim.lua)
-- ARGV     pieces, gen
-- Returns  1 when they were added, 0 when a rebuild has counted them meanwhile.
local free, gen = unpack(redis.call('HMGET', KEYS[1], 'free', 'gen'))
if not free or gen ~= ARGV[2] then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'free', ARGV[1])
return 1
