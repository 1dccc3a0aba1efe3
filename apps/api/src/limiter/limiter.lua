-- Reads and charges the limits of many subjects, each all or none.
--
-- KEYS[1]    since when this Redis remembers (ms); missing after it was emptied
-- KEYS[i+1]  subject i: a sorted set of charge ids by time (ms). Its member "" has the score -since:
--            under which memory the set was made
-- ARGV       for each subject in turn:
--              "charge", "peek" or "refund"
--              charge id ("" for peek)
--              longest window in ms
--              "1" when the rows in Postgres have been read for this subject, else "0"
--              number of limits, then as many pairs: max, window in ms
--              number of past requests from the rows, then as many pairs: charge id, age in ms
--
-- Returns for each subject {-1} when this Redis has not been remembering for long enough to know the
-- subject's past: read the rows and call again. Otherwise {charged 0 or 1, age in ms of each counted
-- request, ...}. Atomic, as every script is; the clock is Redis' own.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = tonumber(redis.call('GET', KEYS[1]) or '')
if not since then
  since = now
  redis.call('SET', KEYS[1], since)
end

local at = 0
local function next_arg()
  at = at + 1
  return ARGV[at]
end

local function next_pairs()
  local pairs_read = {}
  for i = 1, tonumber(next_arg()) do
    local first = next_arg()
    pairs_read[i] = { first, tonumber(next_arg()) }
  end
  return pairs_read
end

local function decide(key, verb, id, longest, seeded, limits, past)
  if verb == 'refund' then
    redis.call('ZREM', key, id)
    return { 0 }
  end
  local made = redis.call('ZSCORE', key, '')
  local known = (made and -tonumber(made) == since) or now - since >= longest
  if not known and not seeded then
    return { -1 }
  end
  for _, seed in ipairs(past) do
    redis.call('ZADD', key, 'NX', now - seed[2], seed[1])
  end

  local result = { 0 }
  local already = false
  if made or #past > 0 then
    redis.call('ZREMRANGEBYSCORE', key, '(0', now - longest)
    local entries = redis.call('ZRANGEBYSCORE', key, '(0', '+inf', 'WITHSCORES')
    for i = 1, #entries, 2 do
      already = already or entries[i] == id
      result[#result + 1] = now - tonumber(entries[i + 1])
    end
  end

  local full = false
  for _, limit in ipairs(limits) do
    local inside = 0
    for i = 2, #result do
      if result[i] < limit[2] then inside = inside + 1 end
    end
    full = full or inside >= tonumber(limit[1])
  end

  -- A set that holds requests says under which memory it was made, and lives as long as they count.
  if already then
    result[1] = 1
  elseif verb == 'charge' and not full then
    redis.call('ZADD', key, now, id, -since, '')
    redis.call('PEXPIRE', key, longest)
    result[1] = 1
    result[#result + 1] = 0
    return result
  end
  if #result > 1 and (not made or -tonumber(made) ~= since) then
    redis.call('ZADD', key, -since, '')
    redis.call('PEXPIRE', key, longest)
  end
  return result
end

local results = {}
for i = 2, #KEYS do
  local verb, id, longest, seeded = next_arg(), next_arg(), tonumber(next_arg()), next_arg() == '1'
  local limits, past = next_pairs(), next_pairs()
  results[i - 1] = decide(KEYS[i], verb, id, longest, seeded, limits, past)
end
return results
