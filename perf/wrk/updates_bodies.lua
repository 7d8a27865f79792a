-- Updates in bodies: each takes the next OCEFS_BENCH_BODY orders, round robin, and alternates start_picking and
-- pause_picking pass by pass, as updates.lua does. A body answers 200 though some items failed, so the replies are
-- read: a problem has a "code".
local common = require("common")
local size = tonumber(os.getenv("OCEFS_BENCH_BODY") or "100")
local ids, n
items_failed = 0

function init(args)
  ids, n = common.orders(thread_index, thread_count), 0
end

function request()
  local items, at = {}, n
  for i = 1, size do
    local update = math.floor(at / #ids) % 2 == 0 and "start_picking" or "pause_picking"
    items[i] = '{"order_id":"' .. ids[at % #ids + 1] .. '","update":"' .. update .. '"}'
    at = at + 1
  end
  if unsent then unsent = false else n = at end
  local key = "b-" .. common.run .. "-" .. thread_index .. "-" .. at
  return common.post("/v1/order-updates", key, '{"updates":[' .. table.concat(items, ",") .. "]}")
end

function response(status, headers, body)
  local from = 1
  while true do
    local found = string.find(body, '"code":', from, true)
    if not found then return end
    items_failed = items_failed + 1
    from = found + 7
  end
end
