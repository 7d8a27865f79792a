-- How far a shard is; gives its epoch, the oldest position that its stream still has
-- ('' for none), and the last that is known. Entries may be large: what they carry does not leave the server.
-- KEYS[1]: what is known of all shards (hash: shard -> "epoch last"); KEYS[2]: the shard's stream. ARGV[1]: its field.
local epoch, last = known_of(KEYS[1], ARGV[1], KEYS[2])
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
return {epoch, oldest and string.match(oldest[1], '^%d+') or '', last}
