-- Let a batch's lease end later (or earlier): so long from now.
--
-- ARGV[4]  batch id   ARGV[5]  generation   ARGV[6]  lease, us
-- Result   1, or 0 for a late holder (G7)
-- Atomic because the generation must still be the present one when the lease moves.

if not held(ARGV[4], ARGV[5]) then
  return 0
end
redis.call('ZREM', LEASES, ARGV[4])
redis.call('ZADD', LEASES, now + tonumber(ARGV[6]), ARGV[4])
renew()
return 1
