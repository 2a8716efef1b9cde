#include <outbound/meter.hpp>

#include <algorithm>
#include <vector>

namespace haat::outbound {

using metrics::Counter;
using metrics::Histogram;
using metrics::Labels;

struct Meter::Row {
    std::array<Counter, 6> answers; // by the first digit; 0: anything else
    std::array<Counter, error_kinds> failures;
    Counter retries;
    Counter breakers;
    Histogram durations;
};

Meter::Meter() = default;
Meter::~Meter() = default;

Meter::Row& Meter::row(std::string_view purpose) const {
    std::lock_guard const lock(mutex_);
    auto const found = rows_.find(purpose);
    if (found != rows_.end()) return *found->second;
    return *rows_.emplace(purpose, std::make_unique<Row>()).first->second;
}

namespace {
std::size_t class_of(int status) {
    return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0;
}
} // namespace

void Meter::answered(std::string_view purpose, int status, std::chrono::nanoseconds duration) {
    Row& row = this->row(purpose);
    row.answers[class_of(status)].add();
    row.durations.observe(duration);
}

void Meter::failed(std::string_view purpose, ErrorKind kind, std::chrono::nanoseconds duration) {
    Row& row = this->row(purpose);
    row.failures[static_cast<std::size_t>(kind)].add();
    row.durations.observe(duration);
}

void Meter::retried(std::string_view purpose) { row(purpose).retries.add(); }
void Meter::breaker_opened(std::string_view purpose) { row(purpose).breakers.add(); }

std::uint64_t Meter::answers(std::string_view purpose, int status_class) const {
    return row(purpose).answers[static_cast<std::size_t>(status_class)].value();
}
std::uint64_t Meter::failures(std::string_view purpose, ErrorKind kind) const {
    return row(purpose).failures[static_cast<std::size_t>(kind)].value();
}

void Meter::render(std::string& out) const {
    std::vector<std::pair<std::string_view, Row const*>> rows; // none ever goes
    {
        std::lock_guard const lock(mutex_);
        for (auto const& [purpose, row] : rows_) rows.emplace_back(purpose, row.get());
    }
    metrics::Renderer render(out);
    auto const name = [](std::string_view purpose) { return std::string(purpose); };

    render.family("haat_outbound_requests_total", "Requests to other servers, with all attempts.",
                  "counter");
    for (auto const& [purpose, row] : rows) {
        static constexpr char const* classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
        for (std::size_t i = 0; i < row->answers.size(); ++i)
            if (auto const count = row->answers[i].value(); count > 0)
                render.sample("haat_outbound_requests_total",
                              {{"purpose", name(purpose)}, {"outcome", classes[i]}}, count);
        for (std::size_t i = 0; i < error_kinds; ++i)
            if (auto const count = row->failures[i].value(); count > 0)
                render.sample("haat_outbound_requests_total",
                              {{"purpose", name(purpose)},
                               {"outcome", std::string(name_of(static_cast<ErrorKind>(i)))}},
                              count);
    }
    render.family("haat_outbound_retries_total", "Attempts after the first.", "counter");
    for (auto const& [purpose, row] : rows)
        render.sample("haat_outbound_retries_total", {{"purpose", name(purpose)}},
                      row->retries.value());
    render.family("haat_outbound_breakers_opened_total", "Hosts that were left alone for a while.",
                  "counter");
    for (auto const& [purpose, row] : rows)
        render.sample("haat_outbound_breakers_opened_total", {{"purpose", name(purpose)}},
                      row->breakers.value());
    render.family("haat_outbound_request_duration_seconds",
                  "From the call to its end, with waiting and all attempts.", "histogram");
    for (auto const& [purpose, row] : rows)
        render.histogram("haat_outbound_request_duration_seconds", {{"purpose", name(purpose)}},
                         row->durations.look());
    render.family("haat_outbound_running", "Requests that run or wait now.", "gauge");
    render.sample("haat_outbound_running", {},
                  static_cast<double>(running_.load(std::memory_order_relaxed)));
}

} // namespace haat::outbound
