// The store of this node, in process or in Redis, as each loop sees it. What modules hold:
//
//     kv::Store& store = stores.here();
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <kv/memory.hpp>
#include <kv/redis.hpp>
#include <loop/ticker.hpp>

namespace haat::kv {

struct StoresOptions {
    MemoryOptions memory;
    RedisOptions redis; // without a URL: in process
    milliseconds start_patience{250};
};

class Stores {
public:
    explicit Stores(StoresOptions options);
    ~Stores();
    Stores(Stores const&) = delete;

    /// Before the loop runs, in the order of their indexes. Throws RedisUrlError.
    void add(Loop& loop);
    /// On that loop. A Redis that is away is not waited for longer than the patience.
    Task<void> start(Loop& loop);
    Task<void> stop(Loop& loop);

    /// The calling loop's.
    Store& here();
    Store& at(int loop);

    /// Whether other nodes see what is set here.
    bool shared() const { return !options_.redis.url.empty(); }
    /// Another node has changed what has this tag; empty: which is unknown.
    void heard_drop(std::string_view tag);
    /// When no loop runs any more, and before they go.
    void forget_loops();

    // From any thread.
    bool up() const;
    /// Why not; empty when it is up, and in process.
    std::string trouble() const;
    /// Families of /metrics.
    void render(std::string& out) const;

private:
    StoresOptions options_;
    std::unique_ptr<Memory> memory_;
    std::vector<std::unique_ptr<Redis>> redis_; // by loop
    std::shared_ptr<Flights> flights_;          // over all loops
    std::unique_ptr<Ticker> sweeper_;           // on the first loop
};

} // namespace haat::kv
