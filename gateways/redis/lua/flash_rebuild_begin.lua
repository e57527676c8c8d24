-- First half of a rebuild: stops the claims of one part of an item and adds up its open tickets.
--
-- KEYS     item, open (see flash_claim.lua)
-- ARGV     stamp from before PostgreSQL was read, name of this rebuild, time to live of the part
--          unless the second half follows (ms), claims that PostgreSQL has decided...
-- Returns  {} when something moved since the stamp, otherwise {stamp for the second half, pieces}
local item, open = KEYS[1], KEYS[2]
local moves = redis.call('HGET', item, 'moves') or '0'
if (redis.call('HGET', item, 'gen') or '') .. ':' .. moves ~= ARGV[1] then
  return {}
end
for i = 4, #ARGV do
  redis.call('HDEL', open, ARGV[i])
end
redis.call('HDEL', item, 'free')
redis.call('HSET', item, 'gen', ARGV[2])
if redis.call('PTTL', item) == -1 then
  redis.call('PEXPIRE', item, ARGV[3])
end
local pieces = 0
for _, record in ipairs(redis.call('HVALS', open)) do
  pieces = pieces + tonumber(string.match(record, '^(%d+):'))
end
return {ARGV[2] .. ':' .. moves, pieces}
