-- How many jobs nobody holds and still have time, by task: those in lanes, and those in batches whose lease has ended.
--
-- ARGV[4...]  the first digit of the lane keys of each task
-- Result      {the number of each task, in the same order}
-- Atomic because a job that is claimed between the counts would be missed or counted twice.

mend()
local pending, tasks = {}, {}
local function add(lane, jobs)
  local digit = string.sub(lane, 1, 1)
  pending[digit] = (pending[digit] or 0) + jobs
end

for n = 4, #ARGV do  -- `g` follows the last hexadecimal digit, so it ends the range of the keys that begin so
  add(ARGV[n], redis.call('ZLEXCOUNT', QUEUE, '[' .. ARGV[n], '(' .. ARGV[n] .. 'g'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now)) do
  local job = read(JOBS, id)
  if redis.call('ZSCORE', QUEUE, member(job.lane, job.sequence, id)) then  -- not evicted
    add(job.lane, -1)
  end
end
for _, batch in pairs(returned()) do
  for _, job in ipairs(batch.jobs) do
    add(batch.lane, job.deadline > now and 1 or 0)
  end
end
for n = 4, #ARGV do
  tasks[#tasks + 1] = pending[ARGV[n]]
end
return tasks
