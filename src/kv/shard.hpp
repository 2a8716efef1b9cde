// One shard of the store in process: a table of entries and their ring, under its owner's lock.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <kv/store.hpp>

namespace haat::kv {

using Nanos = std::int64_t;
inline constexpr Nanos never = INT64_MAX;

/// How often each tag was dropped. Tags share the numbers by hash; a clash only drops too much.
class Generations {
public:
    static constexpr std::size_t places = 1 << 16;
    static std::size_t place_of(std::string_view tag);
    std::int64_t at(std::size_t place) const {
        return table_[place].load(std::memory_order_acquire);
    }
    void bump(std::string_view tag) {
        table_[place_of(tag)].fetch_add(1, std::memory_order_acq_rel);
    }
    void bump_all() {
        for (auto& each : table_) each.fetch_add(1, std::memory_order_acq_rel);
    }

private:
    std::vector<std::atomic<std::int64_t>> table_ = std::vector<std::atomic<std::int64_t>>(places);
};

class Shard {
public:
    struct Tag {
        std::uint32_t place;
        std::int64_t generation;
    };
    struct Entry { // what a look needs comes first, in one line of the processor's cache
        Value value;
        Nanos ends = never;
        std::vector<Tag> tags;
        bool asked = false; // since the hand came by last
        std::string key;
        std::uint64_t hash = 0;
        std::size_t bytes = 0;
        Entry* next = this; // in the ring
        Entry* previous = this;
    };
    struct Figures {
        std::uint64_t hits = 0, misses = 0, evicted = 0;
    };

    Shard() = default;
    ~Shard();

    /// Alive, or null; what has ended is removed.
    Entry* find(std::string_view key, std::uint64_t hash, Nanos now, Generations const&);
    /// The entry of this key, made when there was none.
    Entry& make(std::string_view key, std::uint64_t hash);
    /// Sets the value and makes room for it; `entry` may be gone afterwards when it alone is too
    /// large for the shard.
    void put(Entry& entry, Value value, std::size_t bytes_max);
    void remove(Entry& entry);
    /// Looks at a few entries and removes those that have ended.
    void sweep(std::size_t count, Nanos now, Generations const&);

    std::size_t entries() const { return table_.size(); }
    std::size_t bytes() const { return bytes_; }
    Figures figures;

private:
    struct Key {
        std::string_view text; // the entry's own
        std::uint64_t hash;
        bool operator==(Key const& other) const { return text == other.text; }
    };
    struct Hash {
        using is_avalanching = void;
        std::size_t operator()(Key const& key) const { return key.hash; }
    };
    static bool alive(Entry const& entry, Nanos now, Generations const&);
    void evict();

    boost::unordered_flat_map<Key, std::unique_ptr<Entry>, Hash> table_;
    Entry* hand_ = nullptr;  // the next to be evicted, unless it was asked for
    Entry* broom_ = nullptr; // the next to be swept
    std::size_t bytes_ = 0;
};

} // namespace haat::kv
