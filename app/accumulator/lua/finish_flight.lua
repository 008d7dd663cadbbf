-- A flight has ended with an outcome: core.flights.Flights.finish.
--
-- KEYS[13] flight:<key>
-- ARGV[4]  token   ARGV[5]  for whom it is kept: waiting | returning | unclaimed | cache   ARGV[6]  for how long, us
-- ARGV[7]  the same, ms   ARGV[8]  outcome
-- Result   nothing for one who leads no more, or a list of the processes that wait, with an empty text first
-- Atomic because whoever begins meanwhile must either be told or find the outcome.

local key, keep = KEYS[13], ARGV[5]
local fields = redis.call('HGETALL', key)
local leader
local processes, returning = {''}, {}
for place = 1, #fields, 2 do
  local name, value = fields[place], fields[place + 1]
  if name == 'token' then
    leader = value
  elseif string.sub(name, 1, 2) == 'w:' then
    processes[#processes + 1] = value
  elseif string.sub(name, 1, 2) == 'r:' then
    returning[#returning + 1] = name
  end
end
if leader ~= ARGV[4] then
  return {}
end
redis.call('HDEL', key, 'token', 'until')
if keep == 'waiting' and #returning > 0 then
  redis.call('HDEL', key, unpack(returning))
end
if #processes > 1 or keep == 'unclaimed' or keep == 'cache' or (keep == 'returning' and #returning > 0) then
  redis.call('HSET', key, 'outcome', ARGV[8], 'keep', keep, 'until', string.format('%.0f', now + tonumber(ARGV[6])))
  redis.call('PEXPIRE', key, ARGV[7])
else
  redis.call('DEL', key)
end
return processes
