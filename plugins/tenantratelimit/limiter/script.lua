-- Decides requests, one after the other. Of each request, all descriptors are charged
-- or none.
--
-- KEYS    for each request, a counter for each descriptor; then, if it has one, the
--         key of its tenant's overrides
-- ARGV    for each request:
--           how many descriptors it has. With overrides, this is -1 - that number, and
--           after it comes the text that the caller believes the overrides have;
--           for each descriptor six arguments: kind (b, s, f, c, or n for a limit of 0;
--           a capital for a shadow limit), cost, how much more to take if there is room for it (below
--           zero: the cost is charged in any case), quota (or burst), and two numbers
--           a and b that depend on the kind
-- Reply   one flat list: Redis' time, then for each request wait, remaining and reset
--         of each descriptor, in microseconds and units. A wait of 0 means that the
--         cost fits, and -1 that more was taken too. If the overrides have another text,
--         the request has that text alone: nothing was charged, and the caller works
--         out its limits again and asks again.
--
-- All numbers are whole and below 2^53, so that doubles count exactly. meter.go has the
-- same algorithms, and tests hold the two together.
--
-- Redis runs this whole text for each call, so what it sets up is shared by the requests
-- of the call. They mostly have the same limits, and often the same counters. So each
-- counter is read once, kept in `counters` while the requests change it one after the
-- other, and written once at the end. For speed, each number is parsed once, tables are
-- used again, and %d formats numbers: it takes an eighth of the time of %.0f, and is as
-- exact.

local DESCRIPTOR, SLICES = 6, 10 -- arguments of a descriptor; slices of a sliding window
local call, fmod, match, format, number = redis.call, math.fmod, string.match, string.format, tonumber

-- Each kind of counter is three functions, as in meter.go:
--   advance(s, now, ...)  the saved counter s, brought to now; s is nil if it is unused
--   wait(s, now, cost)    the time until cost fits, 0 if it fits now
--   left(s, now)          units left, the time until there are more, and the time until
--                         the counter says no more than an unused one
-- Where Redis' clock has stepped back by less than a window, a counter goes on from the
-- time that it has, so that the step gives nothing away.

-- Lua 5.1's % and / round; fmod does not.
local function div(a, b) return (a - fmod(a, b)) / b end
local function ceil_div(a, b) return div(a + b - 1, b) end

-- A token bucket, kept as its fill: charging fills it, time drains it, and it is full
-- where the burst is used up.
-- a = what a unit of cost fills it by, b = what drains in a microsecond
-- s = {time of the last change, a at that time, fill}
local function bucket()
  local function advance(s, now, quota, a, b)
    if not s or s[2] <= 0 then return {now, a, 0} end
    if s[2] ~= a then -- the limit's rate has changed: keep the units that are used
      local units = ceil_div(s[3], s[2])
      s[2], s[3] = a, (units < quota and units or quota) * a
    end
    local elapsed = now - s[1]
    if elapsed < 0 then
      if -elapsed > ceil_div(quota * a, b) then s[1] = now end -- a clock was wrong
      return s
    end
    local fill = s[3] - elapsed * b -- exact, or far below zero
    s[1], s[3] = now, fill > 0 and fill or 0
    return s
  end
  local function wait(s, now, cost, quota, a, b)
    local over = s[3] + cost * a - quota * a
    if over <= 0 then return 0 end
    return ceil_div(over, b) + s[1] - now
  end
  local function left(s, now, quota, a, b)
    local fill = s[3]
    local room = quota * a - fill
    local remaining = room > 0 and div(room, a) or 0
    if fill == 0 then return remaining, 0, 0 end
    local ahead = s[1] - now
    return remaining, ceil_div(fill - a * (quota - remaining - 1), b) + ahead, ceil_div(fill, b) + ahead
  end
  return advance, wait, left
end

-- A window, aligned or of a calendar. It starts again at each window's start.
-- a = the length; for a calendar, the starts of four periods as text, from the one before
--     the caller's now on: Redis' clock decides which of them it is
-- s = {start, end, units used}
local function window(calendar)
  local function bounds(now, a)
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
  local function advance(s, now, quota, a)
    local from, to = bounds(now, a)
    if s then
      local stepped_back = s[1] > from and s[2] > now and s[1] - now <= to - from
      if s[1] == from or stepped_back then return s end
    end
    return {from, to, 0}
  end
  local function wait(s, now, cost, quota)
    if s[3] + cost <= quota then return 0 end
    return s[2] - now
  end
  local function left(s, now, quota)
    local remaining = quota - s[3]
    return remaining > 0 and remaining or 0, s[2] - now, s[2] - now
  end
  return advance, wait, left
end

-- A sliding window, counted in slices: the one that is filled now and the ten before it
-- cover a whole window.
-- a = the length of a slice
-- s = {number of the newest slice, units used in each slice from the newest on}
local function sliding()
  local function used(s)
    local sum = 0
    for age = 0, SLICES do sum = sum + s[age + 2] end
    return sum
  end
  -- when the slice of that age leaves the window
  local function gone(s, age, a) return (s[1] - age + SLICES + 1) * a end
  local function advance(s, now, quota, a)
    local current = div(now, a)
    local shift = s and current - s[1] or SLICES + 1
    if shift == 0 or shift < 0 and -shift <= SLICES + 1 then return s end
    local moved = {current}
    for age = 0, SLICES do
      moved[age + 2] = shift > 0 and age >= shift and s[age - shift + 2] or 0
    end
    return moved
  end
  local function wait(s, now, cost, quota, a)
    local over = used(s) + cost - quota
    if over <= 0 then return 0 end
    for age = SLICES, 0, -1 do
      over = over - s[age + 2]
      if over <= 0 then return gone(s, age, a) - now end
    end
    return gone(s, 0, a) - now
  end
  local function left(s, now, quota, a)
    local remaining = quota - used(s)
    if remaining < 0 then remaining = 0 end
    for age = SLICES, 0, -1 do
      if s[age + 2] > 0 then return remaining, gone(s, age, a) - now, gone(s, 0, a) - now end
    end
    return remaining, 0, 0
  end
  return advance, wait, left
