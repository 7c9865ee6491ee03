-- Posts the requests of a file, each once, in their order; ends when they are used up.
-- Arguments: the file, and the name of a header. The file has two lines a request: the header's value, the body.
local requests, at = {}, 0

function init(arguments)
  local name, value = arguments[2], nil
  for line in io.lines(arguments[1]) do
    if value == nil then
      value = line
    else
      local headers = { ["Content-Type"] = "application/json" }
      if name ~= "" then headers[name] = value end
      requests[#requests + 1] = wrk.format("POST", nil, headers, line)
      value = nil
    end
  end
end

function request()
  at = at + 1
  if at > #requests then wrk.thread:stop() end
  return requests[math.min(at, #requests)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"status":%d,"lost":%d,"p50_ms":%f,"p99_ms":%f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
