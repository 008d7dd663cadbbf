-- Pass a wake-up on: somebody who knew the next event stops waiting, so somebody else has to look.
--
-- Result   1 if a token lies there now, else 0
-- Atomic because the token must be left exactly when something waits.

if redis.call('ZCARD', LANES) == 0 and redis.call('ZCARD', LEASES) == 0 then
  return 0
end
may_grow()
wake()
return 1
