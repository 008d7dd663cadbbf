-- Ask a question that somebody else may be asking already: core.flights.Flights.begin.
--
-- KEYS[13] flight:<key>
-- ARGV[4]  token   ARGV[5]  process   ARGV[6]  retry id, or empty   ARGV[7]  lease, us   ARGV[8]  time to live, ms
-- Result   {mine} | {theirs, time left of the lease, us} | {finished, flight | retry | cache, outcome}
-- Atomic because of two that begin at once one has to lead, and who waits has to be known before the flight can end.

local key, token, retry = KEYS[13], ARGV[4], ARGV[6]
local leader, ends, outcome, keep, waits, returns = unpack(
  redis.call('HMGET', key, 'token', 'until', 'outcome', 'keep', 'w:' .. token, 'r:' .. retry))
local left = (tonumber(ends or nil) or 0) - now
if left > 0 and outcome then
  local others, returning = 0, 0
  for _, name in ipairs(redis.call('HKEYS', key)) do
    local kind = string.sub(name, 1, 2)
    others = others + ((kind == 'w:' and name ~= 'w:' .. token) and 1 or 0)
    returning = returning + (kind == 'r:' and 1 or 0)
  end
  local how = (waits and 'flight') or (((retry ~= '' and returns) or keep == 'unclaimed') and 'retry')
    or (keep == 'cache' and 'cache') or (others > 0 and 'flight')
  if how then
    redis.call('HDEL', key, 'w:' .. token)
    if others + returning == 0 and keep ~= 'unclaimed' and keep ~= 'cache' then
      redis.call('DEL', key)
    end
    return {'finished', how, outcome}
  end
elseif left > 0 and leader ~= token then
  redis.call('HSET', key, 'w:' .. token, ARGV[5])
  if retry ~= '' then
    redis.call('HSET', key, 'r:' .. retry, '')
  end
  return {'theirs', left}
end
if outcome then
  redis.call('DEL', key)
end
redis.call('HSET', key, 'token', token, 'until', string.format('%.0f', now + tonumber(ARGV[7])))
redis.call('HDEL', key, 'w:' .. token)
if retry ~= '' then
  redis.call('HSET', key, 'r:' .. retry, '')
end
redis.call('PEXPIRE', key, ARGV[8])
return {'mine'}
