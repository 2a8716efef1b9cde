#include <kv/store.hpp>

#include <kv/flights.hpp>

namespace haat::kv {

Store::Store() : flights_(std::make_shared<Flights>()) {}
Store::~Store() = default;

Task<Outcome> Store::set(std::string_view key, std::string_view value, milliseconds ttl) {
    Keep const keep{.ttl = ttl, .tags = {}, .unless_dropped = nullptr, .only_if_absent = false};
    co_return co_await set(key, value, keep);
}

} // namespace haat::kv
