-- Deliver outcomes of some or all jobs of a batch: store each under a short time to live, then tell its process the id.
--
-- KEYS[13 + 3n]  image:<job>   KEYS[14 + 3n]  outcome:<job>   KEYS[15 + 3n]  reply:<process>   for the n-th outcome, n from 0
-- ARGV[4]  batch id   ARGV[5]  generation   ARGV[6]  time to live of outcomes and reply lists, ms
-- ARGV[7 + 2n]   job id        ARGV[8 + 2n]   outcome
-- Result   {1, ids that will be delivered...}, or {0} for a late holder (G7)
-- Atomic because a job's outcome and its leaving the batch are one event: nobody else may claim, withdraw or deliver between.

local batch_id = ARGV[4]
local batch = held(batch_id, ARGV[5])
if not batch then
  return {0}
end
local open = {}
for _, job in ipairs(batch.jobs) do
  open[job.id] = true
end
local answer = {1}
for n = 0, (#KEYS - 12) / 3 - 1 do
  local image, outcome, reply = KEYS[13 + 3 * n], KEYS[14 + 3 * n], KEYS[15 + 3 * n]
  local id, payload = ARGV[7 + 2 * n], ARGV[8 + 2 * n]
  if open[id] then
    open[id] = nil
    redis.call('DEL', image)
    redis.call('HDEL', JOBS, id)
    redis.call('SET', outcome, payload, 'PX', ARGV[6])
    redis.call('RPUSH', reply, id)
    redis.call('PEXPIRE', reply, ARGV[6])
    answer[#answer + 1] = id
  end
end
local left = {}
for _, job in ipairs(batch.jobs) do
  if open[job.id] then
    left[#left + 1] = job
  end
end
batch.jobs = left
keep_batch(batch_id, batch)
renew()
return answer
