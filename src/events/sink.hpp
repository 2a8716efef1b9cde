// Where events go. A dispatcher gives each sink its events in order per key, keeps its place, and
// tries again what it refused; sinks do not know of one another, so none delays another.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <events/stored.hpp>

namespace haat::events {

/// One event that could not be delivered; the others of the batch were.
struct Refused {
    std::size_t index = 0;   // in Batch::events
    std::string consumer;    // who refused: the sink's name, or a part of it: "handlers/search"
    std::string why;         // for administrators; no secrets
    bool only_waits = false; // behind an earlier one of its key: it was not tried
};

struct Batch {
    std::span<StoredEvent const> events; // in order per key
    /// Whether an earlier event of this key still waits for this consumer. Then this one must be
    /// refused with only_waits, so that it comes after it.
    std::function<bool(std::string_view consumer, Uuid const& key)> held;
    bool again = false; // a replay that wants its effects again
};

class Sink {
public:
    explicit Sink(std::string name) : name_(std::move(name)) {}
    virtual ~Sink() = default;
    Sink(Sink const&) = delete;

    std::string const& name() const { return name_; }

    /// What it does not want passes by without being delivered.
    virtual bool wants(StoredEvent const&) const { return true; }
    /// Ends when every event was delivered or refused; nothing is delivered to this shard before.
    /// Throws when the sink as a whole is away: then the batch comes again, later.
    virtual Task<std::vector<Refused>> deliver(Batch const& batch) = 0;
    /// One that was refused, later; throws when it is refused once more.
    virtual Task<void> retry(std::string const& consumer, StoredEvent const& event) = 0;
    /// deliver() ends soon, however it can.
    virtual void stop() {}

    /// How many events deliver() gets at once, and in how many shards at the same time.
    virtual int batch_max() const { return 1'000; }
    virtual int batches_at_once() const { return 3; }
    /// False: nothing of the outbox; only what it refused is tried again.
    virtual bool reads_outbox() const { return true; }

private:
    std::string name_;
};

} // namespace haat::events
