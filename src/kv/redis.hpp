// The store in Redis 7, one connection a loop, pipelined. Never waited for longer than its
// time-out: the first answer that is late ends the connection, and until the next one is made
// everything is answered as away at once. That is the breaker: its pause doubles until an answer
// comes in time.
//
// One Redis, not a Redis Cluster: scripts touch a tag and the keys it ends together.
#pragma once

#include <kv/store.hpp>

namespace haat {
class Loop;
}

namespace haat::kv {

struct RedisOptions {
    std::string url;      // redis_url.hpp; user, password and database may be in it
    std::string password; // when the URL has none
    std::string ca_file;  // whom TLS believes besides the system's authorities
    std::string prefix = "haat:";
    milliseconds timeout{100}; // of an answer
    milliseconds connect_timeout{2'000};
    milliseconds backoff_max{2'000};
    std::size_t waiting_max = 20'000;                 // commands in flight
    std::size_t bytes_waiting_max = 16 * 1024 * 1024; // written and not yet sent
    std::size_t owed_max = 10'000; // removals that are remembered while it is away
};

class RedisLink;

class Redis final : public Store {
public:
    /// Throws RedisUrlError.
    Redis(Loop& loop, RedisOptions options);
    ~Redis() override;

    /// On the loop: connects, and goes on doing so. False when it was not up within the patience.
    Task<bool> start(milliseconds patience);
    /// On the loop: closes; whoever waits is answered as away.
    void stop();

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

    bool up() const override;
    std::string trouble() const override;
    Figures figures() const override;

private:
    struct Inside;
    Task<Outcome> set_with_tags(std::string_view key, std::string_view value, Keep const& keep);
    void settle();
    Task<void> remove_owed(std::string key);
    Task<void> drop_owed(std::string tag);
    std::unique_ptr<Inside> inside_;
};

/// Asked once, blocking, for `haat doctor`: why Redis cannot be used; empty when it can. A URL
/// that cannot be read gives "cause; cure".
std::string redis_trouble(RedisOptions const& options);

} // namespace haat::kv
