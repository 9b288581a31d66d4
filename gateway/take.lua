-- Decide one call: compare versions, then take from every limit or from none.
--
-- KEYS: versions…, rates…, [quota, admissions]
-- ARGV: number of versions, number of rates, quota limit ("" no quota, -1 counted without a limit, else calls a month),
--       used calls to start a missing count from ("" unknown), member of the admissions' hash, µs to add to the clock,
--       expected versions…, calls a minute of each rate…
-- Answers: {0, found versions…} stale; {1} the month's count is missing; else
--       {2 admitted | 3 a rate refuses | 4 the quota refuses, used calls, seconds until the month ends,
--        and for each rate: calls left, µs until all of them are back, µs until one is}
--
-- A rate of N a minute is GCRA (the leaky bucket as a meter; ITU-T I.371): a burst of N, then N/60 a second. Redis' own clock
-- is the only one, so that gateways can't disagree; it says which month it is too.
local versions, rates = tonumber(ARGV[1]), tonumber(ARGV[2])
local first = 6
local known = redis.call('MGET', unpack(KEYS, 1, versions + rates))
for i = 1, versions do
  if known[i] ~= ARGV[first + i] then
    local found = {0}
    for j = 1, versions do found[j + 1] = tonumber(known[j] or -1) end
    return found
  end
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[6])
local MINUTE = 60000000

local quota, used, month, left = ARGV[3], -1, nil, 0
if quota ~= '' then
  -- The civil month of a count of days (H. Hinnant, "chrono-compatible low-level date algorithms").
  local days = math.floor(now / 86400000000)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local m = mp < 10 and mp + 3 or mp - 9
  local y = yoe + era * 400 + (m <= 2 and 1 or 0)
  local lengths = {31, (y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0)) and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  left = math.ceil(((lengths[m] - day + 1 + days) * 86400000000 - now) / 1000000)
  month = string.format('%04d-%02d', y, m)
  local count = redis.call('HGET', KEYS[versions + rates + 1], month)
  if not count then
    if ARGV[4] == '' then return {1, month} end
    redis.call('DEL', KEYS[versions + rates + 1])
    redis.call('HSET', KEYS[versions + rates + 1], month, ARGV[4])
    redis.call('EXPIRE', KEYS[versions + rates + 1], left + 86400)
    count = ARGV[4]
  end
  used = tonumber(count)
end

local answer, before, interval, outcome = {2, used, left}, {}, {}, 2
for i = 1, rates do
  interval[i] = math.floor(MINUTE / tonumber(ARGV[first + versions + i]))
  before[i] = math.max(now, tonumber(known[versions + i] or 0))
  if before[i] + interval[i] - now > MINUTE then outcome = 3 end
end
if outcome == 2 and quota ~= '' and tonumber(quota) >= 0 and used >= tonumber(quota) then outcome = 4 end
answer[1] = outcome
for i = 1, rates do
  local after = before[i]
  if outcome == 2 then
    after = after + interval[i]
    redis.call('SET', KEYS[versions + i], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
  end
  answer[#answer + 1] = math.floor((MINUTE - (after - now)) / interval[i])
  answer[#answer + 1] = after - now
  answer[#answer + 1] = math.max(0, after + interval[i] - now - MINUTE)
end
if outcome == 2 and quota ~= '' then
  answer[2] = redis.call('HINCRBY', KEYS[versions + rates + 1], month, 1)
  redis.call('HINCRBY', KEYS[versions + rates + 2], ARGV[5], 1)
end
return answer
