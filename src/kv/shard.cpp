#include <kv/shard.hpp>

#include <base/hash.hpp>

namespace haat::kv {

namespace {
// Beside the bytes of key and value: the entry, its place in the table, the value's own block.
constexpr std::size_t overhead = sizeof(Shard::Entry) + 48 + sizeof(std::string) + 16;
} // namespace

std::size_t Generations::place_of(std::string_view tag) { return hash_of(tag) % places; }

Shard::~Shard() = default;

bool Shard::alive(Entry const& entry, Nanos now, Generations const& generations) {
    if (entry.ends <= now) return false;
    for (Tag const& tag : entry.tags)
        if (generations.at(tag.place) != tag.generation) return false;
    return true;
}

Shard::Entry* Shard::find(std::string_view key, std::uint64_t hash, Nanos now,
                          Generations const& generations) {
    auto const found = table_.find(Key{key, hash});
    if (found == table_.end()) return nullptr;
    Entry& entry = *found->second;
    if (alive(entry, now, generations)) {
        entry.asked = true;
        return &entry;
    }
    remove(entry);
    return nullptr;
}

Shard::Entry& Shard::make(std::string_view key, std::uint64_t hash) {
    auto const found = table_.find(Key{key, hash});
    if (found != table_.end()) return *found->second;
    auto made = std::make_unique<Entry>();
    made->key = key;
    made->hash = hash;
    Entry& entry = *made;
    table_.emplace(Key{entry.key, hash}, std::move(made));
    if (hand_) { // behind the hand: the last that it comes to
        entry.next = hand_;
        entry.previous = hand_->previous;
        entry.previous->next = &entry;
        hand_->previous = &entry;
    } else {
        hand_ = broom_ = &entry;
    }
    return entry;
}

void Shard::put(Entry& entry, Value value, std::size_t bytes_max) {
    entry.value = std::move(value);
    std::size_t const bytes =
        overhead + entry.key.size() + entry.value->size() + entry.tags.size() * sizeof(Tag);
    entry.asked = entry.bytes != 0; // a new one must be asked for once to get a second round
    bytes_ += bytes - entry.bytes;
    entry.bytes = bytes;
    while (bytes_ > bytes_max && hand_) evict();
}

void Shard::evict() {
    while (hand_->asked) {
        hand_->asked = false;
        hand_ = hand_->next;
    }
    ++figures.evicted;
    remove(*hand_);
}

void Shard::remove(Entry& entry) {
    bytes_ -= entry.bytes;
    Entry* const next = entry.next == &entry ? nullptr : entry.next;
    if (hand_ == &entry) hand_ = next;
    if (broom_ == &entry) broom_ = next;
    entry.previous->next = entry.next;
    entry.next->previous = entry.previous;
    table_.erase(table_.find(Key{entry.key, entry.hash}));
}

void Shard::sweep(std::size_t count, Nanos now, Generations const& generations) {
    for (; count > 0 && broom_; --count) {
        Entry& entry = *broom_;
        broom_ = entry.next;
        if (!alive(entry, now, generations)) remove(entry);
    }
}

} // namespace haat::kv
