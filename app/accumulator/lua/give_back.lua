-- End a lease now: what is not completed can be claimed at once, the giver is a late holder from here on, and the attempt does
-- not count: it was not the batch that ended it.
--
-- ARGV[4]  batch id   ARGV[5]  generation
-- Result   1, or 0 for a late holder (G7)
-- Atomic because the generation must still be the present one, and the batch must not be seen returned under the old one.

local batch = held(ARGV[4], ARGV[5])
if not batch then
  return 0
end
redis.call('ZREM', LEASES, ARGV[4])
batch.generation = batch.generation + 1
batch.attempt = batch.attempt - 1  -- the next claim counts it again
write(BATCHES, ARGV[4], batch)
redis.call('ZADD', LEASES, now, ARGV[4])
wake()
renew()
return 1
