-- Takes decided tickets off the queue; only those that still hold pieces move a count.
--
-- KEYS     item, quota, open, tickets (see flash_claim.lua)
-- ARGV     group, time to live of an item that is unknown (ms), then for each ticket: its entry (''
--          without one), claim, and SOLD, BACK (its pieces can be claimed again) or GONE (there are
--          no such pieces)
-- Returns  how many tickets held pieces.
local item, quota, open, tickets = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local counted, ended = redis.call('HEXISTS', item, 'free') == 1, 0
for i = 3, #ARGV, 3 do
  local entry, claim, outcome = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if entry ~= '' then
    redis.call('XACK', tickets, ARGV[1], entry)
    redis.call('XDEL', tickets, entry)
  end
  -- After a loss, or when this is told twice, there is no record, and the counts know already.
  local record = redis.call('HGET', open, claim)
  if record then
    local pieces, member = string.match(record, '^(%d+):(%x+):')
    redis.call('HDEL', open, claim)
    redis.call('HINCRBY', item, 'open', -pieces)
    if outcome ~= 'SOLD' then
      local had = tonumber(redis.call('HGET', quota, member) or 0)
      redis.call('HSET', quota, member, math.max(0, had - pieces))
    end
    if outcome == 'BACK' and counted then
      redis.call('HINCRBY', item, 'free', pieces)
    end
    ended = ended + 1
  end
end
if ended > 0 then
  redis.call('HINCRBY', item, 'moves', 1)
  if redis.call('PTTL', item) == -1 then
    redis.call('PEXPIRE', item, ARGV[2])
  end
end
return ended
