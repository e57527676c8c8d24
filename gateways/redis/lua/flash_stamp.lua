-- Reads what a rebuild has to know before PostgreSQL is asked.
--
-- KEYS     item, open (see flash_claim.lua)
-- ARGV     none
-- Returns  {stamp: what must not have changed afterwards, 1 if the count is known, gen, claims...}
local gen = redis.call('HGET', KEYS[1], 'gen') or ''
local stamp = gen .. ':' .. (redis.call('HGET', KEYS[1], 'moves') or '0')
local reply = {stamp, redis.call('HEXISTS', KEYS[1], 'free'), gen}
for _, claim in ipairs(redis.call('HKEYS', KEYS[2])) do
  table.insert(reply, claim)
end
return reply
