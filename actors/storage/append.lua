-- Appends one entry to each of several shards, each by itself; gives the numbers (from 1) of those refused.
-- KEYS, three a shard: its state (hash: epoch, last), its stream, its bucket of fingerprints of this hour.
-- ARGV[1]: seconds until a new bucket expires; then four a shard: epoch, position, body, fingerprints (8 bytes each).
-- A shard is refused when its epoch is not this one, or the position is not one past its last. Redis runs the script as
-- one: no other writer comes between check and write, and the log on disk holds all of it or nothing.
local refused = {}
for number = 1, #KEYS / 3 do
  local state, stream, bucket = KEYS[number * 3 - 2], KEYS[number * 3 - 1], KEYS[number * 3]
  local at = 1 + (number - 1) * 4
  local epoch, position, body, marks = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = redis.call('HMGET', state, 'epoch', 'last')
  if known[1] == epoch and tonumber(known[2]) + 1 == tonumber(position) then
    -- The explicit id is a second fence: Redis takes none that is not past the stream's last.
    local added = redis.pcall('XADD', stream, position .. '-0', 'turns', body)
    if type(added) == 'table' and added.err then
      if not string.find(added.err, 'equal or smaller', 1, true) then
        return added
      end
      refused[#refused + 1] = number
    else
      if redis.call('APPEND', bucket, marks) == #marks then
        redis.call('EXPIRE', bucket, ARGV[1])
      end
      redis.call('HSET', state, 'last', position)
    end
  else
    refused[#refused + 1] = number
  end
end
return refused
