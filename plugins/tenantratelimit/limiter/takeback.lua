-- Takes back what script.lua charged for a request that was then not admitted: another
-- slot of a Redis Cluster denied it, or the answer came too late for it.
--
-- Never more than what is certain to be still there: a unit that has drained from a
-- bucket meanwhile, or was charged in a window that is over, is gone already. To give it
-- back would make room that nobody used.
--
-- KEYS    a counter for each descriptor
-- ARGV    Redis' time at the charge, then four for each descriptor: kind, what was
--         charged, and script.lua's two numbers a and b that depend on the kind
-- Reply   how many counters were changed

local DESCRIPTOR, SLICES = 4, 10
local call, match, format, number = redis.call, string.match, string.format, tonumber
local at, changed = number(ARGV[1]), 0

-- A bucket does not say which of its units have drained since the charge. At worst it
-- was those that were charged: what is left of them then is certain to be there.
local function bucket(text, units, a, b)
  local stamp, unit, fill = match(text, '^(%d+) (%d+) (%d+)$')
  if not stamp or number(unit) ~= a then return end
  local elapsed = stamp - at
  local rest = units * a - (elapsed > 0 and elapsed or 0) * b
  if rest <= 0 then return end
  fill = fill - rest
  return format('%d %d %d', stamp, unit, fill > 0 and fill or 0)
end

-- The charge counts only in its own window.
local function window(text, units)
  local from, to, used = match(text, '^(%d+) (%d+) (%d+)$')
  if not from or at < number(from) or at >= number(to) then return end
  used = used - units
  return format('%d %d %d', from, to, used > 0 and used or 0)
end

-- The charge is in the slice of its time, if the window still covers that.
local function sliding(text, units, a)
  local s = {}
  for word in string.gmatch(text, '%d+') do s[#s + 1] = number(word) end
  if #s ~= SLICES + 2 then return end
  local age = s[1] - (at - math.fmod(at, a)) / a
  if age < 0 or age > SLICES then return end
  local left = s[age + 2] - units
  s[age + 2] = left > 0 and left or 0
  return table.concat(s, ' ')
end

for i, key in ipairs(KEYS) do
  local text = call('GET', key)
  if text then
    local n = 2 + (i - 1) * DESCRIPTOR
    local kind, units, a, b = string.lower(ARGV[n]), number(ARGV[n + 1]), number(ARGV[n + 2]), number(ARGV[n + 3])
    local less
    if kind == 'b' then less = bucket(text, units, a, b)
    elseif kind == 's' then less = sliding(text, units, a)
    else less = window(text, units) end
    if less then
      call('SET', key, less, 'KEEPTTL')
      changed = changed + 1
    end
  end
end
return changed
