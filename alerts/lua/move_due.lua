-- Move calls whose time has come from the schedule to the stream.
-- KEYS: schedule (sorted set), stream. ARGV: now in milliseconds, most to move.
-- The member "task:attempt" is the dedupe key: it is moved, never copied, so a repeat of this script adds nothing twice.
local due = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[1], "LIMIT", 0, ARGV[2])
for _, call in ipairs(due) do
  if redis.call("ZREM", KEYS[1], call) == 1 then
    redis.call("XADD", KEYS[2], "*", "call", call)
  end
end
return #due
