-- Count on several counters at once: all of them, or none when one is exhausted (see windows.py for the meaning,
-- cells.py for the same in Python).
--
-- ARGV: the time in seconds, or "" for the server's clock: replicas need not agree on the time;
--       "admit", or "add" to count whatever the limits;
--       then five values a key: "rate" or "quota", limit, period in seconds, amount, start of the first period.
-- Returns whether it was admitted, then for each key what is used and, as text, the seconds to wait (-1: for ever).
--
-- A rate is kept as one packed list: first call, last call, amount, first call, …; a quota as {period number, amount}.

local EXACT_ENTRIES = 64

local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local Rate = {}

function Rate.load(packed, demand)
    local kept = {used = 0}
    local stored = packed and cmsgpack.unpack(packed) or {}
    for index = 1, #stored, 3 do
        if stored[index + 1] > now - demand.period then
            kept[#kept + 1] = {stored[index], stored[index + 1], stored[index + 2]}
            kept.used = kept.used + stored[index + 2]
        end
    end
    return kept
end

local function take_back(log, amount)
    while amount > 0 and #log > 0 do
        local taken = math.min(amount, log[#log][3])
        log[#log][3] = log[#log][3] - taken
        amount = amount - taken
        if log[#log][3] == 0 then
            table.remove(log)
        end
    end
end

function Rate.add(log, demand)
    local last = log[#log]
    log.used = math.max(0, log.used + demand.amount)
    if demand.amount < 0 then
        take_back(log, -demand.amount)
    elseif last and (now <= last[2] or (#log >= EXACT_ENTRIES and now - last[1] < demand.period / EXACT_ENTRIES)) then
        last[2] = math.max(now, last[2])
        last[3] = last[3] + demand.amount
    elseif demand.amount > 0 then
        log[#log + 1] = {now, now, demand.amount}
    end
end

function Rate.save(key, log, demand)
    if #log == 0 then
        redis.call('DEL', key)
        return
    end
    local flat = {}
    for _, entry in ipairs(log) do
        flat[#flat + 1], flat[#flat + 2], flat[#flat + 3] = entry[1], entry[2], entry[3]
    end
    redis.call('SET', key, cmsgpack.pack(flat), 'PX', math.ceil(demand.period * 1000))
end

function Rate.wait(log, demand)
    local excess = log.used - demand.limit
    for _, entry in ipairs(log) do
        excess = excess - entry[3]
        if excess < 0 then
            return math.max(0, entry[2] + demand.period - now)
        end
    end
    return 0
end

local Quota = {}

local function ends_at(demand)
    return demand.start + (demand.number + 1) * demand.period
end

function Quota.load(packed, demand)
    demand.number = demand.period > 0 and math.floor((now - demand.start) / demand.period) or 0
    local stored = packed and cmsgpack.unpack(packed)
    return {used = stored and stored[1] == demand.number and stored[2] or 0}
end

function Quota.add(count, demand)
    count.used = math.max(0, count.used + demand.amount)
end

function Quota.save(key, count, demand)
    redis.call('SET', key, cmsgpack.pack({demand.number, count.used}))
    if demand.period > 0 then
        redis.call('PEXPIRE', key, math.max(1, math.ceil((ends_at(demand) - now) * 1000)))
    end
end

function Quota.wait(_, demand)
    return demand.period > 0 and math.max(0, ends_at(demand) - now) or -1
end

local demands, counters = {}, {}
local admitted = true
for index, key in ipairs(KEYS) do
    local base = 2 + (index - 1) * 5
    local demand = {
        kind = ARGV[base + 1] == 'rate' and Rate or Quota,
        limit = tonumber(ARGV[base + 2]),
        period = tonumber(ARGV[base + 3]),
        amount = tonumber(ARGV[base + 4]),
        start = tonumber(ARGV[base + 5]),
    }
    -- What is not ours cannot be read; it is counted from nothing, or this key would count as a server that fails.
    local is_read, loaded = pcall(demand.kind.load, redis.call('GET', key), demand)
    demands[index], counters[key] = demand, counters[key] or is_read and loaded or demand.kind.load(false, demand)
    admitted = admitted and counters[key].used < demand.limit
end

if admitted or ARGV[2] == 'add' then
    for index, key in ipairs(KEYS) do
        demands[index].kind.add(counters[key], demands[index])
    end
    for index, key in ipairs(KEYS) do
        demands[index].kind.save(key, counters[key], demands[index])
    end
end

local answer = {admitted and 1 or 0}
for index, key in ipairs(KEYS) do
    local demand, counter = demands[index], counters[key]
    answer[#answer + 1] = counter.used
    answer[#answer + 1] = counter.used < demand.limit and '0' or string.format('%.6f', demand.kind.wait(counter, demand))
end
return answer
