-- Sets the epochs of shards; gives the numbers (from 1) of those that already have a higher one.
-- KEYS: the state (hash: epoch, last) of each shard. ARGV, two a shard: epoch, watermark of the store.
local refused = {}
for number = 1, #KEYS do
  local epoch, watermark = ARGV[number * 2 - 1], ARGV[number * 2]
  local known = redis.call('HMGET', KEYS[number], 'epoch', 'last')
  if known[1] and tonumber(known[1]) > tonumber(epoch) then
    refused[#refused + 1] = number
  else
    redis.call('HSET', KEYS[number], 'epoch', epoch)
    -- A Redis that lost its data knows of no positions: they go on after what the store has.
    if tonumber(known[2] or '0') <= tonumber(watermark) then
      redis.call('HSET', KEYS[number], 'last', watermark)
    end
  end
end
return refused
