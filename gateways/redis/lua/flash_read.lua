-- Hands tickets of a queue to a consumer; the queue's group is made when it is missing.
--
-- KEYS[1]  tickets (see flash_claim.lua); it has no time to live: what is in it was promised
-- ARGV     group, consumer, at most so many, and tickets that another has had for so many ms are
--          handed over (0: none)
-- Returns  {entry, fields} of each
local tickets, most = KEYS[1], tonumber(ARGV[3])

local function left_behind()
  if ARGV[4] == '0' then
    return {}
  end
  return redis.pcall('XAUTOCLAIM', tickets, ARGV[1], ARGV[2], ARGV[4], '0-0', 'COUNT', most)
end

local found = left_behind()
if found.err then
  redis.call('XGROUP', 'CREATE', tickets, ARGV[1], '0', 'MKSTREAM')
  found = {}
end
local entries = {}
for _, entry in ipairs(found[2] or {}) do
  -- Before Redis 7 an entry that was taken off the queue comes without its fields.
  if entry and entry[2] then
    table.insert(entries, entry)
  end
end
if #entries < most then
  local read = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most - #entries,
    'STREAMS', tickets, '>')
  if read and read.err then
    redis.call('XGROUP', 'CREATE', tickets, ARGV[1], '0', 'MKSTREAM')
    read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most - #entries,
      'STREAMS', tickets, '>')
  end
  for _, entry in ipairs(read and read[1] and read[1][2] or {}) do
    table.insert(entries, entry)
  end
end
return entries
