-- Count on several counters at once: all of them, or none when one is exhausted (see windows.py for the meaning,
-- cells.py for the same in Python).
--
-- ARGV: the time in seconds, or "" for the server's clock: replicas need not agree on the time;
--       "admit", or "add" to count whatever the limits;
--       then seven values a key: "rate", "quota" or "calendar"; limit; period in seconds, of "calendar" in months; amount;
--       1 if all of it has to be left; when a negative amount was counted, or ""; start of the first period of "quota".
-- Returns whether it was admitted, the time as text, then for each key what is used and, as text, the seconds to wait
-- (-1: for ever).
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

local function correct(log, amount, counted_at)
    for _, entry in ipairs(log) do
        if entry[2] >= counted_at then
            local taken = math.min(amount, entry[3])
            entry[3] = entry[3] - taken
            log.used = log.used - taken
            return
        end
    end
end

function Rate.add(log, demand)
    local last = log[#log]
    if demand.amount < 0 and demand.counted_at then
        if demand.counted_at > now - demand.period then
            correct(log, -demand.amount, demand.counted_at)
        end
        return
    end
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
    local excess = log.used - demand.threshold
    for _, entry in ipairs(log) do
        excess = excess - entry[3]
        if excess < 0 then
            return math.max(0, entry[2] + demand.period - now)
        end
    end
    return demand.period
end

local Quota = {}

function Quota.number(demand, moment)
    return demand.period > 0 and math.floor((moment - demand.start) / demand.period) or 0
end

function Quota.ends_at(demand)
    return demand.start + (demand.number + 1) * demand.period
end

function Quota.load(packed, demand)
    demand.number = demand.kind.number(demand, now)
    local stored = packed and cmsgpack.unpack(packed)
    return {used = stored and stored[1] == demand.number and stored[2] or 0}
end

function Quota.add(count, demand)
    if demand.amount < 0 and demand.counted_at and demand.kind.number(demand, demand.counted_at) ~= demand.number then
        return
    end
    count.used = math.max(0, count.used + demand.amount)
end

function Quota.save(key, count, demand)
    redis.call('SET', key, cmsgpack.pack({demand.number, count.used}))
    if demand.period > 0 then
        redis.call('PEXPIRE', key, math.max(1, math.ceil((demand.kind.ends_at(demand) - now) * 1000)))
    end
end

function Quota.wait(_, demand)
    return demand.period > 0 and math.max(0, demand.kind.ends_at(demand) - now) or -1
end

-- Months and years of the calendar, in UTC. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"
-- (https://howardhinnant.github.io/date_algorithms.html): years begin in March, so that the leap day is their last.
local Calendar = {load = Quota.load, add = Quota.add, save = Quota.save, wait = Quota.wait}

function Calendar.number(demand, moment)
    local days = math.floor(moment / 86400) + 719468
    local era = math.floor(days / 146097)
    local day = days - era * 146097
    local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
    local month = math.floor((5 * (day - (365 * year + math.floor(year / 4) - math.floor(year / 100))) + 2) / 153)
    -- March is 0 here, so January and February belong to the year before.
    return math.floor(((era * 400 + year) * 12 + month + 2) / demand.period)
end

function Calendar.ends_at(demand)
    local months = (demand.number + 1) * demand.period - 2
    local year, month = math.floor(months / 12), months % 12
    local era = math.floor(year / 400)
    local rest = year - era * 400
    local day = rest * 365 + math.floor(rest / 4) - math.floor(rest / 100) + math.floor((153 * month + 2) / 5)
    return (era * 146097 + day - 719468) * 86400
end

local KINDS = {rate = Rate, quota = Quota, calendar = Calendar}

local demands, counters = {}, {}
local admitted = true
for index, key in ipairs(KEYS) do
    local base = 2 + (index - 1) * 7
    local demand = {
        kind = KINDS[ARGV[base + 1]],
        limit = tonumber(ARGV[base + 2]),
        period = tonumber(ARGV[base + 3]),
        amount = tonumber(ARGV[base + 4]),
        whole = ARGV[base + 5] == '1',
        counted_at = tonumber(ARGV[base + 6]),
        start = tonumber(ARGV[base + 7]),
    }
    -- What is not ours cannot be read; it is counted from nothing, or this key would count as a server that fails.
    local is_read, loaded = pcall(demand.kind.load, redis.call('GET', key), demand)
    demands[index], counters[key] = demand, counters[key] or is_read and loaded or demand.kind.load(false, demand)
    -- It is admitted as soon as less than this is used; where it never is, as soon as nothing is.
    demand.threshold = demand.whole and math.max(1, demand.limit - demand.amount + 1) or demand.limit
    demand.exceeds = counters[key].used + (demand.whole and demand.amount - 1 or 0) >= demand.limit
    admitted = admitted and not demand.exceeds
end

if admitted or ARGV[2] == 'add' then
    for index, key in ipairs(KEYS) do
        demands[index].kind.add(counters[key], demands[index])
    end
    for index, key in ipairs(KEYS) do
        demands[index].kind.save(key, counters[key], demands[index])
    end
end

local answer = {admitted and 1 or 0, string.format('%.17g', now)}
for index, key in ipairs(KEYS) do
    local demand, counter = demands[index], counters[key]
    if admitted then
        demand.threshold = demand.limit
    end
    local waits = counter.used >= demand.limit or (not admitted and demand.exceeds)
    answer[#answer + 1] = counter.used
    answer[#answer + 1] = waits and string.format('%.6f', demand.kind.wait(counter, demand)) or '0'
end
return answer
