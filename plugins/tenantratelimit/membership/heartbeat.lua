-- Says that a node is alive, and forgets those that say nothing any more.
--
-- KEYS    the nodes' last heartbeats by Redis' clock
-- ARGV    this node, and how long one lives after its last heartbeat, in milliseconds
-- Reply   how many nodes live

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%d', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
