#include <kv/redis.hpp>

#include <unordered_set>

#include <kv/flights.hpp>
#include <kv/redis_link.hpp>
#include <kv/redis_scripts.hpp>
#include <telemetry/log.hpp>

namespace haat::kv {

namespace {

// Longer than any loader runs: a value that began before a drop meets the drop's generation.
constexpr std::int64_t generation_ms = 3'600'000;
constexpr std::int64_t removed_at_once = 500; // some hundred microseconds of Redis's one thread
constexpr int removals_max = 10'000;

constexpr std::string_view members_mark = "~t:";
constexpr std::string_view generation_mark = "~g:";
constexpr std::string_view lock_mark = "~l:";

using Words = std::vector<std::string>;

RedisAddress address_of(RedisOptions const& options) { return parse_redis_url(options.url); }

bool is_error(Answer const& answer) { return answer && answer->type == REDIS_REPLY_ERROR; }

Value value_of(redisReply const& reply) {
    if (reply.type != REDIS_REPLY_STRING) return nullptr;
    return std::make_shared<std::string const>(text_of(reply));
}

} // namespace

struct Redis::Inside {
    Inside(Loop& l, RedisOptions o)
        : loop(l), options(std::move(o)),
          link(std::make_shared<RedisLink>(loop, options, address_of(options))) {}

    /// Whether a command may be written now; counts it.
    bool ready() {
        operations.add();
        if (link->takes()) return true;
        away.add();
        return false;
    }
    /// Whether the answer can be used; else it counts as away.
    bool sound(Answer const& answer) {
        if (answer && !is_error(answer)) return true;
        away.add();
        if (is_error(answer)) complain(text_of(*answer));
        return false;
    }
    void complain(std::string_view why);
    std::string full(std::string_view mark, std::string_view key) const {
        return std::string(options.prefix).append(mark).append(key);
    }
    void owe(std::unordered_set<std::string>& set, std::string_view what);
    Task<Answer> run(Script const& script, Words keys, Words arguments);
    Task<Outcome> run_outcome(Script const& script, Words keys, Words arguments);

    Loop& loop;
    RedisOptions options;
    std::shared_ptr<RedisLink> link;

    // What could not be removed while it was away, so that nothing out of date is found afterwards.
    std::unordered_set<std::string> owed_keys;
    std::unordered_set<std::string> owed_tags;
    Clock::time_point complained;

