// Numbers for /metrics in the Prometheus text format. Writing one costs a few nanoseconds: every
// thread has cells of its own, which are added up when somebody asks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haat::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

namespace detail {
inline constexpr std::size_t cells = 16; // threads beyond that share
extern std::atomic<unsigned> next_cell;
inline std::size_t cell_of_this_thread() {
    thread_local std::size_t const mine = next_cell.fetch_add(1, std::memory_order_relaxed) % cells;
    return mine;
}
} // namespace detail

/// Only grows.
class Counter {
public:
    void add(std::uint64_t n = 1) noexcept {
        cells_[detail::cell_of_this_thread()].value.fetch_add(n, std::memory_order_relaxed);
    }
    std::uint64_t value() const;

private:
    struct alignas(64) Cell {
        std::atomic<std::uint64_t> value{0};
    };
    std::array<Cell, detail::cells> cells_;
};

/// The bounds of all histograms here, in microseconds; above the last: +Inf.
inline constexpr std::array<std::int64_t, 15> bucket_micros{
    250,     500,     1'000,   2'500,     5'000,     10'000,    25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
inline std::size_t bucket_of(std::int64_t micros) noexcept {
    std::size_t bucket = 0;
    for (std::int64_t const bound : bucket_micros) bucket += micros > bound;
    return bucket;
}

/// What a histogram holds when somebody looks.
struct Distribution {
    std::array<std::uint64_t, bucket_micros.size() + 1> buckets{}; // not cumulative
    std::uint64_t count = 0;
    std::uint64_t sum_nanos = 0;

    /// An estimate from the buckets, in seconds; 0 when empty.
    double quantile(double part) const;
};

/// How long something took.
class Histogram {
public:
    void observe(std::chrono::nanoseconds duration) noexcept {
        Cell& cell = cells_[detail::cell_of_this_thread()];
        auto const nanos = duration.count() < 0 ? 0 : duration.count();
        auto const relaxed = std::memory_order_relaxed;
        cell.buckets[bucket_of((nanos + 999) / 1'000)].fetch_add(1, relaxed);
        cell.sum_nanos.fetch_add(static_cast<std::uint64_t>(nanos), relaxed);
    }
    Distribution look() const;

private:
    struct alignas(64) Cell {
        std::array<std::atomic<std::uint64_t>, bucket_micros.size() + 1> buckets{};
        std::atomic<std::uint64_t> sum_nanos{0};
    };
    std::array<Cell, detail::cells> cells_;
};

/// Counts and latencies by route. Each loop has a row that only its own thread writes.
class RequestMetrics {
public:
    struct Route {
        std::string method;
        std::string path;
    };
    /// The index in `routes` is the route's number.
    RequestMetrics(int loops, std::vector<Route> routes);
    ~RequestMetrics();

    /// On the loop's thread. A route that is not in the table (-1) counts as "none".
    void count(int loop, int route, int status, std::chrono::nanoseconds duration) noexcept;

    std::uint64_t requests(int route, int status_class) const; // 2 for 2xx
    Distribution latency(int route) const;
    void render(std::string& out) const;

private:
    struct Row;
    Row const& row(std::size_t loop, std::size_t route) const;
    std::size_t place_of(int route) const noexcept {
        auto const index = static_cast<std::size_t>(route);
        return index < routes_.size() ? index : routes_.size();
    }
    std::vector<Route> routes_;
    int loops_;
    std::size_t stride_; // rows of one loop
    std::unique_ptr<Row[]> rows_;
};

/// Writes families and samples; escapes what needs it.
class Renderer {
public:
    explicit Renderer(std::string& out) : out_(out) {}
    /// `type` is counter, gauge or histogram. Once per name, before its samples.
    void family(std::string_view name, std::string_view help, std::string_view type);
    void sample(std::string_view name, Labels const& labels, double value);
    void sample(std::string_view name, Labels const& labels, std::uint64_t value);
    void histogram(std::string_view name, Labels const& labels, Distribution const&);

private:
    void labels(Labels const& labels);
    std::string& out_;
};

/// Everything that /metrics shows. Filled at start, rendered from any thread. What the callbacks
/// use outlives the registry.
class Registry {
public:
    Registry();
    ~Registry();
    Registry(Registry const&) = delete;

    /// The same name with other labels is another sample of the same family.
    Counter& counter(std::string name, std::string help, Labels labels = {});
    Histogram& histogram(std::string name, std::string help, Labels labels = {});

    /// A value read when somebody asks; of type gauge, or of type counter when it only grows.
    void gauge(std::string name, std::string help, std::function<double()> read,
               Labels labels = {});
    void count_of(std::string name, std::string help, std::function<double()> read,
                  Labels labels = {});

    /// Anything else: writes whole families by itself (one sample per pool, RequestMetrics, …).
    void collect(std::function<void(std::string& out)> render);

    std::string render() const;

private:
    struct Family;
    Family& family(std::string name, std::string help, std::string_view type);
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Family>> families_;
    std::vector<std::function<void(std::string&)>> collectors_;
};

/// What the process uses, as /proc says.
struct ProcessUse {
    std::uint64_t resident_bytes = 0;
    std::uint64_t proportional_bytes = 0; // PSS; read at most every 10 s, for it costs a walk
    double cpu_seconds = 0;
    int open_files = 0;
    int open_files_max = 0;
    int threads = 0;
    double start_seconds = 0; // since 1970
};
ProcessUse process_use();

/// haat_process_… and haat_build_info.
void add_process_metrics(Registry& registry, std::string version);

} // namespace haat::metrics
