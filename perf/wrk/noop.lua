-- The no-op route: what the door alone can do.
local common = require("common")
local text

function init(args)
  text = common.get("/noop")
end

function request()
  return text
end
