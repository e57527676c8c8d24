-- Reads what a page shows of one part of an item.
--
-- KEYS     item, quota, mine (see flash_claim.lua)
-- ARGV     member, or '' for nobody
-- Returns  {} when the count is unknown, otherwise {free, the member's pieces, their last ticket},
--          without a ticket {free, pieces}
local free = redis.call('HGET', KEYS[1], 'free')
if not free then
  return {}
end
if ARGV[1] == '' then
  return {tonumber(free), 0}
end
local pieces = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
return {tonumber(free), pieces, redis.call('HGET', KEYS[3], ARGV[1]) or nil}
