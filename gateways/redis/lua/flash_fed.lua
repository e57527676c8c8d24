-- Lets levels that are complete take the place of the old ones.
--
-- KEYS     level (see flash_claim.lua), the new levels
-- ARGV     time to live (ms)
-- Returns  how many members have a level.
redis.call('HSET', KEYS[2], '*', 1)
redis.call('RENAME', KEYS[2], KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1]) - 1
