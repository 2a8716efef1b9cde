// What must happen in Redis as one step. Loaded with every connection, called by their hash.
// Numbers that may exceed 2^53 or 14 digits travel as text; times are those of Redis's own clock.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace haat::kv {

struct Script {
    std::string_view text;
    std::string hash; // SHA-1, in hex: Redis's name for it

    explicit Script(std::string_view text);
};

// KEYS: the value, the n tags' members, the n tags' generations.
// ARGV: value, ttl in ms or 0, n, "1" for only-if-absent, n expected generations or "-".
// A tag's members are scored by their end, so that those that have ended can be taken out.
inline Script const set_tagged{R"(
local n = tonumber(ARGV[3])
for i = 1, n do
    local want = ARGV[4 + i]
    if want ~= '-' and (redis.call('get', KEYS[1 + n + i]) or '0') ~= want then return 0 end
end
if ARGV[4] == '1' and redis.call('exists', KEYS[1]) == 1 then return 0 end
local ttl = tonumber(ARGV[2])
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = 9007199254740000
if ttl > 0 then
    ends = now + ttl
    redis.call('set', KEYS[1], ARGV[1], 'px', ttl)
else
    redis.call('set', KEYS[1], ARGV[1])
end
for i = 1, n do
    local tag = KEYS[1 + i]
    redis.call('zremrangebyscore', tag, '-inf', now)
    redis.call('zadd', tag, ends, KEYS[1])
    local last = tonumber(redis.call('zrange', tag, -1, -1, 'withscores')[2])
    if last < 9007199254740000 then
        redis.call('pexpireat', tag, last)
    else
        redis.call('persist', tag)
    end
end
return 1)"};

// KEYS: the tag's members, its generation. ARGV: for how many ms the generation is remembered,
// "1" for a new generation, how many members at most. Gives back how many it removed.
inline Script const drop_tagged{R"(
if ARGV[2] == '1' then
    local time = redis.call('time')
    local new = time[1] * 1000000 + time[2]
    local old = tonumber(redis.call('get', KEYS[2]) or '0')
    if new <= old then new = old + 1 end
    redis.call('set', KEYS[2], string.format('%.0f', new), 'px', ARGV[1])
end
local popped = redis.call('zpopmin', KEYS[1], ARGV[3])
local keys = {}
for i = 1, #popped, 2 do keys[#keys + 1] = popped[i] end
if #keys > 0 then redis.call('unlink', unpack(keys)) end
return #keys)"};

// KEYS: the value. ARGV: expected, new, ttl in ms or 0.
inline Script const swap_value{R"(
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[3]) > 0 then
    redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
else
    redis.call('set', KEYS[1], ARGV[2])
end
return 1)"};

// KEYS: when the allowance is full again, in µs. ARGV: window in µs, cost in µs, "1" for anyway.
inline Script const take_pace{R"(
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]
local window, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local owed = math.max(tonumber(redis.call('get', KEYS[1]) or '0') - now, 0)
local after = math.max(owed + cost, 0)
if ARGV[3] ~= '1' and cost > 0 and after > window then
    return {0, string.format('%.0f', owed)}
end
after = math.min(after, window)
if after > 0 then
    redis.call('set', KEYS[1], string.format('%.0f', now + after), 'px',
               string.format('%.0f', math.ceil(after / 1000)))
else
    redis.call('del', KEYS[1])
end
return {1, string.format('%.0f', after)})"};

// KEYS: the lock, the last token. ARGV: ttl in ms. Tokens follow the clock, so that they go on
// growing when Redis has forgotten the last one.
inline Script const acquire_lock{R"(
if redis.call('exists', KEYS[1]) == 1 then return false end
local time = redis.call('time')
local token = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('get', KEYS[2]) or '0')
if token <= last then token = last + 1 end
local text = string.format('%.0f', token)
redis.call('set', KEYS[2], text)
redis.call('set', KEYS[1], text, 'px', ARGV[1])
return text)"};

// KEYS: the lock. ARGV: token, and the new ttl in ms, or 0 to let it go.
inline Script const keep_lock{R"(
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then
    redis.call('pexpire', KEYS[1], ARGV[2])
else
    redis.call('del', KEYS[1])
end
return 1)"};

inline std::array<Script const*, 6> const scripts{&set_tagged, &drop_tagged,  &swap_value,
                                                  &take_pace,  &acquire_lock, &keep_lock};

} // namespace haat::kv
