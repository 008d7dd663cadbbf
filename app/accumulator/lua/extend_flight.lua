-- Move the end of a flight's lease: core.flights.Flights.extend.
--
-- KEYS[13] flight:<key>
-- ARGV[4]  token   ARGV[5]  lease, us   ARGV[6]  time to live, ms
-- Result   1, or 0 for one who leads no more
-- Atomic because another may have taken over, whose lease it would be.

if redis.call('HGET', KEYS[13], 'token') ~= ARGV[4] then
  return 0
end
redis.call('PEXPIRE', KEYS[13], ARGV[6])
redis.call('HSET', KEYS[13], 'until', string.format('%.0f', now + tonumber(ARGV[5])))
return 1
