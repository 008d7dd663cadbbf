-- Second head of the scripts about a client's account: core.quota_account.Account, same order of operations.
--
-- KEYS[13] pace:<tenant>   KEYS[14] budget:<tenant>   KEYS[15] reserved:<tenant>   KEYS[16] told:<tenant>:<process>
-- ARGV[4]  time to live of a budget after its month, ms
-- ARGV[5]  month that the caller knows of   ARGV[6], ARGV[7]  what he knows to be spent in it
--
-- Amounts are pairs: billionths of dollars, millionths of inferences, both whole.

local PACE, BUDGET, RESERVED, TOLD = KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local DAY = 86400 * 1000000
local LENGTHS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

-- Days from the epoch to the first of January.
local function first_day(year)
  return 365 * (year - 1970) + math.floor((year - 1969) / 4) - math.floor((year - 1901) / 100) + math.floor((year - 1601) / 400)
end

-- The month's number since January 1970, and the time at which the next one begins.
local function month_at(time)
  local day = math.floor(time / DAY)
  local year = 1970 + math.floor(day / 366)
  while first_day(year + 1) <= day do
    year = year + 1
  end
  local next_day, month = first_day(year), 0
  repeat
    month = month + 1
    local is_long = month == 2 and first_day(year + 1) - first_day(year) == 366
    next_day = next_day + LENGTHS[month] + (is_long and 1 or 0)
  until next_day > day
  return (year - 1970) * 12 + month - 1, next_day * DAY
end

local function whole(number)
  return string.format('%.0f', number)
end

local function amounts_of(member)
  local dollars, inferences = string.match(member, ':(%d+):(%d+)$')
  return tonumber(dollars), tonumber(inferences)
end

local function release(account, member)
  local dollars, inferences = amounts_of(member)
  account.reserved = {math.max(0, account.reserved[1] - dollars), math.max(0, account.reserved[2] - inferences)}
  redis.call('ZREM', RESERVED, member)
end

-- Where the account stands: lapsed reservations are gone, a new month has begun, what the caller knows and we have lost is back.
local function open_account()
  local month, ends = month_at(now)
  local found = redis.call('HMGET', BUDGET, 'month', 'dollars', 'inferences', 'reserved_dollars', 'reserved_inferences')
  local number = {}
  for place = 1, 5 do
    number[place] = tonumber(found[place] or 0)
  end
  local account = {month = month, ends = ends, spent = {0, 0}, reserved = {number[4], number[5]}}
  if number[1] == month then
    account.spent = {number[2], number[3]}
  end
  if tonumber(ARGV[5]) == month then
    account.spent = {math.max(account.spent[1], tonumber(ARGV[6])), math.max(account.spent[2], tonumber(ARGV[7]))}
  end
  if redis.call('EXISTS', RESERVED) == 0 then  -- all have ended, or they were evicted
    account.reserved = {0, 0}
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', RESERVED, '-inf', now)) do
    release(account, member)
  end
  return account
end

-- An account of nothing is no account: who is refused by others, image after image, leaves no key behind.
local function keep(account)
  local spent, reserved = account.spent, account.reserved
  if spent[1] == 0 and spent[2] == 0 and redis.call('EXISTS', RESERVED) == 0 then
    redis.call('DEL', BUDGET)
    return
  end
  redis.call('HSET', BUDGET, 'month', whole(account.month), 'dollars', whole(spent[1]), 'inferences', whole(spent[2]),
    'reserved_dollars', whole(reserved[1]), 'reserved_inferences', whole(reserved[2]))
  redis.call('PEXPIRE', BUDGET, whole(math.ceil((account.ends - now) / 1000) + tonumber(ARGV[4])))
end

local function usage(account)
  local spent, reserved = account.spent, account.reserved
  return whole(account.month), whole(spent[1]), whole(spent[2]), whole(reserved[1]), whole(reserved[2])
end
