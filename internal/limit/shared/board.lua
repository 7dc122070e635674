-- Notes that a gateway has been at the board, writes fields of a place of its, and answers whether it was there before. KEYS
-- are the list of gateways and, with fields, the place; ARGV the gateway's name, for how many milliseconds the list keeps one
-- that stays away, when the place goes in milliseconds since 1970, and the fields.
local clock = redis.call('TIME')
local millis = clock[1] * 1000 + math.floor(clock[2] / 1000)
local keep = tonumber(ARGV[2])
local added = redis.call('ZADD', KEYS[1], millis, ARGV[1])
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', millis - keep)
if #KEYS > 1 then
	redis.call('HSET', KEYS[2], unpack(ARGV, 4))
	redis.call('PEXPIREAT', KEYS[2], ARGV[3])
end
return 1 - added
