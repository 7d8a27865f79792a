-- Placements of 1 to 3 lines of different SKUs. OCEFS_BENCH_HOT_SHARE (80) percent of the lines ask for one of the
-- OCEFS_BENCH_HOT (20) hot SKUs, the others for one of OCEFS_BENCH_COLD (480). Customers stand near one or the other
-- of the two locations. Reproducible: the same seed gives the same orders.
local common = require("common")
local hot = tonumber(os.getenv("OCEFS_BENCH_HOT") or "20")
local cold = tonumber(os.getenv("OCEFS_BENCH_COLD") or "480")
local hot_share = tonumber(os.getenv("OCEFS_BENCH_HOT_SHARE") or "80")
local n = 0
local places = {
  '"ship_to":{"country":"US","postcode":"10001","city":"New York","lat":40.71,"lon":-74.01}',
  '"ship_to":{"country":"US","postcode":"90001","city":"Los Angeles","lat":34.05,"lon":-118.24}',
}

function init(args)
  math.randomseed(20240 + thread_index)
end

local function sku()
  if math.random(1, 100) <= hot_share then return string.format("BENCH-HOT-%03d", math.random(1, hot)) end
  return string.format("BENCH-COLD-%03d", math.random(1, cold))
end

function request()
  local lines, taken, count = {}, {}, math.random(1, 3)
  while #lines < count do
    local name = sku()
    if not taken[name] then
      taken[name] = true
      lines[#lines + 1] = '{"sku":"' .. name .. '","quantity":' .. math.random(1, 2)
        .. ',"unit_price":{"amount":1999,"currency":"USD"}}'
    end
  end
  if unsent then unsent = false else n = n + 1 end
  local ref = common.run .. "-" .. thread_index .. "-" .. n
  local body = '{"order_ref":"' .. ref .. '","channel":"online","customer":{"customer_ref":"c-' .. n % 5000
    .. '","country":"US"},' .. places[math.random(1, 2)] .. ',"lines":[' .. table.concat(lines, ",") .. "]}"
  return common.post("/v1/orders", "p-" .. ref, body)
end
