-- wrk: send the requests of the file BENCH_CALLS in turn; report as one line of JSON.
-- A line is a request with tabs in place of line ends; NUMBER is another number of 16 digits each time it is sent.
local requests, changing, position = {}, {}, 0
local serial = (os.time() - 1700000000) * 100000

function init(args)
  for line in io.lines(os.getenv("BENCH_CALLS")) do
    requests[#requests + 1] = (line:gsub("\t", "\r\n"))
    changing[#requests] = line:find("NUMBER", 1, true) ~= nil
  end
end

function request()
  position = position % #requests + 1
  if not changing[position] then return requests[position] end
  serial = serial + 1
  return (requests[position]:gsub("NUMBER", string.format("%016d", serial)))
end

function done(summary, latency, all)
  local errors = summary.errors
  io.write(string.format('RESULT {"answers":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
