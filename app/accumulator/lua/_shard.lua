-- Head of every script (scripts.py puts it in front): the shard's keys by name, the time, and the steps that scripts share.
--
-- KEYS[1..12]  the shard's own keys, in the order of keys.SHARD_KEYS; a script's further keys follow from KEYS[13]
-- ARGV[1]      the time in microseconds where a test injects it, otherwise empty: then Redis's own clock counts
-- ARGV[2]      time to live of the shard's keys, ms
-- ARGV[3]      time to live of tokens and heartbeats, ms; a script's further arguments follow from ARGV[4]
--
-- Times are microseconds since the epoch as whole numbers: doubles hold them exactly, and 16 digits sort as text.
-- At its memory limit Redis refuses a script's first write if that write can grow, and then nothing has been done; after a
-- first write that only frees, the rest may grow. So enqueue.lua begins with the image, and every other script that writes
-- begins with something that frees (`may_grow` where there is nothing to free): what makes room must go through.

local QUEUE, DUE, LANES, READY, MARKS, JOBS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local DEADLINES, LEASES, BATCHES, WORKERS, WAKE, SEQUENCE = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Members of QUEUE and DUE: `<lane>:<16 digits>:<job>`. Lane keys are hexadecimal (and begin with a digit for their task), so `;`
-- ends the range that `:` begins.
local function member(lane, number, job)
  return lane .. ':' .. string.format('%016.0f', number) .. ':' .. job
end

local function members_of(index, lane, limit)
  return redis.call('ZRANGEBYLEX', index, '[' .. lane .. ':', '(' .. lane .. ';', 'LIMIT', 0, limit)
end

local function number_in(text, lane)
  return tonumber(string.sub(text, #lane + 2, #lane + 17))
end

local function job_in(text, lane)
  return string.sub(text, #lane + 19)
end

local function count(lane)
  return redis.call('ZLEXCOUNT', QUEUE, '[' .. lane .. ':', '(' .. lane .. ';')
end

local function may_grow()
  redis.call('ZREM', READY, '')  -- no lane has an empty key
end

local function read(hash, id)
  local packed = redis.call('HGET', hash, id)
  return packed and cmsgpack.unpack(packed)
end

local function write(hash, id, record)
  redis.call('HSET', hash, id, cmsgpack.pack(record))
end

local function first(index)
  local found = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  return found[1], tonumber(found[2])
end

-- A pending job leaves the indexes of its lane; `settle` must follow.
local function unqueue(id, job)
  redis.call('ZREM', QUEUE, member(job.lane, job.sequence, id))
  redis.call('ZREM', DUE, member(job.lane, job.flush, id))
  redis.call('ZREM', DEADLINES, id)
end

-- Bring LANES, READY and MARKS up to date with what is pending in a lane.
local function settle(lane, capacity)
  local earliest = members_of(DUE, lane, 1)[1]
  if not earliest then
    redis.call('ZREM', LANES, lane)
    redis.call('ZREM', READY, lane)
    redis.call('HDEL', MARKS, lane)
    return
  end
  local flush = number_in(earliest, lane)
  redis.call('ZADD', LANES, flush, lane)
  if redis.call('HEXISTS', MARKS, lane) == 1 or count(lane) >= capacity then
    redis.call('ZADD', READY, flush, lane)
  else
    redis.call('ZREM', READY, lane)
  end
end

-- A store that evicts keys on its own may have lost some of ours. What cannot be understood without them goes too: whoever
-- waits for it learns that it is gone, and sends its image alone.
local function mend()
  if redis.call('EXISTS', JOBS) == 0 then
    redis.call('DEL', QUEUE, DUE, LANES, READY, MARKS, DEADLINES, LEASES, BATCHES)
  elseif redis.call('EXISTS', BATCHES) == 0 then
    redis.call('DEL', LEASES)
  end
  if redis.call('EXISTS', QUEUE, DUE, LANES) < 3 then
    redis.call('DEL', QUEUE, DUE, LANES, READY, MARKS)
  end
end

-- Pending jobs whose time has run out leave (G11). Their processes know by their own clocks.
local function drop_expired()
  mend()
  local lanes = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now)) do
    local job = read(JOBS, id)
    unqueue(id, job)
    redis.call('HDEL', JOBS, id)
    lanes[job.lane] = job.capacity
  end
  for lane, capacity in pairs(lanes) do
    settle(lane, capacity)
  end
end

local function end_batch(id)
  redis.call('HDEL', BATCHES, id)
  redis.call('ZREM', LEASES, id)
end

-- Keep what is left of a batch; it ends with its last job.
local function keep_batch(id, batch)
  if #batch.jobs == 0 then
    end_batch(id)
  else
    write(BATCHES, id, batch)
  end
end

-- Batches whose lease has ended, as {id = batch}.
local function returned()
  local batches = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now)) do
    batches[id] = read(BATCHES, id)
  end
  return batches
end

-- The returned batch with the earliest flush time, and that time. Jobs of returned batches whose time has run out leave (G11).
local function earliest_returned()
  local best_id, best, best_flush
  for id, batch in pairs(returned()) do
    local jobs, flush = {}, math.huge
    for _, job in ipairs(batch.jobs) do
      if job.deadline > now then
        jobs[#jobs + 1] = job
        flush = math.min(flush, job.flush)
      else
        redis.call('HDEL', JOBS, job.id)
      end
    end
    if #jobs < #batch.jobs then
      batch.jobs = jobs
      keep_batch(id, batch)
    end
    if #jobs > 0 and (not best or flush < best_flush or (flush == best_flush and jobs[1].id < best.jobs[1].id)) then
      best_id, best, best_flush = id, batch, flush
    end
  end
  return best_id, best, best_flush
end

-- LANES holds all lanes, READY those that need not wait for their flush time: the first of either that is ready is the earliest.
local function earliest_lane()
  local lane, flush = first(LANES)
  if lane and flush <= now then
    return lane, flush
  end
  return first(READY)
end

-- The batch, if this generation of it is the present one (G7).
local function held(id, generation)
  local batch = read(BATCHES, id)
  return batch and batch.generation == tonumber(generation) and batch
end

-- When a claim may next find something, or nil.
local function next_event()
  local _, flush = first(LANES)
  local _, lease_end = first(LEASES)
  if redis.call('ZCARD', READY) > 0 then
    return now
  end
  return flush and lease_end and math.min(flush, lease_end) or flush or lease_end
end

-- Tell one of those who wait to claim that it should look. One token is enough: whoever looks and leaves passes it on.
local function wake()
  if redis.call('LLEN', WAKE) == 0 then
    redis.call('RPUSH', WAKE, '1')
    redis.call('PEXPIRE', WAKE, ARGV[3])
  end
end

local function renew()
  for _, key in ipairs({QUEUE, DUE, LANES, READY, MARKS, JOBS, DEADLINES, LEASES, BATCHES, SEQUENCE}) do
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
