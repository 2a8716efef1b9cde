#include <kv/cached.hpp>

#include <random>

#include <kv/flights.hpp>

namespace haat::kv {

namespace {

// Stands for "there is no such thing". No loader makes it: it begins with NUL.
constexpr std::string_view nothing_there{"\0haat:none", 10};

Value as_found(Value const& kept) { return *kept == nothing_there ? nullptr : kept; }

Task<void> keep(Store& store, std::string_view key, CachedFor const& how, Value const& made,
                Stamp const& stamp) {
    milliseconds const ttl = made ? how.ttl : how.absent_ttl;
    if (stamp.away || ttl <= milliseconds{0} || (made && *made == nothing_there)) co_return;
    Keep const options{.ttl = jittered(ttl),
                       .tags = how.tags,
                       .unless_dropped = how.tags.empty() ? nullptr : &stamp,
                       .only_if_absent = false};
    std::string_view const text = made ? std::string_view(*made) : nothing_there;
    co_await store.set(key, text, options);
}

} // namespace

milliseconds jittered(milliseconds ttl) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_real_distribution<double> factor(0.9, 1.1);
    auto const spread = static_cast<double>(ttl.count()) * factor(random);
    return std::max(milliseconds{1}, milliseconds(static_cast<std::int64_t>(spread)));
}

Task<Value> cached(Store& store, std::string_view key, CachedFor const& how, Load const& load) {
    for (;;) {
        Look const found = co_await store.look(key, how.tags);
        if (found.value) co_return as_found(found.value);
        Flights::Board board = store.flights().board(key, found.stamp);
        Flights::Board::Boarded boarded = co_await board;
        if (!boarded.seat) {
            if (boarded.landing.error) std::rethrow_exception(boarded.landing.error);
            if (boarded.landing.landed) co_return boarded.landing.value;
            continue; // whoever made it went away
        }
        Flights::Landing landing{.landed = true, .value = nullptr, .error = nullptr};
        try {
            landing.value = co_await load();
        } catch (...) {
            landing.error = std::current_exception();
        }
        if (landing.error) {
            boarded.seat.land(landing);
            std::rethrow_exception(landing.error);
        }
        // Kept first: who comes after the landing finds it in the store.
        co_await keep(store, key, how, landing.value, found.stamp);
        boarded.seat.land(landing);
        co_return landing.value;
    }
}

} // namespace haat::kv
