-- Adds what one node saw of one group in one window.
--
-- KEYS    the window's counts; the group's distributions
-- ARGV    until when the window's counts and the distributions live, in Unix
--         seconds; then for each thing that was counted: its kind (one letter),
--         whose it is, and how many units more
--
-- The distributions are one hash: for each kind and step of counts, n is how
-- many windows are in the step and s how many units they have; and of each kind
-- p is the peak and w whose it was. distribution.go says the same of steps.

local call, number = redis.call, tonumber
local window, seen = KEYS[1], KEYS[2]

local function step(count)
  if count < 16 then return count end
  local half, exponent = math.frexp(count)
  return 16 + (exponent - 5) * 8 + math.floor(half * 16) - 8
end

local function add(kind, count, sign)
  local name = kind .. string.format('%d', step(count))
  local windows = call('HINCRBY', seen, name .. 'n', sign)
  if windows == 0 then
    call('HDEL', seen, name .. 'n', name .. 's')
  else
    call('HINCRBY', seen, name .. 's', string.format('%d', sign * count))
  end
end

for i = 3, #ARGV, 3 do
  local kind, who, more = ARGV[i], ARGV[i + 1], number(ARGV[i + 2])
  local count = call('HINCRBY', window, kind .. who, ARGV[i + 2])
  if count > more then add(kind, count - more, -1) end
  add(kind, count, 1)
  if count > number(call('HGET', seen, kind .. 'p') or 0) then
    call('HSET', seen, kind .. 'p', string.format('%d', count), kind .. 'w', who)
  end
end
call('EXPIREAT', window, ARGV[1])
call('EXPIREAT', seen, ARGV[2])
return #ARGV
