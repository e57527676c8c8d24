-- Deletes a key that still holds the value the caller knows: nobody else's newer one.
--
-- KEYS[1]  any key
-- ARGV     the value
-- Returns  1 when it was deleted, 0 otherwise.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
