// The store in process: what a look costs, and what coroutines add to it.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include <base/task.hpp>
#include <http/rate_limit.hpp>
#include <kv/cached.hpp>
#include <kv/keys.hpp>
#include <kv/memory.hpp>

namespace haat::kv {
namespace {

constexpr std::size_t keys_count = 10'000;

struct Filled {
    Filled() {
        std::string const value(1'000, 'v');
        Keep const keep{};
        for (std::size_t i = 0; i < keys_count; ++i) {
            keys.push_back("product:" + std::to_string(i * 7'919));
            memory.put(keys.back(), value, keep);
        }
    }
    Memory memory;
    std::vector<std::string> keys;
};
Filled& filled() {
    static Filled one;
    return one;
}

// One key, as a page that everybody reads; and many, beyond the processor's first caches.
void find_one(benchmark::State& state) {
    Filled& all = filled();
    for (auto _ : state) benchmark::DoNotOptimize(all.memory.find(all.keys[0]));
}
BENCHMARK(find_one);

void find_many(benchmark::State& state) {
    Filled& all = filled();
    std::size_t at = static_cast<std::size_t>(state.thread_index()) * 31;
    for (auto _ : state) {
        at = (at + 7'919) % keys_count;
        benchmark::DoNotOptimize(all.memory.find(all.keys[at]));
    }
}
BENCHMARK(find_many);
BENCHMARK(find_many)->Threads(2);

void find_nothing(benchmark::State& state) {
    Filled& all = filled();
    for (auto _ : state) benchmark::DoNotOptimize(all.memory.find("product:there is none"));
}
BENCHMARK(find_nothing);

Task<void> get_for_ever(Store& store, std::string const& key, benchmark::State& state) {
    for (auto _ : state) {
        Value const value = co_await store.get(key);
        benchmark::DoNotOptimize(value.get());
    }
}
void get_by_await(benchmark::State& state) {
    detach(get_for_ever(filled().memory, filled().keys[0], state));
}
BENCHMARK(get_by_await);

Task<Value> nothing() { co_return nullptr; }
Task<void> cached_for_ever(Store& store, std::string const& key, benchmark::State& state) {
    std::vector<std::string_view> const tags{"products"};
    CachedFor const how{.ttl = milliseconds(60'000), .absent_ttl = milliseconds(0), .tags = tags};
    Load const load = [] { return nothing(); };
    for (auto _ : state) {
        Value const value = co_await cached(store, key, how, load);
        benchmark::DoNotOptimize(value.get());
    }
}
void cached_hit(benchmark::State& state) {
    detach(cached_for_ever(filled().memory, filled().keys[0], state));
}
BENCHMARK(cached_hit);

void put_again(benchmark::State& state) {
    Filled& all = filled();
    std::string const value(1'000, 'w');
    Keep const keep{.ttl = milliseconds(60'000),
                    .tags = {},
                    .unless_dropped = nullptr,
                    .only_if_absent = false};
    std::size_t at = 0;
    for (auto _ : state) {
        at = (at + 7'919) % keys_count;
        benchmark::DoNotOptimize(all.memory.put(all.keys[at], value, keep));
    }
}
BENCHMARK(put_again);

void make_key(benchmark::State& state) {
    Scope const scope = Scope::everybody();
    for (auto _ : state)
        benchmark::DoNotOptimize(
            key_of(keys::product, scope, {"01890a5d-ac96-774b-bcce-b302099a8057"}));
}
BENCHMARK(make_key);

void take_noted(benchmark::State& state) {
    http::RateLimiter limiter;
    limiter.note_takes();
    for (auto _ : state)
        benchmark::DoNotOptimize(limiter.take(http::Allowance::administrator, "203.0.113.7"));
}
BENCHMARK(take_noted);

} // namespace
} // namespace haat::kv

BENCHMARK_MAIN();
