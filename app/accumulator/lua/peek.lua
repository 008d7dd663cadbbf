-- Where several shards are claimed from: the earliest flush time of what is ready in this one.
--
-- Result   microseconds from now (negative: overdue), or false when nothing is ready
-- Atomic because returned batches and lanes are compared at one time.

may_grow()
drop_expired()
local _, _, flush = earliest_returned()
local _, lane_flush = earliest_lane()
flush = math.min(flush or math.huge, lane_flush or math.huge)
return flush < math.huge and flush - now