end

-- A limit of 0, of any algorithm: nothing has room, and what is saved stays as it is, for
-- when the limit is raised.
-- a = the time until the caller asks again
local function blocked()
  local function advance(s) return s end
  local function wait(s, now, cost, quota, a) return a end
  local function left(s, now, quota, a) return 0, a, 0 end
  return advance, wait, left
end

-- A counter is saved as whole numbers in text. Anything else is an unused counter.
local function parse(kind, text)
  if not text then return end
  if kind ~= 's' then
    local x, y, z = match(text, '^(%d+) (%d+) (%d+)$')
    return x and {number(x), number(y), number(z)}
  end
  local s = {}
  for word in string.gmatch(text, '%d+') do s[#s + 1] = number(word) end
  return #s == SLICES + 2 and s
end

-- {letter, is a shadow, advance, wait, left} by the letter in ARGV. Only the kinds that a
-- call needs are made.
local kinds = {}
local function kind_of(letter)
  local kind = {string.lower(letter), letter < 'a'}
  if kind[1] == 'b' then kind[3], kind[4], kind[5] = bucket()
  elseif kind[1] == 's' then kind[3], kind[4], kind[5] = sliding()
  elseif kind[1] == 'n' then kind[3], kind[4], kind[5] = blocked()
  else kind[3], kind[4], kind[5] = window(kind[1] == 'c') end
  kinds[letter] = kind
  return kind
end

-- Numbers by their text, each parsed once.
local numbers = setmetatable({}, {__index = function(known, text)
  local n = number(text)
  known[text] = n
  return n
end})

local saved = call('MGET', unpack(KEYS))
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
-- counters are those of this call by key; changed has the keys to write, with the time
-- until each is idle. descriptors are those of one request, in tables that the next one
-- uses again. k is the last key that was read, v the next argument, r the last place in
-- the reply that was written.
local counters, changed, descriptors, reply, k, v, r = {}, {}, {}, {now}, 0, 1, 1

-- read brings the counters of a request's descriptors to now, and says whether all
-- enforced limits have room.
local function read(count)
  local allowed = true
  for i = 1, count do
    local kind = kinds[ARGV[v]] or kind_of(ARGV[v])
    local key, letter = KEYS[k + i], kind[1]
    local cost, quota, a, b = numbers[ARGV[v + 1]], numbers[ARGV[v + 3]], ARGV[v + 4], numbers[ARGV[v + 5]]
    if letter ~= 'c' then a = numbers[a] end
    local s = kind[3](counters[key] or letter ~= 'n' and parse(letter, saved[k + i]) or nil, now, quota, a, b)
    counters[key] = s
    local wait = kind[4](s, now, cost, quota, a, b)
    if wait > 0 and not kind[2] then allowed = false end
    local d = descriptors[i]
    if d then
      d[1], d[2], d[3], d[4], d[5], d[6] = kind, cost, quota, a, b, wait
    else
      descriptors[i] = {kind, cost, quota, a, b, wait}
    end
    v = v + DESCRIPTOR
  end
  return allowed
end

-- decide charges a request, and writes what becomes of it. A denied one is charged
-- nothing, but for what is unconditional (more < 0): that was admitted already.
local function decide(count)
  local first = v
  local allowed = read(count)
  for i = 1, count do
    local d, key = descriptors[i], KEYS[k + i]
    local kind, cost, quota, a, b, wait = d[1], d[2], d[3], d[4], d[5], d[6]
    local s = counters[key]
    local more = numbers[ARGV[first + (i - 1) * DESCRIPTOR + 2]]
    local charged = (allowed and wait == 0 or more < 0) and kind[1] ~= 'n'
    if charged then
      if more > 0 and kind[4](s, now, cost + more, quota, a, b) == 0 then
        cost, wait = cost + more, -1
      end
      if kind[1] == 's' then s[2] = s[2] + cost
      elseif kind[1] == 'b' then s[3] = s[3] + cost * a
      else s[3] = s[3] + cost end
    end
    local remaining, reset, idle = kind[5](s, now, quota, a, b)
    if charged and cost > 0 then changed[key] = idle end
    reply[r + 1], reply[r + 2], reply[r + 3] = wait, remaining, reset
    r = r + 3
  end
end

while v <= #ARGV do
  local count = number(ARGV[v])
  v = v + 1
  local keys, overrides = count, nil
  if count < 0 then
    keys = -count
    count = keys - 1
    local text = saved[k + keys] or ''
    if text ~= ARGV[v] then overrides = text end
    v = v + 1
  end
  if overrides then -- others than the caller believes
    v, r = v + count * DESCRIPTOR, r + 1
    reply[r] = overrides
  else
    decide(count)
  end
  k = k + keys
end

for key, idle in pairs(changed) do
  -- A counter is forgotten when it says no more than an unused one. A second of
  -- slack: Redis' clock may step back while the key lives.
  local s = counters[key]
  local text = #s > 3 and table.concat(s, ' ') or format('%d %d %d', s[1], s[2], s[3])
  call('SET', key, text, 'PX', format('%d', ceil_div(idle, 1000) + 1000))
end
return reply
