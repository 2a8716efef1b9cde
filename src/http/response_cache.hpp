// Finished public responses, kept per loop without locks, and ended at once by a write's tag.
//
//     CacheFlight flight = co_await cache.enter(key, tags);
//     if (flight.hit()) co_return respond(*flight.hit());
//     … read and render …                            // one at a time per key; the others wait
//     flight.store(std::move(response), 60s);        // or share(), or let it go: the next one
//     tries
//
// The generations of the tags are taken by enter(), before the read. A response that was read
// before a drop is handed to those who asked before it too, but is not kept.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <http/message.hpp>

namespace haat::http {

/// How often each tag was dropped: one table for the caches of all loops, so that a drop counts
/// everywhere at once. Tags share 4,096 numbers by hash; a clash only drops too much.
class CacheTags {
public:
    /// After the commit, before the answer. From any thread.
    void drop(std::string_view tag);
    void drop_all();

    std::size_t place_of(std::string_view tag) const;
    std::uint64_t generation(std::size_t place) const {
        return generations_[place].load(std::memory_order_acquire);
    }
    std::uint64_t generation(std::string_view tag) const { return generation(place_of(tag)); }

private:
    static constexpr std::size_t places = 4'096;
    std::array<std::atomic<std::uint64_t>, places> generations_{};
};

/// Nothing of the user belongs in here; what the answer depends on otherwise (host, store,
/// language) goes into `vary`.
struct CacheKey {
    int route = 0;
    std::string_view target;
    std::string_view vary;
};

struct CachedResponse {
    int status = 200;
    std::string head;
    std::shared_ptr<SharedBody> body;
    std::string etag;
    std::chrono::nanoseconds expires{}; // on the cache's clock; set by store()
};
using CacheHit = std::shared_ptr<CachedResponse const>;

struct ResponseCacheOptions {
    std::size_t bytes_max = 32 * 1024 * 1024; // with the compressed forms
    std::size_t entries_max = 10'000;
    std::size_t entry_bytes_max = 1024 * 1024; // larger responses are not kept
    std::size_t waiters_max = 1'000;           // per key; more than that read for themselves
    /// nullptr: the coarse steady clock.
    std::chrono::nanoseconds (*clock)() = nullptr;
};

class CacheFlight;

class ResponseCache {
public:
    static constexpr std::size_t tags_max = 4; // of one response

    ResponseCache(CacheTags& tags, ResponseCacheOptions options = {});
    ~ResponseCache();
    ResponseCache(ResponseCache const&) = delete;

    /// Fresh and not dropped, or null.
    CacheHit find(CacheKey const& key);

    class Enter;
    /// A hit, or the right to compute it; waits while another computes it. The views of `key` and
    /// `tags` are read until the await returns.
    Enter enter(CacheKey const& key, std::span<std::string_view const> tags);

    std::size_t entries() const;
    std::size_t bytes() const;
    std::uint64_t hits() const; // these two from any thread
    std::uint64_t misses() const;

private:
    friend class CacheFlight;
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// Either a hit or the duty to compute the response. The cache outlives it.
class CacheFlight {
public:
    CacheFlight(CacheFlight&& other) noexcept;
    CacheFlight& operator=(CacheFlight&&) = delete;
    /// Without store() or share(): one of those who wait tries next.
    ~CacheFlight();

    CacheHit const& hit() const { return hit_; }

    /// Keeps the response for about `ttl` (±10 %), unless a tag was dropped since enter(), and
    /// gives it to those who wait. Returns what they got.
    CacheHit store(CachedResponse response, std::chrono::nanoseconds ttl);
    /// Gives it to those who wait, and does not keep it: a 404.
    CacheHit share(CachedResponse response);

private:
    friend class ResponseCache;
    struct Flying;
    explicit CacheFlight(CacheHit hit) : hit_(std::move(hit)) {}
    CacheFlight(ResponseCache::Inside& cache, std::shared_ptr<Flying> flying)
        : cache_(&cache), flying_(std::move(flying)) {}
    CacheHit hit_;
    ResponseCache::Inside* cache_ = nullptr;
    std::shared_ptr<Flying> flying_;
};

/// What enter() returns; to be awaited at once. May be destroyed while it waits.
class ResponseCache::Enter {
public:
    Enter(Inside& cache, CacheKey const& key, std::span<std::string_view const> tags);
    Enter(Enter const&) = delete;
    ~Enter();
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiter);
    CacheFlight await_resume();

private:
    friend class CacheFlight;
    friend struct Inside;
    Inside& cache_;
    CacheKey key_;
    std::span<std::string_view const> tags_;
    CacheHit hit_;
    std::shared_ptr<CacheFlight::Flying> flying_; // led by us, or waited for
    bool leading_ = false;
    bool waiting_ = false;
    std::coroutine_handle<> waiter_;
};

} // namespace haat::http
