-- Takes a hold on one SKU's count, once per hold id.
--
-- KEYS[1]  gate:{sku:<id>}, a hash:
--            free       pieces that nobody holds; absent: unknown, PostgreSQL has to be asked
--            version    grows with each reading of PostgreSQL, and with what such a reading may miss
--            suspect    set when `free` may be too low
--            hold:<id>  "<quantity>:<deadline>:<version>" of a hold in flight
-- ARGV     hold id, quantity, deadline (ms), now (ms), time to live of the key (ms)
-- Returns  {"HELD"}, {"SHARED"} (an earlier call of the same id holds), {"REFUSED", pieces left}
--          or {"MISSING", version} (ask PostgreSQL, then gate_rebuild).
local key, field = KEYS[1], 'hold:' .. ARGV[1]
local quantity, now = tonumber(ARGV[2]), tonumber(ARGV[4])

local known = redis.call('HGET', key, field)
if known then
  local held, _, version = string.match(known, '^(%d+):(%d+):(%d+)$')
  -- A retry has its own time to finish; the pieces are those of the first call.
  redis.call('HSET', key, field, held .. ':' .. ARGV[3] .. ':' .. version)
  return {'SHARED'}
end

local free = tonumber(redis.call('HGET', key, 'free') or nil)
if free and free < quantity then
  -- Only who would be refused pays for a look at the holds. Whether an overdue hold's order was
  -- made is known to PostgreSQL alone, so the count is read anew rather than guessed.
  local overdue, in_flight = 0, 0
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local deadline = string.match(fields[i + 1], '^%d+:(%d+):%d+$')
    if deadline and tonumber(deadline) <= now then
      redis.call('HDEL', key, fields[i])
      overdue = overdue + 1
    elseif deadline then
      in_flight = in_flight + 1
    end
  end
  local doubtful = in_flight == 0 and redis.call('HEXISTS', key, 'suspect') == 1
  if overdue == 0 and not doubtful then
    return {'REFUSED', free}
  end
  redis.call('HDEL', key, 'free', 'suspect')
  redis.call('HINCRBY', key, 'version', 1)
  free = nil
end
local version = redis.call('HGET', key, 'version') or '0'
if not free then
  return {'MISSING', tonumber(version)}
end

redis.call('HINCRBY', key, 'free', -quantity)
redis.call('HSET', key, field, ARGV[2] .. ':' .. ARGV[3] .. ':' .. version)
redis.call('PEXPIRE', key, ARGV[5])
return {'HELD'}
