-- wrk: each request with the next key of a file. `wrk … -s rotate.lua URL -- FILE HEADER PREFIX`
local ready, turn = {}, 0

function init(arguments)
  local file, header, prefix = arguments[1], arguments[2], arguments[3] or ""
  for line in io.lines(file) do
    ready[#ready + 1] = wrk.format("GET", nil, {[header] = prefix .. line, ["X-Original-URI"] = "/orders/7", ["X-Original-Method"] = "GET"})
  end
  math.randomseed(os.time())
  turn = math.random(#ready)
end

function request()
  turn = turn % #ready + 1
  return ready[turn]
end

function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
