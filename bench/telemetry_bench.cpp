// What a request pays for being logged, counted, limited and looked up in the cache.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include <base/hash.hpp>
#include <http/rate_limit.hpp>
#include <http/response_cache.hpp>
#include <telemetry/log.hpp>
#include <telemetry/metrics.hpp>

namespace haat {
namespace {

using namespace std::chrono_literals;

log::LogOptions to_nowhere() {
    log::LogOptions options;
    options.descriptor = -1;
    options.file = "/dev/null";
    options.rotate_bytes = std::uint64_t{1} << 60;
    return options;
}

void access_line(benchmark::State& state) {
    log::configure(to_nowhere());
    log::RequestLine line;
    line.request_id = "0193f2a1-7c3e-7b1a-9f00-3a5d2c1b0e9f";
    line.method = "GET";
    line.path = "/api/v1/brands/0193f2a1-7c3e-7b1a-9f00-3a5d2c1b0e9f";
    line.route = "/api/v1/brands/{id}";
    line.status = 200;
    line.duration = 1'234'567ns;
    line.bytes_out = 512;
    line.address = "203.0.113.7";
    line.user.bytes[3] = 7;
    line.org.bytes[3] = 9;
    line.user_agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                      "Chrome/131.0.0.0 Safari/537.36";
    auto const dropped = log::dropped();
    int lines = 0;
    for (auto _ : state) {
        log::request(line);
        if (++lines % 5'000 != 0) continue; // millions a second would be too much for the writer
        state.PauseTiming();
        log::flush();
        state.ResumeTiming();
    }
    state.counters["dropped"] = static_cast<double>(log::dropped() - dropped);
    log::shutdown();
}
BENCHMARK(access_line);

void plain_line(benchmark::State& state) {
    log::configure(to_nowhere());
    for (auto _ : state) log::info("database up").field("connections", 4).field("ms", 1.5);
    log::shutdown();
}
BENCHMARK(plain_line);

void silent_line(benchmark::State& state) {
    for (auto _ : state) log::debug("not written").field("connections", 4);
}
BENCHMARK(silent_line);

void counter(benchmark::State& state) {
    static metrics::Counter counted;
    for (auto _ : state) counted.add();
}
BENCHMARK(counter)->Threads(1)->Threads(2);

void histogram(benchmark::State& state) {
    static metrics::Histogram observed;
    for (auto _ : state) observed.observe(1'234us);
}
BENCHMARK(histogram)->Threads(1)->Threads(2);

void request_count(benchmark::State& state) {
    std::vector<metrics::RequestMetrics::Route> routes(300, {"GET", "/api/v1/brands/{id}"});
    metrics::RequestMetrics requests(2, routes);
    int route = 0;
    for (auto _ : state) {
        requests.count(1, route, 200, 1'234us);
        route = route == 299 ? 0 : route + 1;
    }
}
BENCHMARK(request_count);

void render_300_routes(benchmark::State& state) {
    metrics::RequestMetrics requests(
        2, std::vector<metrics::RequestMetrics::Route>(300, {"GET", "/api/v1/brands/{id}"}));
    for (int i = 0; i < 300; ++i) requests.count(0, i, 200, 1ms);
    for (auto _ : state) {
        std::string out;
        requests.render(out);
        benchmark::DoNotOptimize(out);
    }
}
BENCHMARK(render_300_routes)->Unit(benchmark::kMicrosecond);

void read_process_use(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(metrics::process_use());
}
BENCHMARK(read_process_use)->Unit(benchmark::kMicrosecond);

void rate_limit_take(benchmark::State& state) {
    static http::RateLimiter limiter;
    std::string const key = "203.0.113." + std::to_string(state.thread_index());
    for (auto _ : state)
        benchmark::DoNotOptimize(limiter.take(http::Allowance::administrator, key));
}
BENCHMARK(rate_limit_take)->Threads(1)->Threads(2);

void rate_limit_many_keys(benchmark::State& state) {
    http::RateLimiter limiter;
    std::array<std::string, 4'096> keys;
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = "10.0.0." + std::to_string(i);
    std::size_t i = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(
            limiter.take(http::Allowance::public_read, keys[i++ % keys.size()]));
}
BENCHMARK(rate_limit_many_keys);

void rate_limit_headers(benchmark::State& state) {
    std::string head;
    http::Decision const decision{true, 3'000, 2'999, 1, 0};
    for (auto _ : state) {
        head.clear();
        decision.append_to(head);
        benchmark::DoNotOptimize(head);
    }
}
BENCHMARK(rate_limit_headers);

void cache_hit(benchmark::State& state) {
    http::CacheTags tags;
    http::ResponseCache cache(tags);
    std::array<std::string_view, 1> const tag{"brands"};
    std::vector<std::string> targets;
    for (int i = 0; i < 1'000; ++i) targets.push_back("/api/v1/brands?page=" + std::to_string(i));
    for (auto const& target : targets) {
        auto enter = cache.enter({1, target, "shop.example"}, tag);
        if (!enter.await_ready()) continue;
        http::CachedResponse response;
        response.body = std::make_shared<http::SharedBody>();
        enter.await_resume().store(std::move(response), 1h);
    }
    std::size_t i = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(cache.find({1, targets[i++ % targets.size()], "shop.example"}));
}
BENCHMARK(cache_hit);

void cache_miss_and_store(benchmark::State& state) {
    http::CacheTags tags;
    http::ResponseCache cache(tags);
    std::array<std::string_view, 1> const tag{"brands"};
    std::uint64_t i = 0;
    for (auto _ : state) {
        std::string const target = std::to_string(++i);
        auto enter = cache.enter({1, target, {}}, tag);
        if (enter.await_ready()) enter.await_resume().store({}, 1h);
    }
}
BENCHMARK(cache_miss_and_store);

void hash(benchmark::State& state) {
    std::string const bytes(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) benchmark::DoNotOptimize(hash_of(bytes));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(hash)->Arg(16)->Arg(50)->Arg(1'024)->Arg(65'536);

} // namespace
} // namespace haat

BENCHMARK_MAIN();
