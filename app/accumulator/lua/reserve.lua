-- Let requests in, one after the other, by their client's budget and pace, or say why not: core.quota_account.Account.take.
--
-- ARGV[8]  budget in billionths of dollars, empty for none   ARGV[9] in millionths of inferences
-- ARGV[10] microseconds between images, empty for no limit   ARGV[11] burst
-- then five for each request: its reservation `<id>:<billionths of dollars>:<millionths of inferences>`, these two amounts,
-- microseconds until it lapses, its images
-- Result   for each request the limit that refuses it or '', microseconds to wait ('' where nobody knows), 1 where the budget
--          is spent, and the account (zeros without a budget)
-- Atomic because two requests that look at the same time would both find room for one.

local names = {'dollars', 'inferences'}
local most = {tonumber(ARGV[8]), tonumber(ARGV[9])}
local interval, burst = tonumber(ARGV[10]), tonumber(ARGV[11])
local has_budget = most[1] or most[2]
local account = has_budget and open_account() or {month = 0, spent = {0, 0}, reserved = {0, 0}}
local paced = interval and tonumber(redis.call('GET', PACE) or 0)
local entered, lapse_longest = {}, 0

local function refused_by_budget(asked)
  for place = 1, 2 do
    local limit, amount = most[place], asked[place]
    if limit and amount > 0 and account.spent[place] + account.reserved[place] + amount > limit then
      local is_spent = account.spent[place] + amount > limit
      return {names[place], is_spent and whole(account.ends - now) or '', is_spent and 1 or 0, usage(account)}
    end
  end
end

local function refused_by_pace(images)
  local wait = interval and math.max(0, paced - now) + math.min(images, burst) * interval - burst * interval or 0
  return wait > 0.5 and {'rate', string.format('%.17g', wait), 0, usage(account)}
end

local function let_in(member, asked, lapse, images)
  if has_budget then
    entered[#entered + 1] = whole(now + lapse)
    entered[#entered + 1] = member
    lapse_longest = math.max(lapse_longest, math.ceil(lapse / 1000))
    account.reserved = {account.reserved[1] + asked[1], account.reserved[2] + asked[2]}
  end
  if interval then
    paced = math.max(paced, now) + images * interval
  end
  return {'', '0', 0, usage(account)}
end

local verdicts = {}
local old_paced = paced
for place = 12, #ARGV, 5 do
  local asked, images = {tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])}, tonumber(ARGV[place + 4])
  verdicts[#verdicts + 1] = refused_by_budget(asked) or refused_by_pace(images)
    or let_in(ARGV[place], asked, tonumber(ARGV[place + 3]), images)
end

if #entered > 0 then
  redis.call('ZADD', RESERVED, unpack(entered))
  redis.call('PEXPIRE', RESERVED, whole(math.max(lapse_longest, redis.call('PTTL', RESERVED))))
end
if has_budget then
  keep(account)
end
if paced ~= old_paced then
  redis.call('SET', PACE, string.format('%.17g', paced), 'PX', whole(math.ceil((paced - now) / 1000) + 1))
end
return verdicts
