// What one loop remembers: access tokens it has verified, and where their holders stand.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <access/authenticator.hpp>
#include <modules/identity/model.hpp>
#include <modules/identity/token.hpp>
#include <pg/pg.hpp>

namespace haat::identity {

/// Says to all loops of this process, at once, whose standing has changed. Reading costs one load
/// while there is no news.
class News {
public:
    void add(Uuid const& user_or_session);
    std::uint64_t count() const { return count_.load(std::memory_order_acquire); }

    /// What came after `seen`; false when that is more than is kept.
    bool after(std::uint64_t seen, std::vector<Uuid>& into) const;

private:
    static constexpr std::size_t kept_max = 256;
    mutable std::mutex mutex_;
    std::vector<Uuid> latest_; // a ring: number n is at n % kept_max
    std::atomic<std::uint64_t> count_{0};
};

/// A map of bounded size: when the young half is full it becomes the old one, and what nobody asked
/// for meanwhile is gone.
template <class Key, class Value, class Hash> class Generations {
public:
    explicit Generations(std::size_t half_max) : half_max_(half_max) {}

    Value* find(Key const& key) {
        if (auto const found = young_.find(key); found != young_.end()) return &found->second;
        auto const found = old_.find(key);
        if (found == old_.end()) return nullptr;
        Value value = std::move(found->second);
        old_.erase(found);
        return put(key, std::move(value));
    }
    Value* put(Key const& key, Value value) {
        if (young_.size() >= half_max_) {
            old_ = std::move(young_);
            young_.clear();
        }
        return &young_.insert_or_assign(key, std::move(value)).first->second;
    }
    template <class Predicate> void erase_if(Predicate const& predicate) {
        std::erase_if(young_, predicate);
        std::erase_if(old_, predicate);
    }
    void clear() {
        young_.clear();
        old_.clear();
    }

private:
    std::size_t half_max_;
    std::unordered_map<Key, Value, Hash> young_;
    std::unordered_map<Key, Value, Hash> old_;
};

struct UuidHash {
    std::size_t operator()(Uuid const&) const noexcept;
};

class Desk {
public:
    Desk(pg::Database&, AccessTokens const&, News const&);

    /// Throws token_invalid, token_expired or session_ended.
    Task<Actor> who(std::string_view token);
    Task<void> act_for_organization(Actor&, std::string_view organization);

private:
    struct Known {
        std::string token;
        Claims claims;
    };
    using StandingRef = std::shared_ptr<Standing const>;
    struct Remembered {
        UserId user;
        StandingRef standing;
        Timestamp good_until;
    };
    struct NumberHash {
        std::size_t operator()(std::uint64_t number) const noexcept { return number; }
    };

    Claims check(std::string_view token);
    Task<StandingRef> standing(UserId, SessionId);
    Task<StandingRef> ask(UserId, SessionId);
    void catch_up();
    void heard(std::string_view payload);
    void drop(Uuid const& user_or_session);
    void drop_all();

    pg::Database& database_;
    AccessTokens const& tokens_;
    News const& news_;
    pg::Settings const nobody_;
    std::uint64_t const seed_;
    std::uint64_t seen_ = 0;
    std::uint64_t drops_ = 0; // a standing that was asked for before a drop is not remembered
    Generations<std::uint64_t, Known, NumberHash> known_{4'000};
    Generations<Uuid, Remembered, UuidHash> remembered_{4'000};
};

} // namespace haat::identity
