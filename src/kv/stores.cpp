#include <kv/stores.hpp>

#include <kv/flights.hpp>
#include <loop/loop.hpp>
#include <telemetry/log.hpp>

namespace haat::kv {

namespace {
constexpr milliseconds sweep_every{1'000};
}

Stores::Stores(StoresOptions options)
    : options_(std::move(options)), flights_(std::make_shared<Flights>()) {
    if (shared()) return;
    memory_ = std::make_unique<Memory>(options_.memory);
    memory_->share_flights(flights_);
}
Stores::~Stores() = default;

void Stores::add(Loop& loop) {
    if (!shared()) return;
    redis_.push_back(std::make_unique<Redis>(loop, options_.redis));
    redis_.back()->share_flights(flights_);
}

Task<void> Stores::start(Loop& loop) {
    if (!shared()) {
        auto const sweep = [this] { memory_->sweep(); };
        if (loop.index() == 0) sweeper_ = std::make_unique<Ticker>(loop, sweep_every, sweep);
        co_return;
    }
    bool const reached =
        co_await redis_[static_cast<std::size_t>(loop.index())]->start(options_.start_patience);
    if (!reached) log::warn("serving without redis").field("why", trouble());
}

Task<void> Stores::stop(Loop& loop) {
    if (loop.index() == 0) sweeper_.reset();
    if (shared()) redis_[static_cast<std::size_t>(loop.index())]->stop();
    co_return;
}

Store& Stores::at(int loop) {
    if (memory_) return *memory_;
    return *redis_.at(static_cast<std::size_t>(loop));
}
Store& Stores::here() { return memory_ ? *memory_ : at(Loop::current().index()); }

void Stores::heard_drop(std::string_view tag) {
    if (!memory_) return; // Redis was told by who made the change
    tag.empty() ? memory_->drop_all_tags() : memory_->drop(tag);
}

void Stores::forget_loops() {
    sweeper_.reset();
    redis_.clear();
}

bool Stores::up() const {
    for (auto const& each : redis_)
        if (!each->up()) return false;
    return true;
}

std::string Stores::trouble() const {
    for (auto const& each : redis_)
        if (!each->up()) return each->trouble();
    return {};
}

void Stores::render(std::string& out) const {
    std::vector<Figures> all;
    if (memory_) all.push_back(memory_->figures());
    for (auto const& each : redis_) all.push_back(each->figures());
    metrics::Renderer render(out);
    auto const family = [&](std::string_view name, std::string_view help, std::string_view type,
                            auto read) {
        render.family(name, help, type);
        for (std::size_t i = 0; i < all.size(); ++i) {
            metrics::Labels labels{{"store", memory_ ? "memory" : "redis"}};
            if (!memory_) labels.emplace_back("loop", std::to_string(i));
            render.sample(name, labels, static_cast<std::uint64_t>(read(all[i])));
        }
    };
    family("haat_kv_hits_total", "Values that were there.", "counter",
           [](Figures const& f) { return f.hits; });
    family("haat_kv_misses_total", "Values that were not there.", "counter",
           [](Figures const& f) { return f.misses; });
    family("haat_kv_operations_total", "What the store was asked.", "counter",
           [](Figures const& f) { return f.operations; });
    family("haat_kv_up", "Whether the store answers.", "gauge",
           [](Figures const& f) { return f.up ? 1U : 0U; });
    if (memory_) {
        family("haat_kv_entries", "Values that are kept.", "gauge",
               [](Figures const& f) { return f.entries; });
        family("haat_kv_bytes", "Memory of the values that are kept.", "gauge",
               [](Figures const& f) { return f.bytes; });
        family("haat_kv_evicted_total", "Values that made room for others.", "counter",
               [](Figures const& f) { return f.evicted; });
        return;
    }
    family("haat_kv_away_total", "What was answered without the store.", "counter",
           [](Figures const& f) { return f.away; });
    family("haat_kv_reconnects_total", "Connections made again.", "counter",
           [](Figures const& f) { return f.reconnects; });
    render.family("haat_kv_seconds", "From a command to its answer.", "histogram");
    for (std::size_t i = 0; i < all.size(); ++i)
        render.histogram("haat_kv_seconds", {{"loop", std::to_string(i)}}, all[i].latency);
}

} // namespace haat::kv
