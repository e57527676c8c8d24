-- Tells whether a shard knows who has which tier.
--
-- KEYS[1]  level (see flash_claim.lua)
-- ARGV     none
-- Returns  1 or 0.
return redis.call('HEXISTS', KEYS[1], '*')
