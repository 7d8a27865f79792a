-- How far a shard is, as `open.lua` will find it; gives its epoch, the oldest position that its stream still has
-- ('' for none), and the last that is known. Entries may be large: what they carry does not leave the server.
-- KEYS[1]: what is known of all shards (hash: shard -> "epoch last"); KEYS[2]: the shard's stream. ARGV[1]: its field.
local known = redis.call('HGET', KEYS[1], ARGV[1])
local epoch, last = '0', '0'
if known then
  epoch, last = string.match(known, '^(%d+) (%d+)$')
elseif redis.call('EXISTS', KEYS[2]) == 1 then
  local facts = redis.call('XINFO', 'STREAM', KEYS[2])
  for at = 1, #facts, 2 do
    if facts[at] == 'last-generated-id' then last = string.match(facts[at + 1], '^%d+') end
  end
end
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
return {epoch, oldest and string.match(oldest[1], '^%d+') or '', last}
