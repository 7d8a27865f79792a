-- Updates in bodies: the orders are cut into groups of OCEFS_BENCH_BODY; a body moves one group, and the group's next
-- body is sent only after its last one was answered (the answer names its first order), so every update is legal
-- however long a body takes. A body answers 200 though some items failed, so replies are read: a problem has a "code".
local common = require("common")
local size = tonumber(os.getenv("OCEFS_BENCH_BODY") or "100")
-- A queue with its own ends: `#` is not defined for a table whose first places were cleared.
local by_first, free, head, tail = {}, {}, 1, 0
local n = 0
items_failed = 0

function init(args)
  local ids = common.orders(thread_index, thread_count)
  for start = 1, #ids - size + 1, size do
    local group = { pass = 0, first = ids[start], bodies = {} }
    for pass, update in pairs({ [0] = "start_picking", [1] = "pause_picking" }) do
      local items = {}
      for i = 0, size - 1 do items[i + 1] = '{"order_id":"' .. ids[start + i] .. '","update":"' .. update .. '"}' end
      group.bodies[pass] = '{"updates":[' .. table.concat(items, ",") .. "]}"
    end
    by_first[group.first] = group
    tail = tail + 1
    free[tail] = group
  end
end

function request()
  local group = free[head]
  if not group then error("too few orders for so many connections, or too many bodies without an answer") end
  if unsent then unsent = false else
    free[head] = nil
    head = head + 1
    n = n + 1
  end
  return common.post("/v1/order-updates", "b-" .. common.run .. "-" .. thread_index .. "-" .. n, group.bodies[group.pass])
end

function response(status, headers, body)
  local group = by_first[string.match(body, '"order_id":"([^"]+)"') or ""]
  if group then
    group.pass = 1 - group.pass
    tail = tail + 1
    free[tail] = group
  end
  local from = 1
  while true do
    local found = string.find(body, '"code":', from, true)
    if not found then return end
    items_failed = items_failed + 1
    from = found + 7
  end
end
