-- Writes down to which store this journal belongs.
-- KEYS[1]: what is known of all shards; KEYS[2]: the pair. ARGV[1]: the id.
-- A full Redis is drained by a cell that starts, so it must take this: see `open.lua`.
redis.call('HDEL', KEYS[1], 'nobody')
redis.call('SET', KEYS[2], ARGV[1])
