#include <http/response_cache.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <ctime>
#include <deque>
#include <unordered_map>

#include <base/hash.hpp>

namespace haat::http {

namespace {

std::chrono::nanoseconds coarse_now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t hash_of_key(CacheKey const& key) {
    return hash_of(key.target, hash_of(key.vary, static_cast<std::uint64_t>(key.route)));
}

// The owned form of a CacheKey.
struct OwnKey {
    explicit OwnKey(CacheKey const& key) : route(key.route), target(key.target), vary(key.vary) {}
    bool is(CacheKey const& key) const {
        return route == key.route && target == key.target && vary == key.vary;
    }
    int route;
    std::string target;
    std::string vary;
};

} // namespace

void CacheTags::drop(std::string_view tag) {
    generations_[place_of(tag)].fetch_add(1, std::memory_order_acq_rel);
}
void CacheTags::drop_all() {
    for (auto& generation : generations_) generation.fetch_add(1, std::memory_order_acq_rel);
}
std::size_t CacheTags::place_of(std::string_view tag) const { return hash_of(tag) % places; }

namespace {

// What a response depends on, and how it stood when its computation began.
struct Stamp {
    std::array<std::uint16_t, ResponseCache::tags_max> places{};
    std::array<std::uint64_t, ResponseCache::tags_max> generations{};
    std::size_t count = 0;

    Stamp(CacheTags const& tags, std::span<std::string_view const> names) : count(names.size()) {
        assert(count <= ResponseCache::tags_max);
        for (std::size_t i = 0; i < count; ++i) {
            places[i] = static_cast<std::uint16_t>(tags.place_of(names[i]));
            generations[i] = tags.generation(places[i]);
        }
    }
    bool holds(CacheTags const& tags) const {
        for (std::size_t i = 0; i < count; ++i)
            if (tags.generation(places[i]) != generations[i]) return false;
        return true;
    }
};

struct Entry {
    Entry(OwnKey const& k, std::uint64_t h, Stamp const& s, CacheHit r)
        : key(k), hash(h), stamp(s), response(std::move(r)) {}
    OwnKey key;
    std::uint64_t hash;
    Stamp stamp;
    CacheHit response;
    std::size_t bytes = 0; // as counted last
    std::unique_ptr<Entry> next_in_bucket;
    Entry* newer = nullptr; // by use
    Entry* older = nullptr;

    // Compressed forms are made later, so that this grows.
    std::size_t bytes_now() const {
        SharedBody const& body = *response->body;
        return sizeof(Entry) + sizeof(CachedResponse) + sizeof(SharedBody) + key.target.size() +
               key.vary.size() + response->head.size() + response->etag.size() + body.plain.size() +
               body.gzip.size() + body.brotli.size() + body.zstd.size();
    }
};

} // namespace

// One computation under way, and who waits for it.
struct CacheFlight::Flying {
    Flying(CacheKey const& k, std::uint64_t h, Stamp const& s) : key(k), hash(h), stamp(s) {}
    OwnKey key;
    std::uint64_t hash;
    Stamp stamp;
    std::deque<ResponseCache::Enter*> waiters;
};

struct ResponseCache::Inside {
    using Flying = CacheFlight::Flying;
    using FlyingPointer = std::shared_ptr<Flying>;

    Inside(CacheTags& t, ResponseCacheOptions const& o)
        : tags(t), options(o), buckets(std::bit_ceil(std::max<std::size_t>(o.entries_max, 1))) {}

    std::chrono::nanoseconds now() const { return options.clock ? options.clock() : coarse_now(); }

    CacheHit find(CacheKey const& key, std::uint64_t hash);
    void keep(Flying const& flying, CacheHit const& response);
    FlyingPointer flight_to_join(CacheKey const& key, std::uint64_t hash) const;
    FlyingPointer take_off(CacheKey const& key, std::uint64_t hash, Stamp const& stamp);
    void land(Flying const& flying);
    void deliver(Flying& flying, CacheHit const& response);
    void hand_on(FlyingPointer flying);
    void resume_all();