    metrics::Counter hits, misses, operations, away;
};

void Redis::Inside::complain(std::string_view why) {
    auto const time = Clock::now();
    if (time - complained < std::chrono::seconds(10)) return;
    complained = time;
    log::warn("redis refused a command").field("why", why.substr(0, 200));
}

void Redis::Inside::owe(std::unordered_set<std::string>& set, std::string_view what) {
    if (owed_keys.size() + owed_tags.size() < options.owed_max)
        set.emplace(what);
    else
        complain("too many removals wait for it; what they end stays until its time is over");
}

// Redis forgets its scripts when it is told to, and when a replica takes over: then the text goes.
Task<Answer> Redis::Inside::run(Script const& script, Words keys, Words arguments) {
    Answer answer;
    for (bool const by_hash : {true, false}) {
        if (!link->takes()) co_return nullptr;
        Command command = link->write(3 + keys.size() + arguments.size());
        command.word(by_hash ? "EVALSHA" : "EVAL");
        command.word(by_hash ? std::string_view(script.hash) : script.text);
        command.number(static_cast<std::int64_t>(keys.size()));
        for (std::string const& key : keys) command.word(key);
        for (std::string const& argument : arguments) command.word(argument);
        Asked asked(*link);
        answer = co_await asked;
        if (!is_error(answer) || !text_of(*answer).starts_with("NOSCRIPT")) break;
    }
    co_return answer;
}

Task<Outcome> Redis::Inside::run_outcome(Script const& script, Words keys, Words arguments) {
    operations.add();
    Answer const answer = co_await run(script, std::move(keys), std::move(arguments));
    if (!sound(answer)) co_return Outcome::away;
    co_return number_of(*answer) == 1 ? Outcome::done : Outcome::refused;
}

Redis::Redis(Loop& loop, RedisOptions options)
    : inside_(std::make_unique<Inside>(loop, std::move(options))) {
    // Written before anything else on the new connection, so that no look overtakes it.
    inside_->link->on_up = [this] { settle(); };
}
Redis::~Redis() = default;

Task<bool> Redis::start(milliseconds patience) {
    auto const until = Clock::now() + patience;
    inside_->link->open();
    while (!up() && Clock::now() < until) co_await sleep_for(milliseconds(2));
    co_return up();
}

void Redis::stop() { inside_->link->close(); }

void Redis::settle() {
    auto const keys = std::exchange(inside_->owed_keys, {});
    auto const tags = std::exchange(inside_->owed_tags, {});
    for (std::string const& key : keys) detach(remove_owed(key));
    for (std::string const& tag : tags) detach(drop_owed(tag));
}
Task<void> Redis::remove_owed(std::string key) { co_await remove(key); }
Task<void> Redis::drop_owed(std::string tag) { co_await drop_tag(tag); }

// ---- values

Task<Value> Redis::get(std::string_view key) {
    Inside& in = *inside_;
    if (!in.ready()) co_return nullptr;
    in.link->write(2).word("GET").word(in.options.prefix, key);
    Asked asked(*in.link);
    Answer const answer = co_await asked;
    if (!in.sound(answer)) co_return nullptr;
    Value value = value_of(*answer);
    (value ? in.hits : in.misses).add();
    co_return value;
}

Task<std::vector<Value>> Redis::get_many(std::span<std::string_view const> keys) {
    Inside& in = *inside_;
    std::vector<Value> values(keys.size());
    if (keys.empty() || !in.ready()) co_return values;
    Command command = in.link->write(1 + keys.size());
    command.word("MGET");
    for (std::string_view const key : keys) command.word(in.options.prefix, key);
    Asked asked(*in.link);
    Answer const answer = co_await asked;
    if (!in.sound(answer) || answer->elements != keys.size()) co_return values;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        values[i] = value_of(*answer->element[i]);
        (values[i] ? in.hits : in.misses).add();
    }
    co_return values;
}

Task<Look> Redis::look(std::string_view key, std::span<std::string_view const> tags) {
    Inside& in = *inside_;
    Look found;
    found.stamp.away = true;
    found.stamp.generations = {flights().drops.load()};
    if (!in.ready()) co_return found;
    Command command = in.link->write(2 + tags.size());
    command.word("MGET").word(in.options.prefix, key);
    for (std::string_view const tag : tags) command.word(in.full(generation_mark, tag));
    Asked asked(*in.link);
    Answer const answer = co_await asked;
    if (!in.sound(answer) || answer->elements != 1 + tags.size()) co_return found;
    found.value = value_of(*answer->element[0]);
    (found.value ? in.hits : in.misses).add();
    found.stamp.away = false;
    found.stamp.generations.clear();
    for (std::size_t i = 0; i < tags.size(); ++i)
        found.stamp.generations.push_back(number_of(*answer->element[i + 1]));
    co_return found;
}

Task<Outcome> Redis::set(std::string_view key, std::string_view value, Keep const& keep) {
    Inside& in = *inside_;
    Outcome outcome = Outcome::away;
    if (!keep.tags.empty()) {
        outcome = co_await set_with_tags(key, value, keep);
    } else if (in.ready()) {
        bool const ends = keep.ttl.count() > 0;
        std::size_t const words = 3 + (ends ? 2 : 0) + (keep.only_if_absent ? 1 : 0);
        Command command = in.link->write(words);
        command.word("SET").word(in.options.prefix, key).word(value);
        if (ends) command.word("PX").number(keep.ttl.count());
        if (keep.only_if_absent) command.word("NX");
        Asked asked(*in.link);
        Answer const answer = co_await asked;
        if (in.sound(answer))
            outcome = answer->type == REDIS_REPLY_NIL ? Outcome::refused : Outcome::done;
    }
    if (outcome == Outcome::away && !keep.only_if_absent) in.owe(in.owed_keys, key);
    co_return outcome;
}

