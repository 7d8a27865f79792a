-- What the scripts share. Settings come by environment, because wrk passes none to setup().
-- A request is put together here and not by wrk.format: the generator shares the machine with what it measures, so
-- its own work must stay small.
local common = {}

common.run = os.getenv("OCEFS_BENCH_RUN") or tostring(os.time())
local host = os.getenv("OCEFS_BENCH_HOST") or "127.0.0.1"
local extra = os.getenv("OCEFS_BENCH_HEADERS") or ""

-- Every line of the file of order ids that belongs to this thread: with several threads each owns a slice, so that
-- no two of them ever move the same order.
function common.orders(thread_index, thread_count)
  local path = os.getenv("OCEFS_BENCH_ORDERS")
  local ids, n = {}, 0
  for line in io.lines(path) do
    if n % thread_count == thread_index then ids[#ids + 1] = line end
    n = n + 1
  end
  return ids
end

function common.post(path, key, body)
  return table.concat({
    "POST ", path, " HTTP/1.1\r\nHost: ", host, "\r\nContent-Type: application/json\r\n", extra,
    "Idempotency-Key: ", key, "\r\nContent-Length: ", #body, "\r\n\r\n", body,
  })
end

function common.get(path)
  return table.concat({ "GET ", path, " HTTP/1.1\r\nHost: ", host, "\r\n", extra, "\r\n" })
end

local threads = {}

-- wrk asks the first thread for one request that it never sends, to see whether the script works. The scripts must
-- not count that one, or their first order would be a step ahead.
function setup(thread)
  thread:set("thread_index", #threads)
  thread:set("unsent", #threads == 0)
  thread:set("thread_count", tonumber(os.getenv("OCEFS_BENCH_THREADS") or "1"))
  threads[#threads + 1] = thread
end

-- One line for the harness, in microseconds; and per work what the replies said (failed items of bodies).
function done(summary, latency, requests)
  local items_failed = 0
  for _, thread in ipairs(threads) do items_failed = items_failed + (thread:get("items_failed") or 0) end
  local errors = summary.errors
  io.write(string.format(
    'OCEFS {"requests":%d,"duration_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d,"max_us":%d,"status_errors":%d,'
      .. '"connect_errors":%d,"read_errors":%d,"write_errors":%d,"timeouts":%d,"items_failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    latency.max, errors.status, errors.connect, errors.read, errors.write, errors.timeout, items_failed))
end

return common
