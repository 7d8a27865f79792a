-- What a journal knows of a shard: in front of `open.lua` and `ends.lua`, which must find the same.

-- The last position of a shard of which nothing is written down: its stream may be there all the same.
local function last_of(stream)
  if redis.call('EXISTS', stream) == 1 then
    local facts = redis.call('XINFO', 'STREAM', stream)
    for at = 1, #facts, 2 do
      if facts[at] == 'last-generated-id' then return string.match(facts[at + 1], '^%d+') end
    end
  end
  return '0'
end

-- Its epoch, its last position, and both as they are written down (`state`: hash, shard -> "epoch last"; false: not).
local function known_of(state, shard, stream)
  local known = redis.call('HGET', state, shard)
  local epoch, last = string.match(known or '0 ' .. last_of(stream), '^(%d+) (%d+)$')
  return epoch, last, known
end