Task<Outcome> Redis::set_with_tags(std::string_view key, std::string_view value, Keep const& keep) {
    Inside& in = *inside_;
    if (keep.tags.size() > tags_max) co_return Outcome::refused;
    if (keep.unless_dropped && keep.unless_dropped->generations.size() != keep.tags.size())
        co_return Outcome::refused;
    Words keys{in.full({}, key)};
    Words arguments{std::string(value), std::to_string(keep.ttl.count()),
                    std::to_string(keep.tags.size()), keep.only_if_absent ? "1" : "0"};
    for (std::string_view const tag : keep.tags) keys.push_back(in.full(members_mark, tag));
    for (std::size_t i = 0; i < keep.tags.size(); ++i) {
        keys.push_back(in.full(generation_mark, keep.tags[i]));
        arguments.push_back(
            keep.unless_dropped ? std::to_string(keep.unless_dropped->generations[i]) : "-");
    }
    co_return co_await in.run_outcome(set_tagged, std::move(keys), std::move(arguments));
}

Task<Outcome> Redis::compare_and_set(std::string_view key, std::optional<std::string_view> expected,
                                     std::string_view value, milliseconds ttl) {
    Inside& in = *inside_;
    if (!expected) {
        Keep const keep{.ttl = ttl, .tags = {}, .unless_dropped = nullptr, .only_if_absent = true};
        co_return co_await set(key, value, keep);
    }
    Words keys{in.full({}, key)};
    Words arguments{std::string(*expected), std::string(value), std::to_string(ttl.count())};
    co_return co_await in.run_outcome(swap_value, std::move(keys), std::move(arguments));
}

Task<Outcome> Redis::remove(std::string_view key) {
    Inside& in = *inside_;
    flights().drops.fetch_add(1);
    if (in.ready()) {
        in.link->write(2).word("UNLINK").word(in.options.prefix, key);
        Asked asked(*in.link);
        Answer const answer = co_await asked;
        if (in.sound(answer)) co_return Outcome::done;
    }
    in.owe(in.owed_keys, key);
    co_return Outcome::away;
}

Task<Outcome> Redis::drop_tag(std::string_view tag) {
    Inside& in = *inside_;
    flights().drops.fetch_add(1);
    in.operations.add();
    std::string const most = std::to_string(removed_at_once);
    for (int i = 0; i < removals_max; ++i) {
        Words keys{in.full(members_mark, tag), in.full(generation_mark, tag)};
        Words arguments{std::to_string(generation_ms), i == 0 ? "1" : "0", most};
        Answer const answer = co_await in.run(drop_tagged, std::move(keys), std::move(arguments));
        if (!in.sound(answer)) {
            in.owe(in.owed_tags, tag);
            co_return Outcome::away;
        }
        if (number_of(*answer) < removed_at_once) break;
    }
    co_return Outcome::done;
}

// ---- numbers and times

// Two commands that travel together: a script's numbers would lose what is above 2^53.
Task<std::optional<std::int64_t>> Redis::increment(std::string_view key, std::int64_t by,
                                                   milliseconds ttl) {
    Inside& in = *inside_;
    std::optional<std::int64_t> sum;
    if (!in.ready()) co_return sum;
    in.link->write(3).word("INCRBY").word(in.options.prefix, key).number(by);
    Asked counted(*in.link);
    std::optional<Asked> ending;
    if (ttl.count() > 0) {
        in.link->write(4)
            .word("PEXPIRE")
            .word(in.options.prefix, key)
            .number(ttl.count())
            .word("NX");
        ending.emplace(*in.link);
    }
    Answer const answer = co_await counted;
    if (ending) co_await *ending;
    if (in.sound(answer)) sum = answer->integer;
    co_return sum;
}

Task<std::optional<milliseconds>> Redis::ttl(std::string_view key) {
    Inside& in = *inside_;
    std::optional<milliseconds> left;
    if (!in.ready()) co_return left;
    in.link->write(2).word("PTTL").word(in.options.prefix, key);
    Asked asked(*in.link);
    Answer const answer = co_await asked;
    if (!in.sound(answer) || answer->integer == -2) co_return left;
    left = answer->integer == -1 ? milliseconds::max() : milliseconds(answer->integer);
    co_return left;
}

