-- Reads and charges limits. A question is about one or several subjects of one request, and charges
-- all of them or none.
--
-- KEYS[1]    since when this Redis remembers (ms); missing after it was emptied
-- KEYS[i+1]  a subject, in the order of the questions: "<since when Redis remembered when it was
--            written> <time in ms>:<charge id> ...", oldest first
-- ARGV       how many sets of limits there are; for each: for how long charges are remembered in ms,
--            number of limits, then as many pairs: max, window in ms
--            then for each question: "charge", "peek" or "refund"; charge id ("" for peek); number of
--            subjects; the memory under which the rows were read (any number where none were); for each subject: number of
--            its set of limits (from 1), number of past requests from the rows in Postgres or -1 when they have
--            not been read, then as many pairs: charge id, age in ms
--
-- Returns the memory (since when this Redis remembers), then for each question the answers of its subjects, up to the
-- first that refuses. An answer is {-1} when that is not long enough to know the subject's past (nothing was charged
-- then: read the rows and ask again; rows that were read under another memory do not count), else {charged 0 or 1, age in ms of each counted request,
-- ...}. A charge that is known is not made twice, and passes only beside as many others as are allowed: the rows may know it
-- from a moment at which another's charge was no row yet. Atomic, as every script is; the clock is Redis' own. All subjects are read by one command and each
-- that changes is written by one: a command costs a script 1 to 2 us, more than all that is computed here.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local values = redis.call('MGET', unpack(KEYS))
local since = tonumber(values[1] or '')
if not since then
  since = now
  redis.call('SET', KEYS[1], string.format('%.0f', since))
end
-- By key, so that a question sees what an earlier one of this call has written.
local held = {}
for i = 2, #KEYS do
  held[KEYS[i]] = values[i]
end

local at = 0
local function next_arg()
  at = at + 1
  return ARGV[at]
end
local function next_number()
  return tonumber(next_arg())
end

local limit_sets = {}
for i = 1, next_number() do
  local set = { remember = next_number() }
  for j = 1, next_number() do
    set[j] = { max = next_number(), window = next_number() }
  end
  limit_sets[i] = set
end

-- Under which memory a subject was written, and its charges.
local function read(key)
  local text, charges = held[key], {}
  if not text then return nil, charges end
  for at_ms, id in string.gmatch(text, ' (%d+):(%S+)') do
    charges[#charges + 1] = { at = tonumber(at_ms), id = id }
  end
  return tonumber(string.match(text, '^%d+')), charges
end

local function write(key, memory, charges, ...)
  local parts = { string.format('%.0f', memory) }
  for i, charge in ipairs(charges) do
    parts[i + 1] = string.format('%.0f:%s', charge.at, charge.id)
  end
  held[key] = table.concat(parts, ' ')
  redis.call('SET', key, held[key], ...)
end

local function refund(key, id)
  local memory, charges = read(key)
  for i, charge in ipairs(charges) do
    if charge.id == id then
      table.remove(charges, i)
      return write(key, memory, charges, 'KEEPTTL')
    end
  end
end

local function next_past()
  local count = next_number()
  if count < 0 then return nil end
  local past = {}
  for i = 1, count do
    past[i] = { id = next_arg(), at = now - next_number() }
  end
  return past
end

-- What counts of a subject now; nil when that cannot be known without the rows.
local function look(key, id, set, past)
  local memory, charges = read(key)
  if memory ~= since and now - since < set.remember and not past then return nil end
  local seen = { key = key, remember = set.remember, charges = {}, already = false, full = false }
  local known = {}
  local function keep(charge)
    if now - charge.at >= set.remember or known[charge.id] then return end
    known[charge.id] = true
    seen.charges[#seen.charges + 1] = charge
  end
  for _, charge in ipairs(charges) do keep(charge) end
  for _, charge in ipairs(past or {}) do keep(charge) end
  seen.already = known[id]
  -- A subject that holds charges says under which memory it was written.
  seen.stale = #seen.charges > 0 and (past or memory ~= since)
  for _, limit in ipairs(set) do
    local others = 0
    for _, charge in ipairs(seen.charges) do
      if charge.id ~= id and now - charge.at < limit.window then others = others + 1 end
    end
    seen.full = seen.full or others >= limit.max
  end
  return seen
end

local function answer_of(seen, is_charged)
  local answer = { is_charged and 1 or 0 }
  for i, charge in ipairs(seen.charges) do
    answer[i + 1] = now - charge.at
  end
  return answer
end

local function settle(seen, charges_it, id)
  if charges_it and not seen.already then
    seen.charges[#seen.charges + 1] = { at = now, id = id }
    seen.stale = true
  end
  if seen.stale then write(seen.key, since, seen.charges, 'PX', seen.remember) end
  return answer_of(seen, charges_it or (seen.already and not seen.full))
end

local at_key = 1
local function next_answers()
  local verb, id = next_arg(), next_arg()
  local subjects, is_cold, refusing = {}, false, nil
  local count, is_read_now = next_number(), next_number() == since
  for i = 1, count do
    at_key = at_key + 1
    local set, past = limit_sets[next_number()], next_past()
    if not is_read_now then past = nil end
    if verb == 'refund' then
      refund(KEYS[at_key], id)
    else
      local seen = look(KEYS[at_key], id, set, past)
      subjects[i] = seen or false
      is_cold = is_cold or not seen
      if seen and seen.full then refusing = refusing or i end
    end
  end
  local answers = {}
  for i, seen in ipairs(subjects) do
    if is_cold then
      answers[i] = seen and { 0 } or { -1 }
    elseif refusing == nil or i <= refusing then
      answers[i] = settle(seen, verb == 'charge' and refusing == nil, id)
    end
  end
  return answers
end

local results = {}
while at < #ARGV do
  results[#results + 1] = next_answers()
end
return { since, results }
