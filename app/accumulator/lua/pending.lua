-- How many jobs nobody holds and still have time: those in lanes, and those in batches whose lease has ended.
--
-- Result   the number
-- Atomic because a job that is claimed between the two counts would be missed or counted twice.

mend()
local pending = redis.call('ZCARD', QUEUE) - redis.call('ZCOUNT', DEADLINES, '-inf', now)
for _, batch in pairs(returned()) do
  for _, job in ipairs(batch.jobs) do
    pending = pending + (job.deadline > now and 1 or 0)
  end
end
return pending
