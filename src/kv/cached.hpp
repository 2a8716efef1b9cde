// Cache-aside: what is in the store is given back; what is not is made once, kept and given to all
// who wait for it.
//
//     auto load = [&] { return load_brand(call, id); };          // a Task<Value>, null: not found
//     Value const json = co_await cached(store, key, brand_for_ten_minutes, load);
//
// What the loader read before a tag was dropped is not kept. While the store is away, the loader
// runs, once for all of this node who ask at the same time. What the loader throws, everybody gets.
#pragma once

#include <functional>

#include <describe/codec.hpp>
#include <kv/store.hpp>

namespace haat::kv {

struct CachedFor {
    milliseconds ttl{300'000};              // ± 10 %: what was made together ends apart
    milliseconds absent_ttl{10'000};        // that there is no such thing; 0: is not kept
    std::span<std::string_view const> tags; // dropped by the writes that change it
};

using Load = std::function<Task<Value>()>;
Task<Value> cached(Store& store, std::string_view key, CachedFor const& how, Load const& load);

/// The time with its ± 10 %.
milliseconds jittered(milliseconds ttl);

template <class T> using LoadOf = std::function<Task<std::optional<T>>()>;

namespace detail {
template <class T> Task<Value> load_json(LoadOf<T> const& load) {
    std::optional<T> const made = co_await load();
    if (!made) co_return nullptr;
    co_return std::make_shared<std::string const>(describe::to_json(*made));
}
} // namespace detail

/// The same for a described struct. A kept value that no longer fits the struct is made anew.
template <class T>
Task<std::optional<T>> cached_as(Store& store, std::string_view key, CachedFor const& how,
                                 LoadOf<T> const& load) {
    auto const load_text = [&load] { return detail::load_json<T>(load); };
    Load const loader = load_text;
    for (int attempts = 0; attempts < 2; ++attempts) {
        Value const json = co_await cached(store, key, how, loader);
        std::optional<T> value;
        if (!json) co_return value;
        if (describe::from_json(*json, value.emplace()).empty()) co_return value;
        co_await store.remove(key);
    }
    co_return co_await load();
}

} // namespace haat::kv
