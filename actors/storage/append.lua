-- Appends one entry to each of several shards, each by itself; gives the numbers (from 1) of those refused.
-- KEYS[1]: what is known of all shards (hash: shard -> "epoch last"); then two a shard: its stream, its bucket of fingerprints of
-- this hour. ARGV[1]: seconds until a new bucket expires; then six a shard: its field, what must be known of it, what is known
-- afterwards, the entry's id, its body, its fingerprints (8 bytes each).
-- A shard is refused when what is known is not what must be: its epoch is another, or the position is not one past its last. Redis
-- runs the script as one: no other writer comes between check and write, and the log on disk holds all of it or nothing.
local count = (#KEYS - 1) / 2
local fields = {}
for number = 1, count do fields[number] = ARGV[number * 6 - 4] end
local known = redis.call('HMGET', KEYS[1], unpack(fields))
local refused, appended, moved, failure = {}, {}, {}, nil
for number = 1, count do
  local at = number * 6 - 4
  if known[number] ~= ARGV[at + 1] then
    refused[#refused + 1] = number
  else
    -- The explicit id is a second fence: Redis takes none that is not past the stream's last.
    local added = redis.pcall('XADD', KEYS[number * 2], ARGV[at + 3], 'turns', ARGV[at + 4])
    if type(added) ~= 'table' or not added.err then
      appended[#appended + 1] = number
      moved[#moved + 1] = ARGV[at]
      moved[#moved + 1] = ARGV[at + 2]
    elseif string.find(added.err, 'equal or smaller', 1, true) then
      refused[#refused + 1] = number
    else
      failure = added
      break
    end
  end
end
-- Also after a failure: what is known must agree with the streams.
if #moved > 0 then redis.call('HSET', KEYS[1], unpack(moved)) end
for _, number in ipairs(appended) do
  local bucket, marks = KEYS[number * 2 + 1], ARGV[number * 6 + 1]
  if redis.call('APPEND', bucket, marks) == #marks then redis.call('EXPIRE', bucket, ARGV[1]) end
end
return failure or refused
