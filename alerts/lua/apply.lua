-- Apply a list of commands, if the account stands where the writer believes it to stand.
-- KEYS: account's book, ready mark. ARGV: expected event number, commands as JSON, "rebuild" to work while not ready.
-- Returns 1 applied; 0 the account has moved on; -1 the inbox is not ready (being rebuilt, or lost).
-- A repeat after a lost reply finds the account moved on: nothing is ever applied twice.
if ARGV[3] ~= "rebuild" and redis.call("EXISTS", KEYS[2]) == 0 then
  return -1
end
local seq = redis.call("HGET", KEYS[1], "seq") or "0"
if seq ~= ARGV[1] then
  return 0
end
for _, command in ipairs(cjson.decode(ARGV[2])) do
  redis.call(unpack(command))
end
return 1
