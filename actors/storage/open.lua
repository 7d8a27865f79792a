-- Sets the epochs of shards; gives the numbers (from 1) of those that already have a higher one.
-- KEYS[1]: what is known of all shards (hash: shard -> "epoch last"); then the stream of each shard.
-- ARGV, three a shard: its field, epoch, watermark of the store.

-- The last position of a shard of which nothing is known: its stream may be there all the same.
local function last_of(stream)
  if redis.call('EXISTS', stream) == 1 then
    local facts = redis.call('XINFO', 'STREAM', stream)
    for at = 1, #facts, 2 do
      if facts[at] == 'last-generated-id' then return string.match(facts[at + 1], '^%d+') end
    end
  end
  return '0'
end

-- A full Redis refuses whatever could make it larger, unless the script has written before: this changes nothing, and lets shards be had in it, to be drained. A few bytes
-- more are no harm.
redis.call('HDEL', KEYS[1], 'nobody')
local refused = {}
for number = 1, #ARGV / 3 do
  local field, epoch, watermark = ARGV[number * 3 - 2], ARGV[number * 3 - 1], ARGV[number * 3]
  local known = redis.call('HGET', KEYS[1], field)
  local present, last = string.match(known or '0 ' .. last_of(KEYS[number + 1]), '^(%d+) (%d+)$')
  if tonumber(present) > tonumber(epoch) then
    refused[#refused + 1] = number
  else
    -- A Redis that lost its data knows of no positions: they go on after what the store has.
    if tonumber(last) < tonumber(watermark) then last = watermark end
    local now = epoch .. ' ' .. last
    if now ~= known then redis.call('HSET', KEYS[1], field, now) end
  end
end
return refused
