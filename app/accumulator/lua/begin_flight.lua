-- Ask a question that somebody else may be asking already: core.flights.Flights.begin.
--
-- ARGV[4]  token   ARGV[5]  process   ARGV[6]  ids of its calls   ARGV[7]  lease, us   ARGV[8]  time to live, ms
-- Result   {mine} | {theirs, time left of the lease, us} | {finished, flight | retry | cache, outcome}
-- Atomic because of two that begin at once one has to lead, and who waits has to be known before the flight can end.

local token, asked = ARGV[4], ARGV[6]
local leader, ends, outcome, keep, waits, ids, waited = unpack(
  redis.call('HMGET', FLIGHT, 'token', 'until', 'outcome', 'keep', 'waits', 'ids', 'w:' .. token))
local left = (tonumber(ends or nil) or 0) - now
ids = ids or ' '
if left > 0 and outcome then
  local others = tonumber(waits or 0) - (waited and 1 or 0)
  local how = (waited and 'flight') or ((is_among(ids, asked) or keep == 'unclaimed') and 'retry')
    or (keep == 'cache' and 'cache') or (others > 0 and 'flight')
  if how then
    wait_no_longer(token)
    if keep == 'returning' then
      ids = remember(ids, asked)
    end
    if others == 0 and keep ~= 'unclaimed' and keep ~= 'cache' and #ids == 1 then
      redis.call('DEL', FLIGHT)
    end
    return {'finished', how, outcome}
  end
elseif left > 0 and leader ~= token then
  if redis.call('HSET', FLIGHT, 'w:' .. token, ARGV[5]) == 1 then
    redis.call('HINCRBY', FLIGHT, 'waits', 1)
  end
  remember(ids, asked)
  return {'theirs', left}
end
if outcome then
  redis.call('DEL', FLIGHT)
  ids = ' '
end
redis.call('HSET', FLIGHT, 'token', token, 'until', string.format('%.0f', now + tonumber(ARGV[7])))
wait_no_longer(token)
remember(ids, asked)
redis.call('PEXPIRE', FLIGHT, ARGV[8])
return {'mine'}