    std::unique_ptr<Entry>& bucket_of(std::uint64_t hash) {
        return buckets[hash & (buckets.size() - 1)];
    }
    void add(std::unique_ptr<Entry> entry);
    void remove(Entry& entry);
    void unlink(Entry& entry);
    void link_newest(Entry& entry);
    void weigh(Entry& entry);
    void shrink();
    static void bump(std::atomic<std::uint64_t>& counter) { // one thread writes
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    CacheTags& tags;
    ResponseCacheOptions options;
    std::vector<std::unique_ptr<Entry>> buckets; // a power of two
    Entry* newest = nullptr;
    Entry* oldest = nullptr;
    std::size_t entries = 0;
    std::size_t bytes = 0;
    std::unordered_map<std::uint64_t, FlyingPointer> flights;
    std::deque<Enter*> to_resume;
    bool resuming = false;
    std::uint64_t stored = 0;
    std::atomic<std::uint64_t> hits{0};
    std::atomic<std::uint64_t> misses{0};
};

CacheHit ResponseCache::Inside::find(CacheKey const& key, std::uint64_t hash) {
    for (Entry* entry = bucket_of(hash).get(); entry; entry = entry->next_in_bucket.get()) {
        if (entry->hash != hash || !entry->key.is(key)) continue;
        if (entry->response->expires <= now() || !entry->stamp.holds(tags)) {
            remove(*entry);
            break;
        }
        CacheHit response = entry->response;
        if (entry != newest) {
            unlink(*entry);
            link_newest(*entry);
        }
        weigh(*entry);
        shrink();
        bump(hits);
        return response;
    }
    bump(misses);
    return nullptr;
}

void ResponseCache::Inside::keep(Flying const& flying, CacheHit const& response) {
    if (!flying.stamp.holds(tags)) return;
    auto entry = std::make_unique<Entry>(flying.key, flying.hash, flying.stamp, response);
    if (entry->bytes_now() > options.entry_bytes_max) return;
    CacheKey const key{flying.key.route, flying.key.target, flying.key.vary};
    for (Entry* old = bucket_of(flying.hash).get(); old; old = old->next_in_bucket.get()) {
        if (old->hash != flying.hash || !old->key.is(key)) continue;
        remove(*old);
        break;
    }
    add(std::move(entry));
    shrink();
}

void ResponseCache::Inside::add(std::unique_ptr<Entry> entry) {
    Entry& added = *entry;
    auto& bucket = bucket_of(added.hash);
    entry->next_in_bucket = std::move(bucket);
    bucket = std::move(entry);
    ++entries;
    link_newest(added);
    weigh(added);
}

void ResponseCache::Inside::remove(Entry& entry) {
    unlink(entry);
    bytes -= entry.bytes;
    --entries;
    std::unique_ptr<Entry>* place = &bucket_of(entry.hash);
    while (place->get() != &entry) place = &(*place)->next_in_bucket;
    *place = std::move(entry.next_in_bucket); // frees the entry
}

void ResponseCache::Inside::unlink(Entry& entry) {
    (entry.newer ? entry.newer->older : newest) = entry.older;
    (entry.older ? entry.older->newer : oldest) = entry.newer;
    entry.newer = entry.older = nullptr;
}

void ResponseCache::Inside::link_newest(Entry& entry) {
    entry.older = newest;
    (newest ? newest->newer : oldest) = &entry;
    newest = &entry;
}

void ResponseCache::Inside::weigh(Entry& entry) {
    bytes -= entry.bytes;
    entry.bytes = entry.bytes_now();
    bytes += entry.bytes;
}

void ResponseCache::Inside::shrink() {
    while (oldest && (bytes > options.bytes_max || entries > options.entries_max)) remove(*oldest);
}

// A computation that began before a drop is no good for somebody who asks after it: that one may
// have made the change and must see it.
ResponseCache::Inside::FlyingPointer
ResponseCache::Inside::flight_to_join(CacheKey const& key, std::uint64_t hash) const {
    auto const found = flights.find(hash);
    if (found == flights.end()) return nullptr;
    Flying const& flying = *found->second;
    return flying.key.is(key) && flying.stamp.holds(tags) ? found->second : nullptr;
}

ResponseCache::Inside::FlyingPointer
ResponseCache::Inside::take_off(CacheKey const& key, std::uint64_t hash, Stamp const& stamp) {
    auto flying = std::make_shared<Flying>(key, hash, stamp);
    flights[hash] = flying; // an outdated one goes on for those who wait for it already
    return flying;
}

void ResponseCache::Inside::land(Flying const& flying) {
    auto const found = flights.find(flying.hash);
    if (found != flights.end() && found->second.get() == &flying) flights.erase(found);
}

void ResponseCache::Inside::deliver(Flying& flying, CacheHit const& response) {
    land(flying);
    for (Enter* const waiter : flying.waiters) {
        waiter->hit_ = response;
        waiter->flying_.reset();
        to_resume.push_back(waiter);
        bump(hits);
    }
    flying.waiters.clear();
    resume_all();
}

void ResponseCache::Inside::hand_on(FlyingPointer flying) {
    if (flying->waiters.empty()) return land(*flying);
    Enter* const next = flying->waiters.front();
    flying->waiters.pop_front();
    next->leading_ = true;
    to_resume.push_back(next);
    resume_all();
}

// One after the other from the outermost call, so that a row of failures does not nest.
void ResponseCache::Inside::resume_all() {
    if (resuming) return;
    resuming = true;
    while (!to_resume.empty()) {
        Enter* const next = to_resume.front();
        to_resume.pop_front();
        next->waiting_ = false;
        next->waiter_.resume();
    }
    resuming = false;
}

ResponseCache::ResponseCache(CacheTags& tags, ResponseCacheOptions options)
    : inside_(std::make_unique<Inside>(tags, options)) {}
ResponseCache::~ResponseCache() {
    // One by one: a long chain must not be freed by recursion.
    while (inside_->oldest) inside_->remove(*inside_->oldest);
}

CacheHit ResponseCache::find(CacheKey const& key) { return inside_->find(key, hash_of_key(key)); }
ResponseCache::Enter ResponseCache::enter(CacheKey const& key,
                                          std::span<std::string_view const> tags) {
    return {*inside_, key, tags};
}
std::size_t ResponseCache::entries() const { return inside_->entries; }
std::size_t ResponseCache::bytes() const { return inside_->bytes; }
std::uint64_t ResponseCache::hits() const { return inside_->hits.load(std::memory_order_relaxed); }
std::uint64_t ResponseCache::misses() const {
    return inside_->misses.load(std::memory_order_relaxed);
}

ResponseCache::Enter::Enter(Inside& cache, CacheKey const& key,
                            std::span<std::string_view const> tags)
    : cache_(cache), key_(key), tags_(tags) {}

ResponseCache::Enter::~Enter() {
    if (!waiting_) return; // not suspended, or resumed
    std::erase(cache_.to_resume, this);
    if (!flying_) return; // was about to get its hit
    if (leading_)
        cache_.hand_on(std::move(flying_));
    else
        std::erase(flying_->waiters, this);
}

bool ResponseCache::Enter::await_ready() {
    std::uint64_t const hash = hash_of_key(key_);
    hit_ = cache_.find(key_, hash);
    if (hit_) return true;
    flying_ = cache_.flight_to_join(key_, hash);
    if (flying_ && flying_->waiters.size() < cache_.options.waiters_max) return false;
    leading_ = true;
    Stamp const stamp(cache_.tags, tags_);
    flying_ = flying_ ? std::make_shared<CacheFlight::Flying>(key_, hash, stamp)
                      : cache_.take_off(key_, hash, stamp);
    return true;
}

void ResponseCache::Enter::await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    waiting_ = true;
    flying_->waiters.push_back(this);
}

CacheFlight ResponseCache::Enter::await_resume() {
    if (hit_) return CacheFlight(std::move(hit_));
    // Whoever takes over reads anew, so what counts is how the tags stand now.
    flying_->stamp = Stamp(cache_.tags, tags_);
    return {cache_, std::move(flying_)};
}

CacheFlight::CacheFlight(CacheFlight&& other) noexcept
    : hit_(std::move(other.hit_)), cache_(other.cache_), flying_(std::move(other.flying_)) {}

CacheFlight::~CacheFlight() {
    if (flying_) cache_->hand_on(std::move(flying_));
}

CacheHit CacheFlight::store(CachedResponse response, std::chrono::nanoseconds ttl) {
    assert(flying_ && "a hit has nothing to store");
    // Spread, so that what was computed together does not expire together.
    auto const tenths = static_cast<std::int64_t>(hash_of({}, ++cache_->stored) % 2'001) - 1'000;
    response.expires = cache_->now() + ttl + ttl / 10'000 * tenths;
    if (!response.body) response.body = std::make_shared<SharedBody>();
    CacheHit const shared = std::make_shared<CachedResponse const>(std::move(response));
    auto const flying = std::move(flying_);
    if (ttl.count() > 0) cache_->keep(*flying, shared);
    cache_->deliver(*flying, shared);
    return shared;
}

CacheHit CacheFlight::share(CachedResponse response) { return store(std::move(response), {}); }

} // namespace haat::http
