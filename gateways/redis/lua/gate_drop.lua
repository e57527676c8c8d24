-- Drops a count that is wrong; the next hold has it read from PostgreSQL. Holds stay.
--
-- KEYS[1]  gate:{sku:<id>} (see gate_hold.lua)
-- ARGV     time to live of the key (ms)
redis.call('HDEL', KEYS[1], 'free', 'suspect')
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
