-- Says that a gateway lives, renews the places of its requests under way, takes back those it gives back, and answers how
-- many gateways live. KEYS are the list of gateways and the keys of the places; ARGV the gateway's name, the lease in
-- milliseconds or 0 to take leave, how many of the places to renew, and the places' names.
local clock = redis.call('TIME')
local millis = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, renew = tonumber(ARGV[2]), tonumber(ARGV[3])
if lease > 0 then -- before all else, for Redis refuses this where it has no room for counts, unless it has written already
	redis.call('ZADD', KEYS[1], millis + lease, ARGV[1])
	redis.call('PEXPIRE', KEYS[1], lease + 1000)
else
	redis.call('ZREM', KEYS[1], ARGV[1])
end
for i = 2, #KEYS do
	local member = ARGV[i + 2]
	if i - 1 <= renew then
		redis.call('ZADD', KEYS[i], millis + lease, member)
		redis.call('PEXPIRE', KEYS[i], lease + 1000)
	else
		redis.call('ZREM', KEYS[i], member)
	end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', millis)
return redis.call('ZCARD', KEYS[1])
