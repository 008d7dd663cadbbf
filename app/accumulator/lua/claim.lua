-- Take the ready batch with the earliest flush time, under a lease: a returned batch as it was, or the oldest jobs of a lane.
--
-- ARGV[4]  id for a new batch   ARGV[5]  lease, us   ARGV[6]  1 if the caller goes on waiting when there is none
-- Result   {batch id, generation, attempt, release, {job id, owner, waited us, time left us}...}, or {us until the next
--          event}, or {}
-- Atomic because a job must be in one batch only (G1), and because the token that is left for others must fit what remains.

-- The oldest jobs of a lane, up to its capacity. What remains keeps its own flush time; a drain goes on.
local function take(lane, batch_id)
  local pending = count(lane)
  local capacity = read(JOBS, job_in(members_of(QUEUE, lane, 1)[1], lane)).capacity
  local mark = redis.call('HGET', MARKS, lane)
  local release = pending >= capacity and 'full' or mark or 'due'
  local jobs = {}
  for _, text in ipairs(members_of(QUEUE, lane, capacity)) do
    local id = job_in(text, lane)
    local job = read(JOBS, id)
    unqueue(id, job)
    jobs[#jobs + 1] = {id = id, owner = job.owner, arrived = job.arrived, flush = job.flush, deadline = job.deadline}
    write(JOBS, id, {batch = batch_id})
  end
  if mark ~= 'drain' then
    redis.call('HDEL', MARKS, lane)
  end
  settle(lane, capacity)
  return {generation = 1, attempt = 1, lane = lane, release = release, jobs = jobs}
end

local function handed_over(id, batch)
  local answer = {id, batch.generation, batch.attempt, batch.release}
  for _, job in ipairs(batch.jobs) do
    answer[#answer + 1] = {job.id, job.owner, now - job.arrived, job.deadline - now}
  end
  return answer
end

may_grow()
drop_expired()
local id, batch, batch_flush = earliest_returned()
local lane, lane_flush = earliest_lane()
if batch and not (lane and lane_flush < batch_flush) then
  batch.generation = batch.generation + 1
  batch.attempt = batch.attempt + 1
elseif lane then
  id, batch = ARGV[4], take(lane, ARGV[4])
else
  local event = next_event()
  if ARGV[6] == '1' then
    redis.call('DEL', WAKE)
  elseif event then
    wake()
  end
  return event and {event - now} or {}
end
write(BATCHES, id, batch)
redis.call('ZADD', LEASES, now + tonumber(ARGV[5]), id)
if redis.call('ZCARD', LANES) > 0 then
  wake()
end
renew()
return handed_over(id, batch)
