-- The region whose centre is nearest to the `lat` and `lon` of the query, both in degrees.
-- Loaded with one argument a region: name=lat,lon. Answers nothing for anything that is not a place on Earth, so
-- that the caller gets the default region. Pure arithmetic: no state, no I/O.

local centres = {}
for _, argument in ipairs(table.pack(...)) do
    local name, lat, lon = argument:match("^([a-z0-9]+)=([-0-9.e]+),([-0-9.e]+)$")
    centres[#centres + 1] = { name = name, lat = math.rad(tonumber(lat)), lon = math.rad(tonumber(lon)) }
end

-- Degrees within +-limit, or nil. The pattern keeps out what tonumber also takes: hexadecimal, spaces.
local function degrees(text, limit)
    if not text or #text > 32 or not text:match("^[-+]?%d*%.?%d*$") then return nil end
    local number = tonumber((text:gsub("^%+", "")))
    if not number or number < -limit or number > limit then return nil end
    return math.rad(number)
end

-- The haversine of the central angle: grows with the distance, so it ranks as the distance does.
local function haversine(lat_a, lon_a, lat_b, lon_b)
    local half_lat = math.sin((lat_b - lat_a) / 2)
    local half_lon = math.sin((lon_b - lon_a) / 2)
    return half_lat * half_lat + math.cos(lat_a) * math.cos(lat_b) * half_lon * half_lon
end

core.register_fetches("nearest_region", function(txn)
    local lat = degrees(txn.c:url_dec(txn.f:url_param("lat") or ""), 90)
    local lon = degrees(txn.c:url_dec(txn.f:url_param("lon") or ""), 180)
    if not lat or not lon then return "" end
    local best, least = "", math.huge
    for _, centre in ipairs(centres) do
        local distance = haversine(lat, lon, centre.lat, centre.lon)
        if distance < least then best, least = centre.name, distance end
    end
    return best
end)
