-- Give a leased entry back to the schedule, or drop it: acknowledged, deleted and (with a time) scheduled in one step.
-- KEYS: stream, schedule, dead stream. ARGV: group, entry id, call, time in milliseconds ("" = over, "dead" = to the dead stream).
-- Only the one who still finds the entry puts it back.
if redis.call("XDEL", KEYS[1], ARGV[2]) == 0 then
  return 0
end
redis.call("XACK", KEYS[1], ARGV[1], ARGV[2])
if ARGV[4] == "dead" then
  redis.call("XADD", KEYS[3], "*", "call", ARGV[3])
elseif ARGV[4] ~= "" then
  redis.call("ZADD", KEYS[2], ARGV[4], ARGV[3])
end
return 1
