-- For wrk: get_user_stats of another user with every request.
-- wrk -t2 -c64 -d60s --latency -s benches/users.lua http://127.0.0.1:8080 -- TOKEN GREATEST_USER

local token, greatest, at, bad = "", 10000, 0, 0

function init(args)
  token = args[1] or ""
  greatest = tonumber(args[2] or "10000")
  -- Every thread begins elsewhere.
  at = math.random(greatest)
end

function request()
  at = (at * 7919 + 37) % greatest
  local body = "wstoken=" .. token .. "&wsfunction=block_use_stats_get_user_stats&moodlewsrestformat=json"
    .. "&uidsource=id&cidsource=&uid=" .. (at + 1)
  return wrk.format("POST", "/webservice/rest/server.php",
    { ["Content-Type"] = "application/x-www-form-urlencoded" }, body)
end

-- Errors of Moodle have status 200, so the body must tell.
function response(status, headers, body)
  if status ~= 200 or not string.find(body, '^{"user":') then
    bad = bad + 1
    if bad == 1 then print("bad answer: " .. status .. " " .. string.sub(body, 1, 300)) end
  end
end
