-- A flight has ended with an outcome: core.flights.Flights.finish.
--
-- ARGV[4]  token   ARGV[5]  for whom it is kept: waiting | returning | unclaimed | cache   ARGV[6]  for how long, us
-- ARGV[7]  the same, ms   ARGV[8]  ids of the leader's calls   ARGV[9]  outcome
-- Result   nothing for one who leads no more, or a list of the processes that wait, with an empty text first
-- Atomic because whoever begins meanwhile must either be told or find the outcome.

local keep = ARGV[5]
local leader, ids = unpack(redis.call('HMGET', FLIGHT, 'token', 'ids'))
if leader ~= ARGV[4] then
  return {}
end
local processes = waiting()
redis.call('HDEL', FLIGHT, 'token', 'until')
if keep == 'waiting' then
  redis.call('HDEL', FLIGHT, 'ids')
else
  ids = remember(ids or ' ', ARGV[8])
end
if #processes > 0 or keep == 'unclaimed' or keep == 'cache' or (keep == 'returning' and #ids > 1) then
  redis.call('HSET', FLIGHT, 'outcome', ARGV[9], 'keep', keep, 'until', string.format('%.0f', now + tonumber(ARGV[6])))
  redis.call('PEXPIRE', FLIGHT, ARGV[7])
else
  redis.call('DEL', FLIGHT)
end
table.insert(processes, 1, '')
return processes
