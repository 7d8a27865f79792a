-- Availability of 5 SKUs as shoppers ask for it: each from somewhere else in the country, about other SKUs (80 percent of them hot). Each
-- request is made when it is sent, so hardly any is asked twice.
local common = require("common")

function init(args)
  math.randomseed(20242 + thread_index)
end

function request()
  local taken, query = {}, {}
  while #query < 5 do
    local name = math.random(1, 100) <= 80 and string.format("BENCH-HOT-%03d", math.random(1, 20))
      or string.format("BENCH-COLD-%03d", math.random(1, 480))
    if not taken[name] then
      taken[name] = true
      query[#query + 1] = "sku=" .. name
    end
  end
  local at = string.format("&lat=%.2f&lon=%.2f", math.random(2500, 4900) / 100, math.random(-12400, -6700) / 100)
  return common.get("/v1/availability?" .. table.concat(query, "&") .. at)
end
