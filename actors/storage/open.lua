-- Sets the epochs of shards; gives the numbers (from 1) of those that already have a higher one.
-- KEYS[1]: what is known of all shards (hash: shard -> "epoch last"); KEYS[2]: the id that this journal shares with
-- its store; then the stream of each shard.
-- ARGV[1]: the store's id, '' where it has none; then three a shard: its field, epoch, the last position known to have
-- been durable.
-- Gives -1, and changes nothing, when the id is another, or a shard should know a higher position: what was
-- acknowledged is gone.

local count = (#ARGV - 1) / 3
if ARGV[1] ~= '' then
  if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
  for number = 1, count do
    local _, last = known_of(KEYS[1], ARGV[number * 3 - 1], KEYS[number + 2])
    if tonumber(last) < tonumber(ARGV[number * 3 + 1]) then return -1 end
  end
end

-- A full Redis refuses whatever could make it larger, unless the script has written before: this changes nothing, and
-- lets shards be had in it, to be drained. A few bytes more are no harm.
redis.call('HDEL', KEYS[1], 'nobody')
local refused = {}
for number = 1, count do
  local field, epoch, durable = ARGV[number * 3 - 1], ARGV[number * 3], ARGV[number * 3 + 1]
  local present, last, known = known_of(KEYS[1], field, KEYS[number + 2])
  if tonumber(present) > tonumber(epoch) then
    refused[#refused + 1] = number
  else
    -- A Redis of which it was decided that what it lacks is lost: positions go on after what the store has.
    if tonumber(last) < tonumber(durable) then last = durable end
    local now = epoch .. ' ' .. last
    if now ~= known then redis.call('HSET', KEYS[1], field, now) end
  end
end
return refused
