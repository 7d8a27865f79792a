-- As availability.lua, of 50 SKUs a request.
SKUS = 50
require("availability")
