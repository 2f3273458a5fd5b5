-- For wrk: posts the lines of the file BODIES in turn, and says as JSON what came of it.

local requests = {}
local sent = 0

function init()
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = os.getenv("ACCEPT") }
  for line in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %g, "p99": %g, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout
  ))
end
