// kv_redis SOCKET WINDOW SECONDS get|set: as many reads (or writes) a second through kv::Redis as
// one loop makes with one connection and so many under way at a time. bench/redis runs it beside
// redis-benchmark.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <kv/redis.hpp>
#include <loop/loop.hpp>

namespace {

using namespace haat;
using Clock = std::chrono::steady_clock;

struct Run {
    kv::Redis& redis;
    Loop& loop;
    bool writes;
    std::chrono::seconds seconds;
    bool over = false;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    int left;
};

Task<void> ask(Run& run) {
    using std::chrono::milliseconds;
    while (!run.over) {
        if (run.writes) {
            kv::Outcome const outcome = co_await run.redis.set("bench", "xxx", milliseconds(0));
            run.failed += outcome != kv::Outcome::done;
        } else {
            kv::Value const value = co_await run.redis.get("bench");
            run.failed += value == nullptr;
        }
        ++run.done;
    }
    if (--run.left == 0) run.loop.stop();
}

Task<void> start(Run& run) {
    using std::chrono::milliseconds;
    bool const up = co_await run.redis.start(milliseconds(2'000));
    co_await run.redis.set("bench", "xxx", milliseconds(0));
    if (!up) std::exit(1);
    int const window = run.left;
    for (int i = 0; i < window; ++i) detach(ask(run));
    co_await sleep_for(run.seconds);
    run.over = true;
}

} // namespace

int main(int count, char** words) {
    if (count != 5) {
        std::fputs("kv_redis SOCKET WINDOW SECONDS get|set\n", stderr);
        return 2;
    }
    Loop loop;
    kv::RedisOptions options;
    options.url = std::string("unix://") + words[1];
    options.timeout = std::chrono::seconds(5);
    kv::Redis redis(loop, options);
    std::chrono::seconds const seconds(std::atoi(words[3]));
    Run run{.redis = redis,
            .loop = loop,
            .writes = std::string_view(words[4]) == "set",
            .seconds = seconds,
            .left = std::atoi(words[2])};
    auto const before = Clock::now();
    loop.post([&run] { detach(start(run)); });
    loop.run();
    double const took = std::chrono::duration<double>(Clock::now() - before).count();
    redis.stop();
    if (run.failed > 0) return 1;
    std::printf("%.0f\n", static_cast<double>(run.done) / took);
}
