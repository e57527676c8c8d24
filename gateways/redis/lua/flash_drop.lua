-- Takes entries off a queue that nobody can read.
--
-- KEYS[1]  tickets (see flash_claim.lua)
-- ARGV     group, entries...
-- Returns  how many there were.
local dropped = 0
for i = 2, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  dropped = dropped + redis.call('XDEL', KEYS[1], ARGV[i])
end
return dropped
