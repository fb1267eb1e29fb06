-- wrk: send the calls of the file BENCH_CALLS in turn; report as one line of JSON.
-- A body is a number (of bytes) or JSON, in which NUMBER is another number in every request, in every run.
local requests, position = {}, 0
local serial = (os.time() - 1700000000) * 100000

function init(args)
  for line in io.lines(os.getenv("BENCH_CALLS")) do
    local method, path, token, size = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
    local body = nil
    local headers = {["Authorization"] = "Bearer " .. token, ["Host"] = "gateway.example"}
    if tonumber(size) == nil then
      headers["Content-Type"] = "application/json"
      requests[#requests + 1] = {method, path, headers, size}
    else
      if tonumber(size) > 0 then body = string.rep("x", tonumber(size)) end
      requests[#requests + 1] = wrk.format(method, path, headers, body)
    end
  end
end

function request()
  position = position % #requests + 1
  local call = requests[position]
  if type(call) == "string" then return call end
  serial = serial + 1
  return wrk.format(call[1], call[2], call[3], (call[4]:gsub("NUMBER", string.format("%d", serial))))
end

function done(summary, latency, all)
  local errors = summary.errors
  io.write(string.format('RESULT {"answers":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
