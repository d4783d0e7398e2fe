-- Decides every level of one request in one step: all are charged, or none.
--
-- KEYS    a counter for each level; then, if there is one, the key of the
--         tenant's overrides
-- ARGV    the override text that the caller believes in, then six for each
--         level: kind (a capital for a shadow), cost, how much more to take if
--         there is room for it, quota (or burst), and two numbers that depend
--         on the kind
-- Reply   {wait, remaining, reset} for each level, flat, in microseconds; a
--         wait of 0 is a level that fits. Then Redis' time, and the number of
--         each level of which more was taken. Or, if the overrides differ,
--         their text: the caller computes its limits again and asks again.
--         Nothing was charged then.
--
-- All numbers are whole and below 2^53. The Go code in meter.go says the same
-- and explains why; tests hold the two together. Redis builds this whole chunk
-- again for every decision, so it makes few tables and formats with %d, which
-- takes an eighth of the time of %.0f.

local LEVEL, SLICES = 6, 10
local count = (#ARGV - 1) / LEVEL
local call, fmod, match, format, number = redis.call, math.fmod, string.match, string.format, tonumber

-- Lua 5.1's % and / round; fmod does not.
local function div(a, b) return (a - fmod(a, b)) / b end
local function ceil_div(a, b) return div(a + b - 1, b) end

-- What is saved is whole numbers in text; anything else is an unused counter.
local function three(text)
  if not text then return end
  local x, y, z = match(text, '^(%d+) (%d+) (%d+)$')
  if x then return number(x), number(y), number(z) end
end

-- bucket: a = fill by a unit of cost, b = drained in a microsecond.
-- saved: stamp, unit that the fill is counted in, fill
local function bucket_advance(text, now, quota, a, b)
  local stamp, unit, fill = three(text)
  if not stamp or unit <= 0 then return {now, a, 0} end
  if unit ~= a then
    fill = ceil_div(fill, unit)
    fill = (fill < quota and fill or quota) * a
  end
  local elapsed = now - stamp
  if elapsed < 0 then
    if -elapsed > ceil_div(quota * a, b) then stamp = now end
    return {stamp, a, fill}
  end
  fill = fill - elapsed * b -- exact, or far below zero
  return {now, a, fill > 0 and fill or 0}
end
local function bucket_wait(s, now, cost, quota, a, b)
  local over = s[3] + cost * a - quota * a
  if over <= 0 then return 0 end
  return ceil_div(over, b) + s[1] - now
end
local function bucket_left(s, now, quota, a, b)
  local fill = s[3]
  local room = quota * a - fill
  local remaining = room > 0 and div(room, a) or 0
  if fill == 0 then return remaining, 0, 0 end
  local ahead = s[1] - now
  return remaining, ceil_div(fill - a * (quota - remaining - 1), b) + ahead, ceil_div(fill, b) + ahead
end

-- window: a = length; for a calendar, the edges of four periods as text.
-- saved: start, end, count
local function bounds(now, a, calendar)
  if not calendar then
    local start = now - fmod(now, a)
    return start, start + a
  end
  local edges = {}
  for word in string.gmatch(a, '%d+') do edges[#edges + 1] = number(word) end
  local i = 1
  while i < #edges - 1 and edges[i + 1] <= now do i = i + 1 end
  return edges[i], edges[i + 1]
end
local function window_advance(text, now, a, calendar)
  local from, to = bounds(now, a, calendar)
  local start, ends, used = three(text)
  if start then
    local stepped_back = start > from and ends > now and start - now <= to - from
    if start == from or stepped_back then return {start, ends, used} end
  end
  return {from, to, 0}
end
local function window_wait(s, now, cost, quota)
  if s[3] + cost <= quota then return 0 end
  return s[2] - now
end
local function window_left(s, now, quota)
  local remaining = quota - s[3]
  return remaining > 0 and remaining or 0, s[2] - now, s[2] - now
end

-- sliding: a = length of a slice.
-- saved: number of the newest slice, counts from the newest to the oldest
local function slices(text)
  local s = {}
  for word in string.gmatch(text or '', '%d+') do s[#s + 1] = number(word) end
  if #s == SLICES + 2 then return s end
end
local function sliding_advance(text, now, a)
  local s, current = slices(text), div(now, a)
  local shift = s and current - s[1] or SLICES + 1
  if shift == 0 or shift < 0 and -shift <= SLICES + 1 then return s end
  local moved = {current}
  for age = 0, SLICES do
    moved[age + 2] = shift > 0 and age >= shift and s[age - shift + 2] or 0
  end
  return moved
end
local function used(s)
  local sum = 0
  for age = 0, SLICES do sum = sum + s[age + 2] end
  return sum
end
local function gone(s, age, a) return (s[1] - age + SLICES + 1) * a end
local function sliding_wait(s, now, cost, quota, a)
  local over = used(s) + cost - quota
  if over <= 0 then return 0 end
  for age = SLICES, 0, -1 do
    over = over - s[age + 2]
    if over <= 0 then return gone(s, age, a) - now end
  end
  return gone(s, 0, a) - now
end
local function sliding_left(s, now, quota, a)
  local remaining = quota - used(s)
  if remaining < 0 then remaining = 0 end
  for age = SLICES, 0, -1 do
    if s[age + 2] > 0 then return remaining, gone(s, age, a) - now, gone(s, 0, a) - now end
  end
  return remaining, 0, 0
end

local function advance(kind, text, now, quota, a, b)
  if kind == 'b' then return bucket_advance(text, now, quota, a, b) end
  if kind == 's' then return sliding_advance(text, now, a) end
  return window_advance(text, now, a, kind == 'c')
end
local function wait(kind, s, now, cost, quota, a, b)
  if kind == 'b' then return bucket_wait(s, now, cost, quota, a, b) end
  if kind == 's' then return sliding_wait(s, now, cost, quota, a) end
  return window_wait(s, now, cost, quota)
end
local function charge(kind, s, cost, a)
  if kind == 'b' then s[3] = s[3] + cost * a
  elseif kind == 's' then s[2] = s[2] + cost
  else s[3] = s[3] + cost end
end
local function left(kind, s, now, quota, a, b)
  if kind == 'b' then return bucket_left(s, now, quota, a, b) end
  if kind == 's' then return sliding_left(s, now, quota, a) end
  return window_left(s, now, quota)
end
local function save(key, kind, s, idle)
  local text = kind == 's' and table.concat(s, ' ') or format('%d %d %d', s[1], s[2], s[3])
  -- A second of slack: Redis' clock may step back while the key lives.
  call('SET', key, text, 'PX', format('%d', ceil_div(idle, 1000) + 1000))
end

local saved = call('MGET', unpack(KEYS))
if #KEYS > count and (saved[count + 1] or '') ~= ARGV[1] then
  return saved[count + 1] or ''
end

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local levels, allowed = {}, true
for i = 1, count do
  local at = 2 + (i - 1) * LEVEL
  local kind, cost, quota, a, b = ARGV[at], number(ARGV[at + 1]), number(ARGV[at + 3]), ARGV[at + 4], number(ARGV[at + 5])
  local shadow = kind < 'a'
  if shadow then kind = string.lower(kind) end
  if kind ~= 'c' then a = number(a) end
  local s = advance(kind, saved[i], now, quota, a, b)
  local time = wait(kind, s, now, cost, quota, a, b)
  if time > 0 and not shadow then allowed = false end
  levels[i] = {kind, cost, number(ARGV[at + 2]), quota, a, b, s, time}
end

local reply, more, n = {}, {}, 0
for i = 1, count do
  local kind, cost, extra, quota, a, b, s, time = unpack(levels[i])
  local charged = allowed and time == 0
  if charged then
    if extra > 0 and wait(kind, s, now, cost + extra, quota, a, b) == 0 then
      cost = cost + extra
      more[#more + 1] = i
    end
    charge(kind, s, cost, a)
  end
  local remaining, reset, idle = left(kind, s, now, quota, a, b)
  if charged then save(KEYS[i], kind, s, idle) end
  reply[n + 1], reply[n + 2], reply[n + 3] = time, remaining, reset
  n = n + 3
end
reply[n + 1] = now
for i = 1, #more do reply[n + 1 + i] = more[i] end
return reply
