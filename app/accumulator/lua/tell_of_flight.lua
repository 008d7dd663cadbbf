-- A flight has ended: put its key on the reply lists of processes that wait for it.
--
-- KEYS[13..] reply:<process>
-- ARGV[4]    key of the flight   ARGV[5]  time to live of a list, ms
-- Result     nothing
-- Atomic because no list may ever be without a time to live.

may_grow()
for place = 13, #KEYS do
  redis.call('RPUSH', KEYS[place], ARGV[4])
  redis.call('PEXPIRE', KEYS[place], ARGV[5])
end
