-- Decide a batch of calls, one after the other: for each compare versions, then take from every limit or from none.
--
-- KEYS: admissions of this epoch, then for each call: versions…, rates…, [quota], [places]
-- ARGV: µs to add to the clock, then for each call: fixed numbers, field of the admissions ('': it isn't metered),
--       expected versions…, [id of its place]
--       The fixed numbers are packed (big-endian): bytes with the number of versions, of rates and of places; then doubles
--       with the calls a month (-2 no quota, -1 counted without a limit), the used calls to start a missing count from and
--       the month they are of (202601; 0 unknown), of each rate the interval and the span (see core/gcra.py), and [the calls
--       at once].
-- Answers for each call: {0, found versions…} stale; {1, month} the month's count is missing; else
--       {2 admitted | 3 a rate refuses | 4 the quota refuses | 5 there is no place, used calls, seconds until the month ends,
--        for each rate: calls left, seconds until all of them are back; then, of 3, for each rate: seconds until one is}
--
-- Redis' own clock is the only one, so that gateways can't disagree; it says which month it is too.
local call, floor, ceil, max, unpack_numbers = redis.call, math.floor, math.ceil, math.max, struct.unpack
local MINUTE, NONE = 60000000, -2
local LEASE = 15000000 -- of a place; gateway/places.py renews it

local time = call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[1])
local known = call('MGET', unpack(KEYS)) -- a quota is a hash, places are a sorted set: nil here
local arrivals, admitted = {}, {} -- as this batch leaves them: by key, by field
local before, intervals, spans = {}, {}, {} -- of the rates of one call
local month, month_number, month_before, left

-- The civil month of a count of days (H. Hinnant, "chrono-compatible low-level date algorithms").
local function read_month()
  local days = floor(now / 86400000000)
  local z = days + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local day = doy - floor((153 * mp + 2) / 5) + 1
  local m = mp < 10 and mp + 3 or mp - 9
  local y = yoe + era * 400 + (m <= 2 and 1 or 0)
  local lengths = {31, (y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0)) and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  left = ceil(((lengths[m] - day + 1 + days) * 86400000000 - now) / 1000000)
  month, month_number = string.format('%04d-%02d', y, m), y * 100 + m
  month_before = m == 1 and string.format('%04d-12', y - 1) or string.format('%04d-%02d', y, m - 1)
end

-- Counts one more call of the month; the calls used by then, or nil if nobody has counted them and `start` isn't of this month.
-- The month before is kept: a clock that is set back over the month's end finds its count as it was.
local function count_one(key, start, start_month)
  local used = call('HINCRBY', key, month, 1)
  if used > 1 then return used end -- there are no counts of 0
  if start_month ~= month_number then
    call('HDEL', key, month)
    return nil
  end
  call('HSET', key, month, start + 1)
  call('EXPIRE', key, left + 86400)
  for _, counted in ipairs(call('HKEYS', key)) do
    if counted < month_before then call('HDEL', key, counted) end
  end
  return start + 1
end

-- Whether one more may be under way. Places of processes that died are given up when they are wanted.
local function has_place(key, limit)
  if call('ZCARD', key) < limit then return true end
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  return call('ZCARD', key) < limit
end

-- Moves the arrival time of a rate. INCRBY costs a third of SET and leaves the time to live, which therefore is set for a
-- minute more than needed, whenever the arrival time enters another minute.
local function write_arrival(key, before, after)
  if before and floor(before / MINUTE) == floor(after / MINUTE) then
    call('INCRBY', key, after - before)
  else
    call('SET', key, after, 'PX', ceil((after - now + MINUTE) / 1000))
  end
  arrivals[key] = after
end

-- One call whose keys and words begin after `k` and `a`; returns its answer, and where the next begins.
local function take(k, a)
  local fixed = ARGV[a + 1]
  local versions, rates, places, quota, start, start_month = unpack_numbers('>BBBddd', fixed)
  local first, count_key = k + versions, KEYS[k + versions + rates + 1]
  local next_k, next_a = first + rates + (quota == NONE and 0 or 1) + places, a + 2 + versions + places
  for i = 1, versions do
    if known[k + i] ~= ARGV[a + 2 + i] then
      local found = {0}
      for j = 1, versions do found[j + 1] = tonumber(known[k + j] or -1) end
      return found, next_k, next_a
    end
  end

  local outcome, used = 2, -1
  for i = 1, rates do
    local at = arrivals[KEYS[first + i]] or tonumber(known[first + i])
    local interval, span = unpack_numbers('>dd', fixed, 12 + 16 * i)
    before[i], intervals[i], spans[i] = at, interval, span
    if (at and at > now and at or now) + interval - now > span then outcome = 3 end
  end
  if places == 1 and outcome == 2 and not has_place(KEYS[next_k], unpack_numbers('>d', fixed, 28 + 16 * rates)) then
    outcome = 5
  end
  if quota ~= NONE then
    if not month then read_month() end
    if outcome ~= 2 then
      used = tonumber(call('HGET', count_key, month) or -1)
    elseif quota == 0 then
      outcome, used = 4, 0
    else
      used = count_one(count_key, start, start_month)
      if not used then return {1, month}, next_k, next_a end
      if quota > 0 and used > quota then
        outcome, used = 4, call('HINCRBY', count_key, month, -1)
      end
    end
  end
  if outcome == 2 then
    local field = ARGV[a + 2]
    if field ~= '' then admitted[field] = (admitted[field] or 0) + 1 end
    if places == 1 then
      call('ZADD', KEYS[next_k], now + LEASE, ARGV[next_a])
      call('PEXPIRE', KEYS[next_k], LEASE / 500)
    end
  end

  local answer = {outcome, used, left or 0}
  for i = 1, rates do
    local interval, span, after = intervals[i], spans[i], max(now, before[i] or 0)
    if outcome == 2 then
      after = after + interval
      write_arrival(KEYS[first + i], before[i], after)
    elseif outcome == 3 then
      answer[3 + 2 * rates + i] = ceil(max(0, after + interval - now - span) / 1000000)
    end
    answer[2 + 2 * i] = floor((span - after + now) / interval)
    answer[3 + 2 * i] = ceil((after - now) / 1000000)
  end
  return answer, next_k, next_a
end

local answers, k, a = {}, 1, 1
while a < #ARGV do
  answers[#answers + 1], k, a = take(k, a)
end
for field, count in pairs(admitted) do call('HINCRBY', KEYS[1], field, count) end
return answers
