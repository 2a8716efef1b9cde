#include <telemetry/metrics.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace haat::metrics {

std::atomic<unsigned> detail::next_cell{0};

namespace {

constexpr std::size_t buckets = bucket_micros.size() + 1;

void append(std::string& out, std::uint64_t value) {
    std::array<char, 24> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

void append(std::string& out, double value) {
    if (std::isnan(value)) {
        out.append("NaN");
    } else if (std::isinf(value)) {
        out.append(value > 0 ? "+Inf" : "-Inf");
    } else {
        // "0.0005" rather than "5e-04": people read these too. What is very large or very small
        // does not fit and has an exponent.
        std::array<char, 32> digits{};
        char* const last = digits.data() + digits.size();
        auto [end, error] = std::to_chars(digits.data(), last, value, std::chars_format::fixed);
        if (error != std::errc{}) end = std::to_chars(digits.data(), last, value).ptr;
        out.append(digits.data(), end);
    }
}

// A backslash and a line break are escaped everywhere, a quote in label values only.
void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
    for (char const c : text) {
        if (c == '\\')
            out.append("\\\\");
        else if (c == '\n')
            out.append("\\n");
        else if (c == '"' && in_quotes)
            out.append("\\\"");
        else
            out.push_back(c);
    }
}

double seconds_of(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

} // namespace

std::uint64_t Counter::value() const {
    std::uint64_t sum = 0;
    for (Cell const& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
    return sum;
}

Distribution Histogram::look() const {
    Distribution sum;
    for (Cell const& cell : cells_) {
        for (std::size_t i = 0; i < buckets; ++i) {
            auto const count = cell.buckets[i].load(std::memory_order_relaxed);
            sum.buckets[i] += count;
            sum.count += count;
        }
        sum.sum_nanos += cell.sum_nanos.load(std::memory_order_relaxed);
    }
    return sum;
}

double Distribution::quantile(double part) const {
    if (count == 0) return 0;
    double const rank = std::clamp(part, 0.0, 1.0) * static_cast<double>(count);
    double below = 0;
    for (std::size_t i = 0; i < bucket_micros.size(); ++i) {
        auto const here = static_cast<double>(buckets[i]);
        if (here > 0 && below + here >= rank) {
            double const low = i == 0 ? 0 : seconds_of(bucket_micros[i - 1]);
            return low + (seconds_of(bucket_micros[i]) - low) * (rank - below) / here;
        }
        below += here;
    }
    return seconds_of(bucket_micros.back()); // above it nothing is known
}

// One route on one loop. One thread writes, so no locked instruction is needed.
struct alignas(64) RequestMetrics::Row {
    std::array<std::atomic<std::uint64_t>, buckets> latency{};
    std::atomic<std::uint64_t> sum_nanos{0};
    std::array<std::atomic<std::uint64_t>, 6> by_class{}; // [2] is 2xx; [0] anything odd
};

RequestMetrics::RequestMetrics(int loops, std::vector<Route> routes)
    : routes_(std::move(routes)), loops_(std::max(loops, 1)), stride_(routes_.size() + 1),
      rows_(std::make_unique<Row[]>(stride_ * static_cast<std::size_t>(loops_))) {}
RequestMetrics::~RequestMetrics() = default;

void RequestMetrics::count(int loop, int route, int status,
                           std::chrono::nanoseconds duration) noexcept {
    assert(loop >= 0 && loop < loops_);
    Row& row = rows_[static_cast<std::size_t>(loop) * stride_ + place_of(route)];
    auto const add = [](std::atomic<std::uint64_t>& cell, std::uint64_t more) {
        cell.store(cell.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    };
    auto const nanos = std::max<std::int64_t>(duration.count(), 0);
    add(row.latency[bucket_of((nanos + 999) / 1'000)], 1);
    add(row.sum_nanos, static_cast<std::uint64_t>(nanos));
    add(row.by_class[status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0],
        1);
}

RequestMetrics::Row const& RequestMetrics::row(std::size_t loop, std::size_t route) const {
    return rows_[loop * stride_ + route];
}

std::uint64_t RequestMetrics::requests(int route, int status_class) const {
    std::uint64_t sum = 0;
    for (std::size_t loop = 0; loop < static_cast<std::size_t>(loops_); ++loop)
        sum += row(loop, place_of(route))
                   .by_class[static_cast<std::size_t>(status_class)]
                   .load(std::memory_order_relaxed);
    return sum;
}

Distribution RequestMetrics::latency(int route) const {
    Distribution sum;
    for (std::size_t loop = 0; loop < static_cast<std::size_t>(loops_); ++loop) {
        Row const& here = row(loop, place_of(route));
        for (std::size_t i = 0; i < buckets; ++i) {
            auto const count = here.latency[i].load(std::memory_order_relaxed);
            sum.buckets[i] += count;
            sum.count += count;
        }
        sum.sum_nanos += here.sum_nanos.load(std::memory_order_relaxed);
    }
    return sum;
}

void RequestMetrics::render(std::string& out) const {
    static constexpr std::string_view classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    Renderer write(out);
    auto const labels_of = [this](std::size_t i) -> Labels {
        if (i == routes_.size()) return {{"method", ""}, {"route", "none"}};
        return {{"method", routes_[i].method}, {"route", routes_[i].path}};
    };
    // Routes that nobody asked for are left out: most of a large table is silent.
    write.family("haat_http_requests_total", "Requests answered, by route and class of status.",
                 "counter");
    for (std::size_t i = 0; i < stride_; ++i) {
        for (int c = 0; c < 6; ++c) {
            auto const count = requests(static_cast<int>(i), c);
            if (count == 0) continue;
            Labels labels = labels_of(i);
            labels.emplace_back("status", classes[c]);
            write.sample("haat_http_requests_total", labels, count);
        }
    }
    write.family("haat_http_request_duration_seconds",
                 "Time from the head of a request to the end of its answer, by route.",
                 "histogram");
    for (std::size_t i = 0; i < stride_; ++i) {
        Distribution const latencies = latency(static_cast<int>(i));
        if (latencies.count > 0)
            write.histogram("haat_http_request_duration_seconds", labels_of(i), latencies);
    }
}

void Renderer::family(std::string_view name, std::string_view help, std::string_view type) {
    out_.append("# HELP ").append(name).append(" ");
    append_escaped(out_, help, false);
    out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Renderer::labels(Labels const& labels) {
    char separator = '{';
    for (auto const& [name, value] : labels) {
        out_.push_back(separator);
        out_.append(name).append("=\"");
        append_escaped(out_, value, true);
        out_.push_back('"');
        separator = ',';
    }
    if (!labels.empty()) out_.push_back('}');
}

void Renderer::sample(std::string_view name, Labels const& all, double value) {
    out_.append(name);
    labels(all);
    out_.push_back(' ');
    append(out_, value);
    out_.push_back('\n');
}

void Renderer::sample(std::string_view name, Labels const& all, std::uint64_t value) {
    out_.append(name);
    labels(all);
    out_.push_back(' ');
    append(out_, value);
    out_.push_back('\n');
}

void Renderer::histogram(std::string_view name, Labels const& all, Distribution const& d) {
    // Sixteen lines that differ in their end only: a table of routes has thousands of them.
    static std::array<std::string, buckets> const bounds = [] {
        std::array<std::string, buckets> texts;
        for (std::size_t i = 0; i < bucket_micros.size(); ++i)
            append(texts[i], seconds_of(bucket_micros[i]));
        texts.back() = "+Inf";
        return texts;
    }();
    std::size_t const begin = out_.size();
    out_.append(name).append("_bucket");
    labels(all);
    if (all.empty())
        out_.push_back('{');
    else
        out_.back() = ',';
    out_.append("le=\"");
    std::string const start = out_.substr(begin);
    out_.resize(begin);

    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        cumulative += d.buckets[i];
        out_.append(start).append(bounds[i]).append("\"} ");
        append(out_, cumulative);
        out_.push_back('\n');
    }
    sample(std::string(name) + "_sum", all, static_cast<double>(d.sum_nanos) / 1e9);
    sample(std::string(name) + "_count", all, cumulative);
}

struct Registry::Family {
    struct Sample {
        Labels labels;
        std::unique_ptr<Counter> counter;
        std::unique_ptr<Histogram> histogram;
        std::function<double()> read;
    };
    std::string name;
    std::string help;
    std::string_view type;
    std::vector<Sample> samples;
};

Registry::Registry() = default;
Registry::~Registry() = default;

Registry::Family& Registry::family(std::string name, std::string help, std::string_view type) {
    for (auto const& family : families_) {
        if (family->name != name) continue;
        assert(family->type == type && "one name, two types");
        return *family;
    }
    families_.push_back(std::make_unique<Family>());
    Family& added = *families_.back();
    added.name = std::move(name);
    added.help = std::move(help);
    added.type = type;
    return added;
}

Counter& Registry::counter(std::string name, std::string help, Labels labels) {
    std::lock_guard const lock(mutex_);
    auto& sample = family(std::move(name), std::move(help), "counter").samples.emplace_back();
    sample.labels = std::move(labels);
    sample.counter = std::make_unique<Counter>();
    return *sample.counter;
}

Histogram& Registry::histogram(std::string name, std::string help, Labels labels) {
    std::lock_guard const lock(mutex_);
    auto& sample = family(std::move(name), std::move(help), "histogram").samples.emplace_back();
    sample.labels = std::move(labels);
    sample.histogram = std::make_unique<Histogram>();
    return *sample.histogram;
}

void Registry::gauge(std::string name, std::string help, std::function<double()> read,
                     Labels labels) {
    std::lock_guard const lock(mutex_);
    auto& sample = family(std::move(name), std::move(help), "gauge").samples.emplace_back();
    sample.labels = std::move(labels);
    sample.read = std::move(read);
}

void Registry::count_of(std::string name, std::string help, std::function<double()> read,
                        Labels labels) {
    std::lock_guard const lock(mutex_);
    auto& sample = family(std::move(name), std::move(help), "counter").samples.emplace_back();
    sample.labels = std::move(labels);
    sample.read = std::move(read);
}

void Registry::collect(std::function<void(std::string& out)> render) {
    std::lock_guard const lock(mutex_);
    collectors_.push_back(std::move(render));
}

std::string Registry::render() const {
    std::string out;
    Renderer write(out);
    std::lock_guard const lock(mutex_);
    for (auto const& family : families_) {
        write.family(family->name, family->help, family->type);
        for (auto const& sample : family->samples) {
            if (sample.counter)
                write.sample(family->name, sample.labels, sample.counter->value());
            else if (sample.histogram)
                write.histogram(family->name, sample.labels, sample.histogram->look());
            else
                write.sample(family->name, sample.labels, sample.read());
        }
    }
    for (auto const& collector : collectors_) collector(out);
    return out;
}

} // namespace haat::metrics
