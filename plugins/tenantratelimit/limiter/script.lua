-- Decides every level of one request in one step: all are charged, or none.
--
-- KEYS    a counter for each level; then, if there is one, the key of the
--         tenant's overrides
-- ARGV    the override text that the caller believes in, then six for each
--         level: kind, 1 if shadow, cost, quota (or burst), and two numbers
--         that depend on the kind
-- Reply   {fits, remaining, reset, retry} for each level, flat; times in
--         microseconds. Or, if the overrides differ, their text: the caller
--         computes its limits again and asks again. Nothing was charged then.
--
-- All numbers are whole and below 2^53. The Go code in meter.go says the same
-- and explains why; tests hold the two together.

local LEVEL, SLICES = 6, 10
local count = (#ARGV - 1) / LEVEL
local fmod, max, match, format, number = math.fmod, math.max, string.match, string.format, tonumber

-- Lua 5.1's % and / round; fmod does not.
local function div(a, b) return (a - fmod(a, b)) / b end
local function ceil_div(a, b) return div(a + b - 1, b) end

-- What is saved is whole numbers in text; anything else is an unused counter.
local function parse_three(text)
  local a, b, c = match(text, '^(%d+) (%d+) (%d+)$')
  return a and {number(a), number(b), number(c)}
end
local function format_three(s) return format('%.0f %.0f %.0f', s[1], s[2], s[3]) end

-- bucket: a = fill by a unit of cost, b = drained in a microsecond.
-- saved: stamp, unit that the fill is counted in, fill
local bucket = {parse = parse_three, format = format_three}
function bucket.advance(s, now, p)
  if not s or s[2] <= 0 then return {now, p.a, 0} end
  local stamp, unit, fill = s[1], s[2], s[3]
  if unit ~= p.a then fill = math.min(ceil_div(fill, unit), p.quota) * p.a end
  if stamp > now then
    if stamp - now > ceil_div(p.quota * p.a, p.b) then stamp = now end
    return {stamp, p.a, fill}
  end
  local elapsed = now - stamp
  if elapsed >= ceil_div(fill, p.b) then fill = 0 else fill = fill - elapsed * p.b end
  return {now, p.a, fill}
end
function bucket.wait(s, now, p)
  local over = s[3] + p.cost * p.a - p.quota * p.a
  if over <= 0 then return 0 end
  return ceil_div(over, p.b) + s[1] - now
end
function bucket.charge(s, p) s[3] = s[3] + p.cost * p.a end
function bucket.left(s, now, p)
  local fill, ahead = s[3], s[1] - now
  local remaining = div(max(0, p.quota * p.a - fill), p.a)
  if fill == 0 then return remaining, 0, 0 end
  local next = fill - p.a * (p.quota - remaining - 1)
  return remaining, ceil_div(next, p.b) + ahead, ceil_div(fill, p.b) + ahead
end

-- window: a = length, or for a calendar the edges of four periods as text.
-- saved: start, end, count
local window = {parse = parse_three, format = format_three}
local function bounds(now, p)
  if p.edges == nil then
    local start = now - fmod(now, p.a)
    return start, start + p.a
  end
  local i = 1
  while i < #p.edges - 1 and p.edges[i + 1] <= now do i = i + 1 end
  return p.edges[i], p.edges[i + 1]
end
local function edges(text)
  local list = {}
  for word in string.gmatch(text, '%d+') do list[#list + 1] = number(word) end
  return list
end
function window.advance(s, now, p)
  local from, to = bounds(now, p)
  if s then
    local stepped_back = s[1] > from and s[2] > now and s[1] - now <= to - from
    if s[1] == from or stepped_back then return s end
  end
  return {from, to, 0}
end
function window.wait(s, now, p)
  if s[3] + p.cost <= p.quota then return 0 end
  return s[2] - now
end
function window.charge(s, p) s[3] = s[3] + p.cost end
function window.left(s, now, p)
  return max(0, p.quota - s[3]), s[2] - now, s[2] - now
end

-- sliding: a = length of a slice.
-- saved: number of the newest slice, counts from the newest to the oldest
local sliding = {}
function sliding.parse(text)
  local s = {}
  for word in string.gmatch(text, '%d+') do s[#s + 1] = number(word) end
  if #s ~= SLICES + 2 then return nil end
  return s
end
function sliding.format(s) return table.concat(s, ' ') end
function sliding.advance(s, now, p)
  local current = div(now, p.a)
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
local function gone(s, age, p) return (s[1] - age + SLICES + 1) * p.a end
function sliding.wait(s, now, p)
  local over = used(s) + p.cost - p.quota
  if over <= 0 then return 0 end
  for age = SLICES, 0, -1 do
    over = over - s[age + 2]
    if over <= 0 then return gone(s, age, p) - now end
  end
  return gone(s, 0, p) - now
end
function sliding.charge(s, p) s[2] = s[2] + p.cost end
function sliding.left(s, now, p)
  local remaining = max(0, p.quota - used(s))
  for age = SLICES, 0, -1 do
    if s[age + 2] > 0 then return remaining, gone(s, age, p) - now, gone(s, 0, p) - now end
  end
  return remaining, 0, 0
end

local kinds = {b = bucket, f = window, c = window, s = sliding}

local saved = redis.call('MGET', unpack(KEYS))
if #KEYS > count and (saved[count + 1] or '') ~= ARGV[1] then
  return saved[count + 1] or ''
end

local clock = redis.call('TIME')
local now = number(clock[1]) * 1000000 + number(clock[2])

local levels, allowed = {}, true
for i = 1, count do
  local at = 2 + (i - 1) * LEVEL
  local p = {cost = number(ARGV[at + 2]), quota = number(ARGV[at + 3]), b = number(ARGV[at + 5])}
  if ARGV[at] == 'c' then p.edges = edges(ARGV[at + 4]) else p.a = number(ARGV[at + 4]) end
  local kind = kinds[ARGV[at]]
  local state = kind.advance(saved[i] and kind.parse(saved[i]), now, p)
  local wait = kind.wait(state, now, p)
  if wait > 0 and ARGV[at + 1] ~= '1' then allowed = false end
  levels[i] = {kind = kind, p = p, state = state, wait = wait}
end

local reply = {}
for i, level in ipairs(levels) do
  local kind, state = level.kind, level.state
  local fits = level.wait == 0
  if allowed and fits then kind.charge(state, level.p) end
  local remaining, reset, idle = kind.left(state, now, level.p)
  if allowed and fits then
    -- A second of slack: Redis' clock may step back while the key lives.
    redis.call('SET', KEYS[i], kind.format(state), 'PX', format('%.0f', ceil_div(idle, 1000) + 1000))
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = fits and 1 or 0, remaining, reset, level.wait
end
return reply
