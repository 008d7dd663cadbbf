-- Second head of the scripts about flights: core.flights.Flights.
--
-- KEYS[13] flight:<key>, a hash: token (who leads), until (end of the lease, or of what is kept), outcome, keep,
--          w:<token> (each who waits: his process), waits (their number), ids (digests of the calls that may come again)
--
-- However many ask, `begin` looks at their number only.

local FLIGHT = KEYS[13]
local MOST_IDS = 65536  -- bytes; beyond it a call is not known again

local function is_among(ids, asked)
  for id in string.gmatch(asked, '%x+') do
    if string.find(ids, ' ' .. id .. ' ', 1, true) then
      return true
    end
  end
  return false
end

-- Remember these calls; all that are remembered.
local function remember(ids, asked)
  for id in string.gmatch(asked, '%x+') do
    if #ids < MOST_IDS and not is_among(ids, id) then
      ids = ids .. id .. ' '
    end
  end
  if #ids > 1 then
    redis.call('HSET', FLIGHT, 'ids', ids)
  end
  return ids
end

local function wait_no_longer(token)
  if redis.call('HDEL', FLIGHT, 'w:' .. token) == 1 then
    redis.call('HINCRBY', FLIGHT, 'waits', -1)
  end
end

-- The processes in which somebody waits.
local function waiting()
  local processes = {}
  local fields = redis.call('HGETALL', FLIGHT)
  for place = 1, #fields, 2 do
    if string.sub(fields[place], 1, 2) == 'w:' then
      processes[#processes + 1] = fields[place + 1]
    end
  end
  return processes
end
