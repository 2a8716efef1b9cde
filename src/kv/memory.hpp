// The store in process: one for all loops, in shards with a lock each. Bounded: what was not asked
// for lately goes first (second chance), what has ended goes when it is met. A look costs less than
// 100 ns. A restart forgets everything.
#pragma once

#include <kv/store.hpp>

namespace haat::kv {

struct MemoryOptions {
    std::size_t bytes_max = 64 * 1024 * 1024;  // with keys and book-keeping, over all shards
    std::size_t value_bytes_max = 1024 * 1024; // larger ones are refused
    std::size_t shards = 32;                   // a power of two
    std::size_t locks_max = 100'000;           // held at a time; they are never evicted
    /// Time that never goes back; nullptr: the coarse steady clock.
    std::chrono::nanoseconds (*clock)() = nullptr;
};

class Memory final : public Store {
public:
    explicit Memory(MemoryOptions options = {});
    ~Memory() override;

    /// get() without a coroutine, from any thread, as all that follow.
    Value find(std::string_view key);
    Outcome put(std::string_view key, std::string_view value, Keep const& keep);
    void drop(std::string_view tag);
    void drop_all_tags();
    /// Removes what has ended, a part of the shards at a time; from time to time.
    void sweep();

    Task<Value> get(std::string_view key) override;
    Task<std::vector<Value>> get_many(std::span<std::string_view const> keys) override;
    Task<Look> look(std::string_view key, std::span<std::string_view const> tags) override;
    using Store::set;
    Task<Outcome> set(std::string_view key, std::string_view value, Keep const& keep) override;
    Task<Outcome> compare_and_set(std::string_view key, std::optional<std::string_view> expected,
                                  std::string_view value, milliseconds ttl) override;
    Task<Outcome> remove(std::string_view key) override;
    Task<Outcome> drop_tag(std::string_view tag) override;
    Task<std::optional<std::int64_t>> increment(std::string_view key, std::int64_t by,
                                                milliseconds ttl) override;
    Task<std::optional<milliseconds>> ttl(std::string_view key) override;
    Task<Outcome> expire(std::string_view key, milliseconds ttl) override;
    Task<Taken> take(std::string_view key, Pace pace, int count, bool anyway) override;
    Task<Lock> acquire(std::string_view name, milliseconds ttl) override;
    Task<Outcome> renew(Lock const& lock, milliseconds ttl) override;
    Task<Outcome> release(Lock const& lock) override;

    bool up() const override { return true; }
    std::string trouble() const override { return {}; }
    Figures figures() const override;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::kv
