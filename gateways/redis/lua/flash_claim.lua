-- Takes pieces of a flash sale's item for a member and queues the ticket, once for each key.
--
-- KEYS[1]  {flash:<s>}:item:<item>, a hash:
--            free     pieces that can be claimed; absent: unknown, PostgreSQL has to be asked
--            open     pieces whose tickets nobody has decided
--            gen      the name of the rebuild that counted them
--            buckets  how many parts the item has, all told
--            moves    grows with what a rebuild under way may miss: decisions and give-backs
--            conf     version of the following: starts, ends (ms), closed (1: paused, cancelled),
--                     limit (pieces a member), level (least tier level),
--                     early (",<level>:<ms>," how long before `starts` it may claim)
-- KEYS[2]  {flash:<s>}:quota:<item>, a hash: member -> pieces
-- KEYS[3]  {flash:<s>}:open:<item>, a hash: claim -> "<pieces>:<member>:<claimed ms>:<entry>"
-- KEYS[4]  {flash:<s>}:key:<claim>: "<digest of the request>:<ticket>"
-- KEYS[5]  {flash:<s>}:mine:<item>, a hash: member -> their last ticket
-- KEYS[6]  {flash:<s>}:tickets, a stream
-- KEYS[7]  {flash:<s>}:level, a hash: member -> tier level above 0, or -1: blocked; "*": complete
-- KEYS[8]  {flash:<s>}:rate:m:<member>, KEYS[9] {flash:<s>}:rate:a:<address>: counters
-- ARGV     now (ms), member, pieces, claim, digest, ticket, time to live of the key (ms), at most so
--          many claims of a member (0: any number) in so many ms, the same of an address,
--          address id, delivery, store id
-- Returns  {"TICKET", ticket}, {"REUSED"}, {"SLOW", ms to wait}, {"MISSING"}, {"UNFED"},
--          {"BLOCKED"}, {"OVER"}, {"TIER"}, {"EARLY", own start (ms)}, {"LIMIT", pieces left to the
--          member} or {"SOLD", pieces left, gen}
local item, quota, open = KEYS[1], KEYS[2], KEYS[3]
local now, member, want, claim = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]

-- A repetition costs nothing and is never too often: it may be how a lost answer is found.
local known = redis.call('GET', KEYS[4])
if known then
  if string.sub(known, 1, 16) ~= ARGV[5] then
    return {'REUSED'}
  end
  return {'TICKET', string.sub(known, 18)}
end

for i = 0, 1 do
  local most, counter = tonumber(ARGV[8 + 2 * i]), KEYS[8 + i]
  if most > 0 then
    local times = redis.call('INCR', counter)
    if times == 1 then
      redis.call('PEXPIRE', counter, ARGV[9 + 2 * i])
    end
    if times > most then
      return {'SLOW', redis.call('PTTL', counter)}
    end
  end
end

local free, undecided, gen, starts, ends, closed, limit, least, early = unpack(redis.call('HMGET',
  item, 'free', 'open', 'gen', 'starts', 'ends', 'closed', 'limit', 'level', 'early'))
if not free then
  return {'MISSING'}
end
free, starts, least = tonumber(free), tonumber(starts), tonumber(least)

local level = redis.call('HGET', KEYS[7], member)
-- Only who would be turned away for their level has to wait until all levels are known.
if not level and (least > 0 or (now < starts and early ~= ','))
    and redis.call('HEXISTS', KEYS[7], '*') == 0 then
  return {'UNFED'}
end
level = tonumber(level or 0)
if level < 0 then
  return {'BLOCKED'}
end
if closed == '1' or now >= tonumber(ends) then
  return {'OVER'}
end
if level < least then
  return {'TIER'}
end
if now < starts then
  local own = starts - tonumber(string.match(early, ',' .. level .. ':(%d+),') or 0)
  if now < own then
    return {'EARLY', own}
  end
end
local had = tonumber(redis.call('HGET', quota, member) or 0)
if had + want > tonumber(limit) then
  return {'LIMIT', math.max(0, tonumber(limit) - had)}
end
if free < want then
  return {'SOLD', math.max(0, free), gen}
end

local entry = redis.call('XADD', KEYS[6], '*', 't', ARGV[6], 'x', ARGV[5],
  'a', ARGV[12], 'd', ARGV[13], 's', ARGV[14])
redis.call('HSET', item, 'free', free - want, 'open', tonumber(undecided) + want)
redis.call('HSET', quota, member, had + want)
redis.call('HSET', open, claim, want .. ':' .. member .. ':' .. ARGV[1] .. ':' .. entry)
redis.call('HSET', KEYS[5], member, ARGV[6])
redis.call('SET', KEYS[4], ARGV[5] .. ':' .. ARGV[6], 'PX', ARGV[7])
if redis.call('HLEN', open) == 1 then
  -- These hashes may have been made just now. They live as long as their item.
  local rest = math.max(1, redis.call('PTTL', item))
  redis.call('PEXPIRE', quota, rest)
  redis.call('PEXPIRE', open, rest)
  redis.call('PEXPIRE', KEYS[5], rest)
end
return {'TICKET', ARGV[6]}
