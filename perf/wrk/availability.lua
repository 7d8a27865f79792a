-- Availability of 5 SKUs (or as many as SKUS says) near a point; 80 percent of the SKUs asked for are hot. The requests are made before the
-- run, since a read repeats freely.
local common = require("common")
local requests, n = {}, 0

function init(args)
  math.randomseed(20241 + thread_index)
  for i = 1, 500 do
    local taken, query = {}, {}
    while #query < (SKUS or 5) do
      local name = math.random(1, 100) <= 80 and string.format("BENCH-HOT-%03d", math.random(1, 20))
        or string.format("BENCH-COLD-%03d", math.random(1, 480))
      if not taken[name] then
        taken[name] = true
        query[#query + 1] = "sku=" .. name
      end
    end
    requests[i] = common.get("/v1/availability?" .. table.concat(query, "&") .. "&lat=40.71&lon=-74.01")
  end
end

function request()
  n = n % #requests + 1
  return requests[n]
end
