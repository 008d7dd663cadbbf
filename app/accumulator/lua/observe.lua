-- So many more images of a stream were decided, so many of them unsafe: core.prevalence.Prevalence.seen, same order of operations.
--
-- KEYS[13] prevalence:<stream>
-- ARGV[4]  images   ARGV[5]  unsafe ones   ARGV[6]  judged by groups   ARGV[7]  alarms   ARGV[8]  memory, images
-- ARGV[9]  time to live, ms
-- Result   the four counts that are known now, decayed, as texts that doubles survive
-- Atomic because what another process adds between reading and writing would be lost, and the key must never be without a
-- time to live.

local names = {'images', 'unsafe', 'judged', 'alarms'}
local known = redis.call('HMGET', KEYS[13], unpack(names))
local kept = math.exp(-tonumber(ARGV[4]) / tonumber(ARGV[8]))
local counts = {}
for place, name in ipairs(names) do
  counts[place] = string.format('%.17g', tonumber(known[place] or 0) * kept + tonumber(ARGV[3 + place]))
  redis.call('HSET', KEYS[13], name, counts[place])
end
redis.call('PEXPIRE', KEYS[13], ARGV[9])
return counts
