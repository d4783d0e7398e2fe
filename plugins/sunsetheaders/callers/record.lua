-- Adds what one node saw of one caller of one API version.
--
-- KEYS    the version's callers, a sorted set by when they are forgotten; the caller's
--         hash; the hash of all those for whom there is no room
-- ARGV    the caller in a key; the caller as JSON; that of the others in a key, and as
--         JSON; how many callers there is room for, and how many agents and days of each;
--         now; the first call; the last; when the version ends, or 0; for how long after
--         the version, and for how long after the last call, a caller is kept; how many
--         agents follow; the agents; then for each day: the day, and its counts as d12b3.
--         Times are in Unix seconds, and spans in seconds.
--
-- The hash has first, last, a field w<name> for each name of the caller, a field u<agent>
-- with when it was seen last, and a field d<day> with the day's counts. No value is long:
-- Redis keeps small hashes of short values in a fraction of the room.

local call, number = redis.call, tonumber
local index, key = KEYS[1], KEYS[2]
local id, who = ARGV[1], ARGV[2]
local room, most_agents, most_days = number(ARGV[5]), number(ARGV[6]), number(ARGV[7])
local now, first, last, ends = ARGV[8], number(ARGV[9]), number(ARGV[10]), number(ARGV[11])
local after_end, after_call = number(ARGV[12]), number(ARGV[13])
local agents = number(ARGV[14])

local function text(n) return string.format('%.0f', n) end

call('ZREMRANGEBYSCORE', index, '-inf', now)
if call('EXISTS', key) == 0 and call('ZCARD', index) >= room then
  key, id, who = KEYS[3], ARGV[3], ARGV[4]
end

local fields, flat = {}, call('HGETALL', key)
for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end

local set, gone = {}, {}
local function put(field, value)
  fields[field] = value
  set[field] = value
end

-- The oldest goes where there are too many, by its age and then by its name.
local function bound(letter, most, age)
  local names = {}
  for field in pairs(fields) do
    if string.sub(field, 1, 1) == letter then names[#names + 1] = field end
  end
  if #names <= most then return end
  table.sort(names, function(a, b)
    local x, y = age(a), age(b)
    if x == y then return a < b end
    return x < y
  end)
  for i = 1, #names - most do
    gone[#gone + 1] = names[i]
    set[names[i]] = nil
  end
end

for name, value in pairs(cjson.decode(who)) do put('w' .. name, value) end
first = math.min(first, number(fields.first or first))
last = math.max(last, number(fields.last or last))
put('first', text(first))
put('last', text(last))

for i = 15, 14 + agents do
  local field = 'u' .. ARGV[i]
  put(field, text(math.max(number(ARGV[10]), number(fields[field] or 0))))
end
bound('u', most_agents, function(field) return number(fields[field]) end)

for i = 15 + agents, #ARGV, 2 do
  local field, counts = 'd' .. ARGV[i], {}
  for stage, n in string.gmatch((fields[field] or '') .. ARGV[i + 1], '(%a)(%d+)') do
    counts[stage] = (counts[stage] or 0) + number(n)
  end
  local all = ''
  for stage, n in pairs(counts) do all = all .. stage .. text(n) end
  put(field, all)
end
bound('d', most_days, function(field) return number(string.sub(field, 2)) end)

local args = {}
for field, value in pairs(set) do
  args[#args + 1] = field
  args[#args + 1] = value
end
call('HSET', key, unpack(args))
if #gone > 0 then call('HDEL', key, unpack(gone)) end

local until_ = math.min(math.max(ends, last) + after_end, last + after_call)
call('EXPIREAT', key, text(until_))
call('ZADD', index, text(until_), id)
local longest = call('ZRANGE', index, -1, -1, 'WITHSCORES')
call('EXPIREAT', index, text(number(longest[2])))
return 1
