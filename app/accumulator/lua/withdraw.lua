-- Take a job back: out of its lane, or out of the batch that holds it; its image goes too.
--
-- KEYS[13]  image:<job>       KEYS[14]  outcome:<job>       KEYS[15]  stay:<lane>
-- ARGV[4]   job id            ARGV[5]   1 if a job in a batch that somebody holds stays where it is
-- ARGV[6]   for so long after its lease has ended a batch counts as held, us: it is the next worker's to claim
-- Result    {pending | under_way | stays}, or {gone, outcome} where the outcome came first, or {gone, false}. With ARGV[5] an outcome
--           stays, too: whoever asked may never hear of it.
-- Atomic because otherwise a claim or a result could come between finding the job and removing it (G1, G8).

local id = ARGV[4]
drop_expired()
local job = read(JOBS, id)
local batch = job and job.batch and read(BATCHES, job.batch)
local only_pending = ARGV[5] == '1'
if batch and only_pending and tonumber(redis.call('ZSCORE', LEASES, job.batch) or 0) + tonumber(ARGV[6]) > now then
  return {'under_way'}
end
if job and only_pending and tonumber(redis.call('GET', KEYS[15]) or 0) > now then
  return {'stays'}
end
if not job then
  local outcome = redis.call('GET', KEYS[14])
  if not only_pending then
    redis.call('DEL', KEYS[13], KEYS[14])
  end
  return {'gone', outcome}
end
redis.call('DEL', KEYS[13])
redis.call('HDEL', JOBS, id)
if not job.batch then
  unqueue(id, job)
  settle(job.lane, job.capacity)
  return {'pending'}
end
if not batch then  -- evicted: nobody can complete it
  return {'gone', false}
end
for place, held_job in ipairs(batch.jobs) do
  if held_job.id == id then
    table.remove(batch.jobs, place)
    break
  end
end
keep_batch(job.batch, batch)
return {only_pending and 'pending' or 'under_way'}