Task<Outcome> Redis::expire(std::string_view key, milliseconds ttl) {
    Inside& in = *inside_;
    if (!in.ready()) co_return Outcome::away;
    in.link->write(3).word("PEXPIRE").word(in.options.prefix, key).number(ttl.count());
    Asked asked(*in.link);
    Answer const answer = co_await asked;
    if (!in.sound(answer)) co_return Outcome::away;
    co_return answer->integer == 1 ? Outcome::done : Outcome::refused;
}

Task<Taken> Redis::take(std::string_view key, Pace pace, int count, bool anyway) {
    Inside& in = *inside_;
    auto const window = std::chrono::microseconds(pace.window).count();
    auto const cost =
        static_cast<std::int64_t>(static_cast<double>(window) / std::max(pace.limit, 1) * count);
    Words keys{in.full({}, key)};
    Words arguments{std::to_string(window), std::to_string(cost), anyway ? "1" : "0"};
    in.operations.add();
    Answer const answer = co_await in.run(take_pace, std::move(keys), std::move(arguments));
    Taken taken;
    if (!in.sound(answer) || answer->elements != 2) co_return taken;
    taken.outcome = number_of(*answer->element[0]) == 1 ? Outcome::done : Outcome::refused;
    taken.full_in = std::chrono::microseconds(number_of(*answer->element[1]));
    co_return taken;
}

// ---- locks

Task<Lock> Redis::acquire(std::string_view name, milliseconds ttl) {
    Inside& in = *inside_;
    Lock lock;
    lock.name = name;
    Words keys{in.full(lock_mark, name), in.full("~fence", {})};
    Words arguments{std::to_string(std::max<std::int64_t>(ttl.count(), 1))};
    in.operations.add();
    Answer const answer = co_await in.run(acquire_lock, std::move(keys), std::move(arguments));
    if (!in.sound(answer)) co_return lock;
    lock.outcome = answer->type == REDIS_REPLY_NIL ? Outcome::refused : Outcome::done;
    lock.token = number_of(*answer);
    co_return lock;
}

Task<Outcome> Redis::renew(Lock const& lock, milliseconds ttl) {
    Words keys{inside_->full(lock_mark, lock.name)};
    Words arguments{std::to_string(lock.token),
                    std::to_string(std::max<std::int64_t>(ttl.count(), 1))};
    co_return co_await inside_->run_outcome(keep_lock, std::move(keys), std::move(arguments));
}

Task<Outcome> Redis::release(Lock const& lock) {
    Words keys{inside_->full(lock_mark, lock.name)};
    Words arguments{std::to_string(lock.token), "0"};
    co_return co_await inside_->run_outcome(keep_lock, std::move(keys), std::move(arguments));
}

// ---- how it is

bool Redis::up() const { return inside_->link->up(); }
std::string Redis::trouble() const { return inside_->link->trouble(); }

Figures Redis::figures() const {
    Inside const& in = *inside_;
    Figures all;
    all.hits = in.hits.value();
    all.misses = in.misses.value();
    all.operations = in.operations.value();
    all.away = in.away.value();
    all.reconnects = in.link->reconnects();
    all.up = up();
    all.latency = in.link->latency().look();
    return all;
}

namespace {
Task<void> try_once(Redis& redis, Loop& loop, milliseconds patience, bool& reached) {
    reached = co_await redis.start(patience);
    loop.stop();
}
} // namespace

std::string redis_trouble(RedisOptions const& options) {
    Loop loop;
    bool reached = false;
    try {
        Redis redis(loop, options);
        milliseconds const patience = options.connect_timeout + milliseconds(500);
        loop.post([&] { detach(try_once(redis, loop, patience, reached)); });
        loop.run();
        std::string const why = redis.trouble();
        redis.stop();
        return reached ? std::string() : why;
    } catch (RedisUrlError const& error) {
        return error.what();
    }
}

} // namespace haat::kv
