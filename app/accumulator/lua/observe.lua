-- So many more images of a stream were decided, so many of them unsafe: core.prevalence.Prevalence.seen, same order of operations.
--
-- KEYS[13] prevalence:<stream>
-- ARGV[4]  images   ARGV[5]  unsafe ones among them   ARGV[6]  memory, images   ARGV[7]  time to live, ms
-- Result   images and unsafe ones that are known now, decayed, as texts that doubles survive
-- Atomic because what another process adds between reading and writing would be lost, and the key must never be without a
-- time to live.

local images, unsafe = tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[13], 'images', 'unsafe')
local kept = math.exp(-images / tonumber(ARGV[6]))
images = string.format('%.17g', tonumber(known[1] or 0) * kept + images)
unsafe = string.format('%.17g', tonumber(known[2] or 0) * kept + unsafe)
redis.call('HSET', KEYS[13], 'images', images, 'unsafe', unsafe)
redis.call('PEXPIRE', KEYS[13], ARGV[7])
return {images, unsafe}
