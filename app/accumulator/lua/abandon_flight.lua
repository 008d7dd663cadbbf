-- Who leads a flight lets go, or who waits for it leaves: core.flights.Flights.abandon.
--
-- ARGV[4]  token
-- Result   the processes that have to be told, so that somebody there begins again
-- Atomic because somebody may join or take over meanwhile.

local token = ARGV[4]
wait_no_longer(token)
local leads = redis.call('HGET', FLIGHT, 'token') == token
if leads then
  redis.call('HDEL', FLIGHT, 'token', 'until')
end
local leader, outcome, waits = unpack(redis.call('HMGET', FLIGHT, 'token', 'outcome', 'waits'))
if not leader and not outcome and tonumber(waits or 0) <= 0 then
  redis.call('DEL', FLIGHT)
end
return leads and waiting() or {}
