-- Second half of a rebuild: sets what one part of an item has, and its claims go on.
--
-- KEYS     item, quota, open, mine (see flash_claim.lua), the new quotas: PostgreSQL's
-- ARGV     stamp from the first half, free, buckets, version, starts, ends, closed, limit, level,
--          early, when all of it is forgotten (ms)
-- Returns  1 when it is done, 0 when something moved since the first half.
local item, quota, open = KEYS[1], KEYS[2], KEYS[3]
local gen, moves = unpack(redis.call('HMGET', item, 'gen', 'moves'))
if (gen or '') .. ':' .. (moves or '0') ~= ARGV[1] then
  redis.call('DEL', KEYS[5])
  return 0
end
redis.call('DEL', quota)
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('RENAME', KEYS[5], quota)
end
local undecided = 0
for _, record in ipairs(redis.call('HVALS', open)) do
  local pieces, member = string.match(record, '^(%d+):(%x+):')
  redis.call('HINCRBY', quota, member, pieces)
  undecided = undecided + tonumber(pieces)
end
redis.call('HSET', item, 'free', ARGV[2], 'open', undecided, 'buckets', ARGV[3],
  'conf', ARGV[4], 'starts', ARGV[5], 'ends', ARGV[6], 'closed', ARGV[7], 'limit', ARGV[8],
  'level', ARGV[9], 'early', ARGV[10])
for i = 1, 4 do
  redis.call('PEXPIREAT', KEYS[i], ARGV[11])
end
return 1
