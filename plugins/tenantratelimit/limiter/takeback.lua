-- Takes back what script.lua charged, where a level in another slot of a Redis
-- Cluster denied the request. Never more: what has drained, or belongs to a
-- window that is over, is gone already, and was not the caller's to give.
--
-- KEYS    a counter for each level
-- ARGV    Redis' time at the charge, then four for each level: kind, what was
--         charged, and script.lua's two numbers that depend on the kind
-- Reply   how many counters were changed

local LEVEL, SLICES = 4, 10
local call, match, format, number = redis.call, string.match, string.format, tonumber
local at, changed = number(ARGV[1]), 0

-- bucket: what was charged has drained since, or something older has; the
-- smaller rest is certain to be there.
local function bucket(text, units, a, b)
  local stamp, unit, fill = match(text, '^(%d+) (%d+) (%d+)$')
  if not stamp or number(unit) ~= a then return end
  local elapsed = stamp - at
  local rest = units * a - (elapsed > 0 and elapsed or 0) * b
  if rest <= 0 then return end
  fill = fill - rest
  return format('%d %d %d', stamp, unit, fill > 0 and fill or 0)
end

local function window(text, units)
  local from, to, used = match(text, '^(%d+) (%d+) (%d+)$')
  if not from or at < number(from) or at >= number(to) then return end
  used = used - units
  return format('%d %d %d', from, to, used > 0 and used or 0)
end

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
    local n = 2 + (i - 1) * LEVEL
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
