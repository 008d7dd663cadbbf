-- A process that claims says that it is alive; those that have not said so for long are forgotten.
--
-- ARGV[4]  process   ARGV[5]  forget after, us
-- Result   1
-- Atomic because the key must never be without a time to live.

redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', now - tonumber(ARGV[5]))
redis.call('ZADD', WORKERS, now, ARGV[4])
redis.call('PEXPIRE', WORKERS, ARGV[3])
return 1
