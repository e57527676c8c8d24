-- Sets numbers of members in a hash: their levels, or their quotas for a rebuild.
--
-- KEYS[1]  level (see flash_claim.lua), or a hash that will take such a hash's place
-- ARGV     time to live (ms), then member and number of each; 0 forgets the member
-- Returns  how many members the hash knows.
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '0' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1])
