-- Charges a request to all of its quotas and gives it all of its places, or does none of that. What goes in and out is
-- told in take.go. Times are pairs of seconds and nanoseconds: a year of nanoseconds is more than a number of Lua holds.
local second = 1000000000
local clock = redis.call('TIME')
local now, nanos = tonumber(clock[1]), clock[2] * 1000
local millis = now * 1000 + math.floor(clock[2] / 1000)
local ask, lease = ARGV[1], tonumber(ARGV[2])

local charges, key, member, at, ok = {}, 1, 3, 1, true
while at <= #ask do
	local c = {}
	local rates, at_once
	rates, at_once, at = struct.unpack('<BI4', ask, at)
	if rates > 0 then
		c.key, key = KEYS[key], key + 1
		local kept = redis.call('GET', c.key)
		if kept and #kept ~= 9 * rates then
			return redis.error_reply('ERR ' .. c.key .. ' holds no counts')
		end
		for i = 1, rates do
			-- The whole bucket, what the request costs, and the most that may be used before it.
			local full, full_n, cost, cost_n, most, most_n
			full, full_n, cost, cost_n, most, most_n, at = struct.unpack('<I4I4I4I4I4I4', ask, at)
			local used, used_n = 0, 0
			if kept then
				local tat, tat_n = struct.unpack('<I5I4', kept, 9 * i - 8)
				used, used_n = tat - now, tat_n - nanos
				if used_n < 0 then
					used, used_n = used - 1, used_n + second
				end
				if used < 0 then
					used, used_n = 0, 0
				elseif used > full or used == full and used_n > full_n then
					used, used_n = full, full_n
				end
			end
			ok = ok and (used < most or used == most and used_n <= most_n)
			c[i] = {used, used_n, cost, cost_n}
		end
	end
	if at_once > 0 then
		c.places, key = KEYS[key], key + 1
		c.member, member = ARGV[member], member + 1
		c.held = redis.call('ZCOUNT', c.places, '(' .. millis, '+inf')
		ok = ok and c.held < at_once
	end
	charges[#charges + 1] = c
end

local answer = {struct.pack('<B', ok and 1 or 0)}
for _, c in ipairs(charges) do
	local tats, last = {}, 0
	for i, r in ipairs(c) do
		local used, used_n = r[1], r[2]
		if ok then
			used, used_n = used + r[3], used_n + r[4]
			if used_n >= second then
				used, used_n = used + 1, used_n - second
			end
			local tat, tat_n = now + used, nanos + used_n
			if tat_n >= second then
				tat, tat_n = tat + 1, tat_n - second
			end
			tats[i] = struct.pack('<I5I4', tat, tat_n)
			last = math.max(last, used * 1000 + math.ceil(used_n / 1000000))
		end
		answer[#answer + 1] = struct.pack('<I4I4', used, used_n)
	end
	if last > 0 then -- a full bucket need not be kept
		redis.call('SET', c.key, table.concat(tats), 'PX', last + 1000)
	end
	if c.places then
		if ok then
			redis.call('ZREMRANGEBYSCORE', c.places, '-inf', millis)
			redis.call('ZADD', c.places, millis + lease, c.member)
			redis.call('PEXPIRE', c.places, lease + 1000)
			c.held = c.held + 1
		end
		answer[#answer + 1] = struct.pack('<I4', c.held)
	end
end
return table.concat(answer)
