-- Apply a list of commands, if the account stands where the writer believes it to stand and all guards hold.
-- KEYS: account's book, ready mark. ARGV: expected event number, commands as JSON, "rebuild" to work while not ready,
-- guards as JSON: {"room", sorted set, members to come, most members}, {"absent", set, member}, {"budget", hash, field of
-- what is held, field of what is spent, cost, limit}, {"consent", customer's record, to what}.
-- Returns 1 applied; 0 the account has moved on; -1 the inbox is not ready (being rebuilt, or lost); -2 no room; -3 barred;
-- -4 no budget; -5 no consent any more.
-- A repeat after a lost reply finds the account moved on: nothing is ever applied twice. A rebuild asks for no room: what
-- it applies has happened.
-- The ready mark holds the run id of the server in which the view was found complete: a Redis that was started since, perhaps
-- from an older file, has another one, and nobody writes before `churnwatch tasks` has given it back what it lacks.
if ARGV[3] ~= "rebuild" then
  local run = string.match(redis.call("INFO", "server"), "run_id:(%w+)")
  if redis.call("GET", KEYS[2]) ~= run then
    return -1
  end
end
local seq = redis.call("HGET", KEYS[1], "seq") or "0"
if seq ~= ARGV[1] then
  return 0
end
for _, guard in ipairs(ARGV[3] == "rebuild" and {} or cjson.decode(ARGV[4])) do
  if guard[1] == "room" and redis.call("ZCARD", guard[2]) + guard[3] > guard[4] then
    return -2
  elseif guard[1] == "absent" and redis.call("SISMEMBER", guard[2], guard[3]) == 1 then
    return -3
  elseif guard[1] == "consent" then
    local record = redis.call("GET", guard[2])
    if not record or cjson.decode(record).consent[guard[3]] ~= true then
      return -5
    end
  elseif guard[1] == "budget" then
    local held = redis.call("HGET", guard[2], guard[3]) or "0"
    local spent = redis.call("HGET", guard[2], guard[4]) or "0"
    if tonumber(held) + tonumber(spent) + tonumber(guard[5]) > tonumber(guard[6]) + 1e-6 then
      return -4
    end
  end
end
for _, command in ipairs(cjson.decode(ARGV[2])) do
  redis.call(unpack(command))
end
return 1
