-- Admit a job: it becomes visible with its image, its lane's history takes note, and a worker is woken where that matters.
--
-- KEYS[13]  rate:<lane>       KEYS[14]  image:<job>
-- ARGV[4]   job id            ARGV[5]   lane key           ARGV[6]   lane capacity      ARGV[7]  process that waits
-- ARGV[8]   max wait, us      ARGV[9]   time left, us      ARGV[10]  most pending jobs
-- ARGV[11]  job and image     ARGV[12]  its time to live, ms
-- ARGV[13]  a heartbeat younger than this counts, us
-- ARGV[14]  tau, s            ARGV[15]  idle threshold     ARGV[16]  lone arrivals      ARGV[17] forget after, s
-- Result    admitted | known | over_capacity | no_worker
-- Atomic because the counts that admit a job, close its lane and wake a worker must all see the same jobs; and harmless to
-- run twice, because a lost answer does not tell whether it ran.

local id, lane, capacity, owner = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local window, time_left = tonumber(ARGV[8]), tonumber(ARGV[9])

-- core.window.arrive, same order of operations. Returns the rate per second before this arrival, and the lone arrivals.
local function arrive()
  local tau, forget = tonumber(ARGV[14]), tonumber(ARGV[17])
  local known = redis.call('HMGET', KEYS[13], 'weight', 'first', 'last', 'lone')
  local weight, first_at, last_at, lone = 0.0, now, now, 0
  local rate = math.huge
  if known[1] and (now - tonumber(known[3])) / 1000000 <= forget then
    weight, first_at, last_at, lone = tonumber(known[1]), tonumber(known[2]), tonumber(known[3]), tonumber(known[4])
    local gap = math.max(0.0, (now - last_at) / 1000000)
    local age = math.max(0.0, (now - first_at) / 1000000)
    weight = weight * math.exp(-gap / tau)
    local share = 1.0 - math.exp(-age / tau)
    if share > 0 then
      rate = weight / (tau * share)
    end
    lone = now - last_at > window and lone + 1 or 0
  end
  redis.call('HSET', KEYS[13], 'weight', string.format('%.17g', weight + 1.0), 'first', string.format('%.0f', first_at),
    'last', string.format('%.0f', now), 'lone', lone)
  redis.call('PEXPIRE', KEYS[13], string.format('%.0f', forget * 1000))
  return rate, lone
end

local function is_idle(left)
  local rate, lone = arrive()
  return lone >= tonumber(ARGV[16]) and rate * left < tonumber(ARGV[15])
end

if redis.call('HEXISTS', JOBS, id) == 1 then
  return 'known'
end
if redis.call('ZCOUNT', WORKERS, now - tonumber(ARGV[13]), '+inf') == 0 then
  return 'no_worker'
end
redis.call('SET', KEYS[14], ARGV[11], 'PX', ARGV[12])
drop_expired()
if redis.call('ZCARD', QUEUE) >= tonumber(ARGV[10]) then
  redis.call('DEL', KEYS[14])
  return 'over_capacity'
end

local known_event = next_event()
local job = {
  lane = lane, capacity = capacity, owner = owner, sequence = redis.call('INCR', SEQUENCE),
  arrived = now, flush = now + window, deadline = now + time_left,
}
write(JOBS, id, job)
redis.call('ZADD', QUEUE, 0, member(lane, job.sequence, id))
redis.call('ZADD', DUE, 0, member(lane, job.flush, id))
redis.call('ZADD', DEADLINES, job.deadline, id)
local flush = number_in(members_of(DUE, lane, 1)[1], lane)
if is_idle((flush - now) / 1000000) then
  redis.call('HSETNX', MARKS, lane, 'idle')
end
settle(lane, capacity)
if redis.call('ZSCORE', READY, lane) or not known_event or flush < known_event then
  wake()
end
renew()
return 'admitted'
