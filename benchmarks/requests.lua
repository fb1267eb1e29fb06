-- wrk: send the calls of the file BENCH_CALLS in turn; report as one line of JSON.
local requests, position = {}, 0

function init(args)
  for line in io.lines(os.getenv("BENCH_CALLS")) do
    local method, path, token, size = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
    local body = nil
    if tonumber(size) > 0 then body = string.rep("x", tonumber(size)) end
    local headers = {["Authorization"] = "Bearer " .. token, ["Host"] = "gateway.example"}
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency, all)
  local errors = summary.errors
  io.write(string.format('RESULT {"answers":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
