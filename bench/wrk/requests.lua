-- What wrk sends, told by the environment, and one line of JSON when it is done.
--   TARGETS  a file of paths, one a line: each request takes one at random
--   BODY     instead: POSTs to the one path in TARGETS; @ in the body and in the key is a number
--            that no other request has, TOKEN is the sign-in
local ready = {}
local body = os.getenv("BODY")
local place = ("@"):rep(15) -- as wide as the number, or Content-Length would be wrong
local count = 0

function init()
    math.randomseed(os.time())
    for path in io.lines(os.getenv("TARGETS")) do
        ready[#ready + 1] = wrk.format("GET", path)
        wrk.path = path
    end
    if body then
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/json"
        wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
        wrk.headers["Idempotency-Key"] = place
        count = tonumber(os.getenv("FIRST"))
        ready = wrk.format("POST", wrk.path, nil, (body:gsub("@", place)))
    end
end

if body then
    function request()
        count = count + 1
        return (ready:gsub(place, string.format("%015d", count)))
    end
else
    function request()
        return ready[math.random(#ready)]
    end
end

function done(summary, latency, requests)
    io.write(string.format(
        'JSON {"requests":%d,"microseconds":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,'
            .. '"bad_status":%d,"bad_socket":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        latency.max, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
            + summary.errors.timeout))
end
