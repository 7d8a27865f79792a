-- Single updates, round robin over the orders: start_picking on the first pass, pause_picking on the second, and so
-- on. An order's next update comes only after all the others', long after its last one was answered, so every update
-- is legal; a 409 is an error. The harness brings all orders to `allocated` before the run.
local common = require("common")
local ids, n

function init(args)
  ids, n = common.orders(thread_index, thread_count), 0
end

local bodies = { [0] = '{"update":"start_picking"}', [1] = '{"update":"pause_picking"}' }

function request()
  local at, pass = n % #ids + 1, math.floor(n / #ids)
  if unsent then unsent = false else n = n + 1 end
  local key = "u-" .. common.run .. "-" .. thread_index .. "-" .. n
  return common.post("/v1/orders/" .. ids[at] .. "/updates", key, bodies[pass % 2])
end
