-- Tells whether a claim's ticket waits to be decided.
--
-- KEYS[1]  open (see flash_claim.lua)
-- ARGV     claim
-- Returns  1 or 0.
return redis.call('HEXISTS', KEYS[1], ARGV[1])
