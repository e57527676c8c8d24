-- Reads over how many parts an item is spread.
--
-- KEYS[1]  item, its first part (see flash_claim.lua)
-- ARGV     none
-- Returns  the number, 0 when the item is unknown.
return tonumber(redis.call('HGET', KEYS[1], 'buckets') or 0)
