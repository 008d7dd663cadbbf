-- After a connection was lost: what became of jobs whose outcome may have been told to nobody. Reads only.
--
-- KEYS[13 + n]  outcome:<job>   ARGV[4 + n]  job id   for the n-th job, n from 0
-- Result   for each job its outcome, or 1 if it is still here, or 0 if it is not (a store that came back empty)
-- Atomic because a job that completes between the two looks would seem lost.

local answer = {}
for n = 0, #KEYS - 13 do
  local outcome = redis.call('GET', KEYS[13 + n])
  local job = not outcome and read(JOBS, ARGV[4 + n])
  local here = job and (not job.batch or redis.call('HEXISTS', BATCHES, job.batch) == 1)
  answer[n + 1] = outcome or (here and 1 or 0)
end
return answer
