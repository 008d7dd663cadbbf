-- Let a batch's lease end later (or earlier): so long from now. Its lane's jobs may be asked to stay (G12).
--
-- KEYS[13] stay:<lane>
-- ARGV[4]  batch id   ARGV[5]  generation   ARGV[6]  lease, us   ARGV[7]  stay, us; 0: nobody is asked
-- Result   1, or 0 for a late holder (G7)
-- Atomic because the generation must still be the present one when the lease moves.

if not held(ARGV[4], ARGV[5]) then
  return 0
end
redis.call('ZREM', LEASES, ARGV[4])
redis.call('ZADD', LEASES, now + tonumber(ARGV[6]), ARGV[4])
local stay = tonumber(ARGV[7])
if stay > 0 then
  redis.call('SET', KEYS[13], string.format('%.0f', now + stay), 'PX', math.ceil(stay / 1000))
end
renew()
return 1
