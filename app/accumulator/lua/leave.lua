-- A process claims no more. When nobody else does, all that is pending is ready at once for the one who leaves (G13).
--
-- ARGV[4]  process   ARGV[5]  a heartbeat younger than this counts, us
-- Result   1 if nobody else claims, else 0
-- Atomic because a job that is admitted in between would count on a process that looks no more.

redis.call('ZREM', WORKERS, ARGV[4])
drop_expired()
if redis.call('ZCOUNT', WORKERS, now - tonumber(ARGV[5]), '+inf') > 0 then
  if redis.call('ZCARD', LANES) > 0 or redis.call('ZCARD', LEASES) > 0 then
    wake()
  end
  return 0
end
for _, lane in ipairs(redis.call('ZRANGE', LANES, 0, -1)) do
  redis.call('HSET', MARKS, lane, 'drain')
  settle(lane, 1)
end
renew()
return 1
