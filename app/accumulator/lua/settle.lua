-- Requests of a client have ended, and this was paid for them: core.quota_account.Account.settle.
--
-- ARGV[8]  number of the lot   ARGV[9], ARGV[10]  what was paid
-- ARGV[11] time to live of the lot's number, ms; then the reservations that end, as in reserve.lua
-- Result   the account
-- Atomic because a lot must count once, whole: its number, the reservations and what was spent change together.

may_grow()
local account = open_account()
if tonumber(redis.call('GET', TOLD) or 0) < tonumber(ARGV[8]) then
  for place = 12, #ARGV do
    if redis.call('ZSCORE', RESERVED, ARGV[place]) then
      release(account, ARGV[place])
    end
  end
  account.spent = {account.spent[1] + tonumber(ARGV[9]), account.spent[2] + tonumber(ARGV[10])}
  redis.call('SET', TOLD, ARGV[8], 'PX', ARGV[11])
end
keep(account)
return {usage(account)}
