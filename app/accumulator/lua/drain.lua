-- Make the lanes of these jobs ready now, and until they are empty (G10). Jobs that are not pending are passed over.
--
-- ARGV[4...]  job ids
-- Result      number of jobs that were pending
-- Atomic because a lane's mark and its place among the ready lanes must not be seen apart.

local pending = 0
may_grow()
for n = 4, #ARGV do
  local job = read(JOBS, ARGV[n])
  if job and not job.batch then
    redis.call('HSET', MARKS, job.lane, 'drain')
    settle(job.lane, job.capacity)
    pending = pending + 1
  end
end
if pending > 0 then
  wake()
  renew()
end
return pending
