-- Who leads a flight lets go, or who waits for it leaves: core.flights.Flights.abandon.
--
-- KEYS[13] flight:<key>
-- ARGV[4]  token
-- Result   the processes that have to be told, so that somebody there begins again
-- Atomic because somebody may join or take over meanwhile.

local key, token = KEYS[13], ARGV[4]
redis.call('HDEL', key, 'w:' .. token)
local leads = redis.call('HGET', key, 'token') == token
if leads then
  redis.call('HDEL', key, 'token', 'until')
end
local processes, outcome = {}, false
local fields = redis.call('HGETALL', key)
for place = 1, #fields, 2 do
  if string.sub(fields[place], 1, 2) == 'w:' then
    processes[#processes + 1] = fields[place + 1]
  elseif fields[place] == 'outcome' or fields[place] == 'token' then
    outcome = true
  end
end
if not outcome and #processes == 0 then
  redis.call('DEL', key)
end
return leads and processes or {}
